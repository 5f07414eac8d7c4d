"""Change a given network to fit a given machine: widths to whole tiles, groups and ranks by latency.

The third claim of the software-defined exploration paper (Yu, Li, Che, Jha, Zhang, IEEE TC 2021), and HALOC's
choice of ranks (Xiao et al., AAAI 2023) with the modelled latency of each layer in the place of measured
ones. What it costs in accuracy is for a training to say.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas

from dse.joint.accuracy import Measured
from dse.results.evaluation import evaluate
from dse.results.knapsack import knapsack
from workloads import Network, NetworkSpace
from workloads.errors import InputError, shown
from workloads.graph import Graph, Node
from workloads.operations import Convolution
from workloads.sparsity.channels import Ties, resize, width_of
from workloads.sparsity.low_rank import Conv, tucker2_parameters
from workloads.sparsity.rewrite import play, replay
from workloads.sparsity.schemes.tucker2 import decomposable

_QUANTUM: Final = 4
_SLACK: Final = 0.1


@dataclass(frozen=True)
class Fitting:
    """A network changed for a machine.

    Attributes
    ----------
    network
        Changed.
    latency_s, energy_j
        On the machine, before and after.
    changes
        Layer or field -> what was chosen.
    original
        The network before.

    """

    network: Network
    latency_s: tuple[float, float]
    energy_j: tuple[float, float]
    changes: dict[str, Any]
    original: Network

    def accuracy_cost(self, accuracy: Callable[..., Any] | Measured, seeds: int = 3) -> "pandas.DataFrame":
        """Say what the change costs in accuracy: both networks measured with the same seeds.

        Parameters
        ----------
        accuracy
            `f(network)`, with `seed=` where it takes one, or a `Measured`.
        seeds
            How many.

        Returns
        -------
        DataFrame
            Rows "before", "after" and "difference" of accuracies seed by seed: `mean`, and `error`, the
            standard error of the mean over seeds (NaN of one).

        Raises
        ------
        ValueError
            If a measurement fails.

        """
        if seeds < 1:
            raise InputError(f"seeds must be at least 1, got {seeds}", path="seeds")
        measured = accuracy if isinstance(accuracy, Measured) else Measured(accuracy)
        found = [measured([self.original, self.network], seed=seed) for seed in range(seeds)]
        failed = next((one.failed for pair in found for one in pair if one.failed), "")
        if failed:
            raise InputError(f"accuracy: a measurement failed: {failed}", path="accuracy")
        table = np.array([[one.accuracy for one in pair] for pair in found])
        rows = {"before": table[:, 0], "after": table[:, 1], "difference": table[:, 1] - table[:, 0]}
        error = {k: np.std(v, ddof=1) / seeds**0.5 if seeds > 1 else np.nan for k, v in rows.items()}
        return pandas.DataFrame({"mean": {k: v.mean() for k, v in rows.items()}, "error": error})

    @property
    def speedup(self) -> float:
        """Latency before over latency after."""
        return self.latency_s[0] / self.latency_s[1]


def ranks_by_latency(
    network: Network,
    machine: Any,
    density: float,
    *,
    slack: float = _SLACK,
    quantum: int = _QUANTUM,
    dense: Collection[str] = (),
    mapping_objective: str = "latency",
) -> Fitting:
    """Choose the ranks of a network's convolutions that fit a budget of weights with the least latency.

    Parameters
    ----------
    network
        The network.
    machine
        A machine, or its name.
    density
        Weights of the convolutions that can be decomposed, after over before, in (0, 1]: the capacity that
        is kept. Rank choices of equal capacity differ in latency by how they fill the array.
    slack
        Share of that budget that may stay unused: of smaller ranks everything is faster, and worse.
    quantum
        Ranks looked at are multiples of it, up to a layer's channels.
    dense
        Layers left as they are.
    mapping_objective
        What each operation's mapping minimises.

    Notes
    -----
    Each layer's latency at each rank is costed by itself, with equal ranks on both sides; layers add up. The
    least latency under the budget is then exact for those figures: a knapsack with one choice a layer, solved
    by dynamic programming over weights in thousandths of the budget. Keeping a layer as it is is a choice.

    Raises
    ------
    ValueError
        If nothing can be decomposed, or no choice fits the budget.

    """
    _check_budget(density, slack)
    if quantum < 1:
        raise InputError(f"quantum must be at least 1, got {quantum}", path="quantum")
    layers = {name: conv for name, conv in decomposable(network).items() if name not in dense}
    if not layers:
        raise InputError(f"network {network.name}: no convolution can be decomposed", path="network")
    most = {name: min(conv.channels, conv.filters) for name, conv in layers.items()}
    latency_s = latencies_of(network, layers, machine, mapping_objective)
    choices: dict[str, list[tuple[int, int, float]]] = {  # rank (0: as it is), weights, latency
        name: [(0, conv.parameters, latency_s[name])] for name, conv in layers.items()
    }
    for rank in range(quantum, max(quantum, *most.values()) + 1, quantum):
        fitting = {name: min(rank, most[name]) for name in layers if rank < most[name] + quantum}
        changed = network.sparsify("tucker2", ranks={name: (r, r) for name, r in fitting.items()})
        latency_s = latencies_of(changed, fitting, machine, mapping_objective)
        for name, own in fitting.items():
            choices[name].append((own, tucker2_parameters(layers[name], own, own), latency_s[name]))
    picked = _picked(layers, choices, density, slack)
    if picked is None:
        raise InputError(f"network {network.name}: no ranks fit a density of {density}", path="network")
    chosen = {name: rank for name, rank in picked.items() if rank}
    changed = network.sparsify("tucker2", ranks={name: (r, r) for name, r in chosen.items()})
    return fitting_of(network, changed if chosen else network, machine, mapping_objective, dict(chosen))


def widths_by_latency(
    space: NetworkSpace,
    index: int,
    machine: Any,
    *,
    slack: float = 0.1,
    mapping_objective: str = "latency",
) -> Fitting:
    """Move the widths of a network of a space to those that a machine runs with the least time a MAC.

    Parameters
    ----------
    space
        Networks whose axes called "width..." or "hidden..." may move.
    index
        The network to start from.
    machine
        A machine, or its name.
    slack
        MACs may fall by this share at most, so that capacity stays. More MACs are welcome, as in the last
        tile of an array, while the latency is no longer than at the start.
    mapping_objective
        What each operation's mapping minimises.

    Notes
    -----
    Steepest descent in seconds a MAC, one axis one step at a time, until no step gains.

    """
    if not 0 <= slack < 1:
        raise InputError(f"slack must be in [0, 1), got {shown(slack)}", path="slack")
    first = space[index]
    floor = (1 - slack) * first.macs
    movable = [n for n, axis in enumerate(space.axes) if axis.name.startswith(("width", "hidden"))]
    if not movable:
        raise InputError(f"space {space.name}: no axis is called width or hidden", path="space")
    shape = np.array(space.shape)

    def cost(at: int) -> tuple[float, float]:
        network = space[at]
        latency_s = float(evaluate(network, machine, mapping_objective=mapping_objective).totals["latency_s"])
        return latency_s / network.macs, latency_s

    here, now = index, cost(index)
    ceiling = now[1]
    while True:
        codes = space.codes(np.array([here]))[:, 0]
        steps = []
        for axis in movable:
            for move in (-1, 1):
                moved = codes.copy()
                moved[axis] += move
                if 0 <= moved[axis] < shape[axis]:
                    at = int(space.index_of(moved[:, None])[0])
                    if space.allows(at) and space[at].macs >= floor and (found := cost(at))[1] <= ceiling:
                        steps.append((found, at))
        if not steps or min(steps)[0][0] >= now[0]:
            break
        now, here = min(steps)
    before, after = space.configuration(index), space.configuration(here)
    changes = {field: after[field] for field in after if after[field] != before[field]}
    return fitting_of(first, space[here], machine, mapping_objective, changes)


def align_widths(
    network: Network,
    machine: Any,
    *,
    quanta: Sequence[int] = (4, 8, 16, 32),
    slack: float = 0.1,
    mapping_objective: str = "latency",
) -> Fitting:
    """Move the widths of a given network to multiples that a machine runs with the least time a MAC.

    Parameters
    ----------
    network
        The network; widths that are tied (residual sums) move together, fixed ones stay.
    machine
        A machine, or its name.
    quanta
        A width may become the multiple of any of these below or above it.
    slack
        MACs of the whole network may fall by this share at most.
    mapping_objective
        What each operation's mapping minimises.

    Notes
    -----
    Descent, width by width in the network's order, until none moves: each takes the multiple with the least
    seconds a MAC of the whole network, if its latency is no longer than at the start. `Fitting.accuracy_cost`
    says what that costs.

    Raises
    ------
    ValueError
        If an argument is refused, or no width may move.

    """
    if not 0 <= slack < 1 or not quanta or min(quanta) < 1:
        raise InputError(
            f"slack must be in [0, 1) and quanta positive, got {shown(slack)} and {list(quanta)}",
            path="slack",
        )
    groups = [layers[0] for layers in Ties(network).groups.values()]
    if not groups:
        raise InputError(f"network {network.name}: every width is fixed", path="network")

    def cost(one: Network) -> tuple[float, float]:
        latency_s = float(evaluate(one, machine, mapping_objective=mapping_objective).totals["latency_s"])
        return latency_s / one.macs, latency_s

    here, now = network, cost(network)
    ceiling, floor = now[1], (1 - slack) * network.macs
    moved = True
    while moved:
        moved = False
        for layer in groups:
            width = width_of(network.graph.node(layer).operation)
            others = {n for q in quanta for n in (width // q * q, -(-width // q) * q)} - {0}
            for other in sorted(others - {width_of(here.graph.node(layer).operation)}):
                changed = resize(here, {layer: other})
                found = cost(changed) if changed.macs >= floor else (np.inf, np.inf)
                if found[0] < now[0] * (1 - 1e-9) and found[1] <= ceiling:
                    here, now, moved = changed, found, True
    changes = {
        layer: (width_of(network.graph.node(layer).operation), width_of(here.graph.node(layer).operation))
        for layer in groups
    }
    changes = {layer: pair for layer, pair in changes.items() if pair[0] != pair[1]}
    return fitting_of(network, here, machine, mapping_objective, changes)


def groups_by_latency(
    network: Network,
    machine: Any,
    density: float,
    *,
    slack: float = _SLACK,
    choices: Sequence[int] = (1, 2, 4, 8, 16),
    dense: Collection[str] = (),
    mapping_objective: str = "latency",
) -> Fitting:
    """Choose the groups of a network's convolutions that fit a budget of weights with the least latency.

    Parameters
    ----------
    network
        The network; convolutions wider than one tap and of one group may be divided.
    machine
        A machine, or its name.
    density
        Weights of those convolutions, after over before, in (0, 1].
    slack
        Share of that budget that may stay unused; where the divisors leave no such choice, the least is.
    choices
        Numbers of groups; those that divide a layer's channels and filters are looked at.
    dense
        Layers left as they are.
    mapping_objective
        What each operation's mapping minimises.

    Notes
    -----
    As `ranks_by_latency`: each layer's latency by itself, and a knapsack. A group sees a part of the channels
    only; what that costs in accuracy is for `Fitting.accuracy_cost` to say.

    Raises
    ------
    ValueError
        If nothing can be divided, or no choice fits the budget.

    """
    _check_budget(density, slack)
    layers = {name: conv for name, conv in decomposable(network).items() if name not in dense}
    if not layers:
        raise InputError(f"network {network.name}: no convolution can be divided", path="network")
    found: dict[str, list[tuple[int, float, float]]] = {name: [] for name in layers}
    for number in sorted({1, *choices}):
        fitting = {
            n: number for n, c in layers.items() if c.channels % number == 0 and c.filters % number == 0
        }
        latency_s = latencies_of(_grouped(network, fitting), fitting, machine, mapping_objective)
        for name in fitting:
            found[name].append((number, layers[name].parameters / number, latency_s[name]))
    picked = _picked(layers, found, density, slack)
    if picked is None:
        raise InputError(f"network {network.name}: no groups fit a density of {density}", path="network")
    chosen = {name: number for name, number in picked.items() if number > 1}
    return fitting_of(network, _grouped(network, chosen), machine, mapping_objective, dict(chosen))


def _picked(
    layers: Mapping[str, Conv],
    choices: Mapping[str, Sequence[tuple[int, float, float]]],
    density: float,
    slack: float,
) -> dict[str, int] | None:
    """What is picked for each layer of its choices (what, weights, latency); None where nothing fits."""
    costs = [[(weights, latency_s) for _, weights, latency_s in own] for own in choices.values()]
    places = knapsack(costs, density * sum(conv.parameters for conv in layers.values()), slack=slack)
    if places is None:
        return None
    return {name: own[place][0] for (name, own), place in zip(choices.items(), places, strict=True)}


def _check_budget(density: float, slack: float) -> None:
    if not 0 < density <= 1:
        raise InputError(f"density must be in (0, 1], got {shown(density)}", path="density")
    if not 0 <= slack < 1:
        raise InputError(f"slack must be in [0, 1), got {shown(slack)}", path="slack")


def _grouped(network: Network, groups: dict[str, int]) -> Network:
    """Return the network with convolutions divided into groups."""

    def change(graph: Graph, node: Node) -> bool:
        operation = node.operation
        if isinstance(operation, Convolution) and groups.get(operation.name, 1) > 1:
            operation = replace(operation, groups=groups[operation.name])
        play(graph, network.graph, node, operation)
        return True

    return replay(network, change)


def latencies_of(
    network: Network, layers: Collection[str], machine: Any, mapping_objective: str
) -> dict[str, float]:
    """Return the latency of each layer, s; of the three that stand for it where it was decomposed."""
    found = evaluate(network, machine, mapping_objective=mapping_objective).operations
    seconds = dict(zip(found["operation"], found["latency_s"] * found["repeats"], strict=True))
    parts = ("", ".in", ".core")
    return {layer: sum(float(seconds.get(f"{layer}{part}", 0.0)) for part in parts) for layer in layers}


def fitting_of(
    before: Network, after: Network, machine: Any, mapping_objective: str, changes: dict[str, Any]
) -> Fitting:
    """Return a change with what it does to latency and energy on a machine."""
    pairs = [
        evaluate(network, machine, mapping_objective=mapping_objective).totals for network in (before, after)
    ]
    latency_s, energy_j = (
        (float(pairs[0][column]), float(pairs[1][column])) for column in ("latency_s", "energy_j")
    )
    return Fitting(after, latency_s, energy_j, changes, before)
