"""Search networks and machines together, and apart: the strategies of `dse.codesign`."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.arguments import SPACE, folder_named
from dse.errors import InfeasibleSpaceError, UnknownNameError, nearest
from dse.joint.accuracy import Measured
from dse.joint.flat import flat_pairs
from dse.joint.hardware import Hardware
from dse.joint.listed import networks_of
from dse.joint.pairs import PairSearch, PairSpace
from dse.joint.picking import ACCURACY, Promise, references
from dse.joint.sampling import Trained, first_sample, most_accurate
from dse.joint.state import Search
from dse.metrics import Objective, columns, objectives_of, to_minimise
from dse.pareto import knee as knees
from dse.pareto.front import nondominated
from dse.results.codesigned import Codesigned
from dse.run.schedule import LAYERS
from dse.space.named import space_of
from workloads import Network, NetworkSpace
from workloads.errors import InputError, shown
from workloads.grammar.arguments import (
    LISTED,
    NATURAL,
    NUMBER,
    PATH,
    POSITIVE,
    TEXT,
    TRUTH,
    either,
    takes,
)

if TYPE_CHECKING:
    import pandas

    from dse.space.space import Space

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

PAIRS: Final = "pairs"
OBJECTIVES: Final = ("-accuracy", "latency_s", "energy_j")
_FIRST: Final = 3
"""A third of the trainings are spread over the space, before anything is learnt."""


@takes(
    space=SPACE,
    objectives=either(TEXT, LISTED),
    rounds=POSITIVE,
    floor=NUMBER,
    seed=NATURAL,
    mapping_objective=TEXT,
    store=PATH.or_none(),
    workers=NATURAL,
    limit_s=NUMBER,
    confirm=NATURAL,
    progress=TRUTH.or_none(),
)
def codesign(
    networks: "NetworkSpace | Sequence[Network | str]",
    space: "Space | str",
    *,
    accuracy: Callable[..., Any] | Measured,
    budget: int = 60,
    objectives: Sequence[str | Objective] = OBJECTIVES,
    strategy: str | None = None,
    predictor: str = "gaussian_process",
    rounds: int = 6,
    floor: float = 0.0,
    seed: int = 0,
    mapping_objective: str = "edp",
    schedule: str = LAYERS,
    store: str | os.PathLike[str] | None = None,
    workers: int = 0,
    limit_s: float = 600.0,
    confirm: int = 0,
    progress: bool | None = None,
) -> Codesigned:
    """Search networks and the machines that run them for one front.

    Parameters
    ----------
    networks
        A space of networks, or a list of them or of their names.
    space
        The machines.
    accuracy
        `f(network)` or `f(network, machine)` -> accuracy or (mean, standard error), with `seed=` where it
        takes one; or a `Measured`. A trainer of `workloads.learning` reports test samples too.
    budget
        Trainings at most, those of failed networks included; of a call that takes the machine, pairs.
    objectives
        "-accuracy" and columns of a machine's cost.
    strategy
        "nested" trains networks that promise hypervolume and costs each on all machines, certified. "flat"
        evolves pairs of network and machine with predicted accuracy and trains what comes out (Chameleon,
        STEERAGE). "successive" takes turns: networks for a machine, then a machine for the best of them.
        "sequential", the honest rival, seeks the most accurate network first and then its machines; "blind"
        seeks networks by accuracy and MACs first and then the machines of all of them. "pairs" measures
        single pairs, as a call needs that takes the machine; then it is the default, else "nested".
    predictor
        "gaussian_process", "boosted_trees", or "committee", the mean of both.
    rounds
        Rounds after the first third of the trainings; the predictor learns before each.
    floor
        Accuracy below which a network is on no front, such as what guessing reaches.
    seed
        Equal seeds give equal searches.
    mapping_objective
        What each operation's mapping, and the schedule, minimises.
    schedule
        "layers", or "resident" or "fused" for machines whose memory allows it: see `dse.search`.
    store
        Folder for trainings and fronts, kept by content. A search that was killed and is started again trains
        nothing twice.
    workers
        Processes that train; 0 trains in this one.
    limit_s
        Seconds after which a training counts as failed.
    confirm
        Trainings with fresh seeds of each network on the final front, beyond the budget.
    progress
        Whether to show a bar; None on a terminal only.

    Returns
    -------
    Codesigned
        A front of pairs, every training, and how well accuracy was predicted before it was measured.

    Raises
    ------
    UnknownNameError
        If a strategy, a predictor or an objective is not known; the nearest are named.
    InfeasibleSpaceError
        If no training succeeds, or no machine can run any network.
    ValueError
        If an argument is refused.

    """
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or budget < 1:
        raise InputError(
            f"budget must be a whole number of trainings, at least 1, got {shown(budget)}", path="budget"
        )
    if floor != floor:
        raise InputError(f"floor must be an accuracy, got {shown(floor)}", path="floor")
    if strategy is not None and strategy not in (*_STRATEGIES, PAIRS):
        raise UnknownNameError(
            f"unknown strategy {shown(strategy)}{nearest(strategy, (*_STRATEGIES, PAIRS))}"
        )
    wanted = _objectives(objectives)
    space = space_of(space)
    nets = networks_of(networks)
    folder = None if store is None else folder_named(store)
    measured = accuracy
    if not isinstance(measured, Measured):
        kept = None if folder is None else folder / "trainings"
        measured = Measured(accuracy, store=kept, workers=workers, limit_s=limit_s, progress=progress)
    strategy = strategy or (PAIRS if measured.wants_machine else "nested")
    if measured.wants_machine and strategy != PAIRS:
        raise InputError(
            f"strategy: {shown(strategy)} measures a network once for all machines, and this "
            "accuracy takes the "
            f"machine; strategy={shown(PAIRS)} measures pairs",
            path="strategy",
        )
    others = tuple(one for one in wanted if one.column != ACCURACY)
    fronts = None if folder is None else folder / "fronts"
    hardware = Hardware(space, others, mapping_objective, store=fronts, seed=seed, schedule=schedule)
    points = PairSpace(nets, space) if strategy == PAIRS else nets
    trained = Trained(points, measured, predictor, seed)
    first_sample(trained, max(1, min(budget, budget // _FIRST)))
    if strategy == PAIRS:
        pairing = PairSearch(trained, hardware, wanted, int(budget), rounds, floor)
        pairing.run()
        search: Search = pairing
    else:
        search = Search(trained, hardware, wanted, int(budget), rounds, floor)
        search.begin()
        _STRATEGIES[strategy](search)
    pairs = search.frame()
    if not len(pairs):
        raise InfeasibleSpaceError(search.why_nothing())
    pairs = named(pairs, nets)
    front = pairs[nondominated(pairs, [str(one) for one in wanted])]
    result = Codesigned(
        frame=front.sort_values(
            [one.column for one in wanted], ascending=[not o.maximise for o in wanted]
        ).reset_index(drop=True),
        pairs=pairs.reset_index(drop=True),
        trainings=named(search.trainings(), nets),
        objectives=wanted,
        networks=nets,
        space=space,
        strategy=strategy,
        seed=seed,
        quality=search.quality(),
        evaluations=hardware.evaluations,
        accuracy=measured,
        schedule=schedule,
    )
    try:
        return result.confirmed(confirm) if confirm else result
    finally:
        measured.close()


def named(frame: "pandas.DataFrame", nets: NetworkSpace) -> "pandas.DataFrame":
    """Return a frame whose networks are called by their names, where they are of a list."""
    if nets.fields != ("network",):
        return frame
    return frame.assign(network=frame["net.network"])


def _nested(search: Search) -> None:
    search.know_trained()
    rounds = search.rounds
    while search.left:
        frame = search.frame()
        choose = search.choose(references(frame)) if len(frame) else None
        if not search.step(rounds, choose):
            break
        search.know_trained()
        rounds -= 1


def _sequential(search: Search) -> None:
    rounds = search.rounds
    while search.left and search.step(rounds):
        rounds -= 1
    search.know_front(search.most_accurate())


def _blind(search: Search) -> None:
    """Choose networks by accuracy and MACs, which stand for every machine, and then their machines."""
    wanted = objectives_of(("-accuracy", "macs"), ("accuracy", "macs"))

    def pick(index: IndexArray, mean: FloatArray, deviation: FloatArray, count: int) -> IndexArray:
        table = search.trainings()
        known = table[(table["failed"] == "") & (table["accuracy"] >= search.floor)]
        if not len(known):
            return most_accurate(index, mean, deviation, count)
        promise = Promise(search.trained, known, wanted, search.floor)
        sizes = [np.array([[float(search.trained.network(int(one)).macs)]]) for one in index]
        return promise.pick(mean, deviation, sizes, count)

    rounds = search.rounds
    while search.left and search.step(rounds, pick):
        rounds -= 1
    search.know_trained()


def _successive(search: Search) -> None:
    """Take turns: the knee of the best network's front is the machine that networks are chosen for."""
    rounds, machine = search.rounds, -1
    while True:
        best = search.most_accurate()
        search.know_front(best)
        frame = search.frame()
        if len(frame):
            if machine >= 0:
                best = _best_on(frame, machine, search.objectives)
                search.know_front(best)
                frame = search.frame()
            rows = frame[frame["network"] == best]
            columns = [rows[o.column].to_numpy(dtype=np.float64) for o in search.hardware.objectives]
            values = to_minimise(columns, search.hardware.objectives)
            machine = int(rows["machine"].iloc[knees.knee(values)[0]])
        if not search.left:
            return
        machines = np.array([machine] if machine >= 0 else [0], dtype=np.int64)
        for place in search.trained.good:
            search.know_machines(search.trained.index[place], machines)
        if not search.step(rounds, search.choose(machines) if len(search.frame()) else None):
            return
        rounds -= 1
        for place in search.trained.good:
            search.know_machines(search.trained.index[place], machines)


def _best_on(frame: "pandas.DataFrame", machine: int, objectives: tuple[Objective, ...]) -> int:
    """Return the network at the knee of what a machine runs."""
    rows = frame[frame["machine"] == machine]
    values = to_minimise([rows[o.column].to_numpy(dtype=np.float64) for o in objectives], objectives)
    on_front = np.flatnonzero(nondominated(values))
    return int(rows["network"].iloc[on_front[knees.knee(values[on_front])[0]]])


def _flat(search: Search) -> None:
    rounds = search.rounds
    pairs: list[tuple[int, int]] = []
    while True:
        good = search.trained.good
        known = {search.trained.index[i] for i in good}
        final = not search.left
        pairs = flat_pairs(
            search.trained, search.hardware, search.objectives, pairs, only=known if final else None
        )
        for index in sorted({network for network, _ in pairs} & known):
            machines = np.array([m for n, m in pairs if n == index], dtype=np.int64)
            search.know_machines(index, np.unique(machines))
        if final:
            return
        ordered = [one for one in dict.fromkeys(n for n, _ in pairs) if one not in known]
        left = search.budget - len(search.trained.index)
        count = max(1, -(-left // max(1, rounds)))
        fresh = [one for one in ordered if one not in set(search.trained.index)][:count]
        if fresh:
            points = np.array(fresh, dtype=np.int64)
            foretold = search.trained.learnt().predict(search.trained.features(points))
            search.trained.measure(points, foretold)
        elif not search.step(rounds):
            return
        rounds -= 1


_STRATEGIES: Final[dict[str, Callable[[Search], None]]] = {
    "nested": _nested,
    "flat": _flat,
    "successive": _successive,
    "sequential": _sequential,
    "blind": _blind,
}


def _objectives(names: Sequence[str | Objective]) -> tuple[Objective, ...]:
    wanted = objectives_of(names, (ACCURACY, *columns()))
    if not any(one.column == ACCURACY and one.maximise for one in wanted):
        raise InputError("objectives: -accuracy is missing; without it every network is as good as another")
    if len(wanted) < 2:
        raise InputError("objectives: name a cost of the machine beside -accuracy, such as energy_j")
    return wanted
