"""What machines, components and strategies of one's own have to promise, as checks for one's own tests.

    from dse.testing import check_component, check_mac_unit, check_machine, check_strategy

    def test_my_machine():
        check_machine(my_machine)

Each check raises AssertionError with the promise that is broken.
"""

import pickle
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import hwmodels
import workloads
from dse.run.sweep import sweep
from dse.space.space import Space
from dse.strategies.protocol import Plan, Strategy
from dse.strategies.search import search
from hwmodels.columns import MetricTable
from hwmodels.level import Level, own_prices
from hwmodels.levels import LevelMachine
from hwmodels.machine import Machine
from hwmodels.own import OwnPart
from hwmodels.own_macs import AskedMac, own_mac, own_mac_cost
from hwmodels.own_storage import Asked, own_storage
from workloads.table import deduplicate

_NETWORK = "lenet_300_100"
_SUMS = ("latency_s", "energy_j", "dram_read_bytes", "dram_write_bytes")


def check_machine(machine: Any, network: Any = _NETWORK) -> None:
    """Check that a machine goes through the door.

    Parameters
    ----------
    machine
        What `dse.evaluate` shall take.
    network
        What it is run on.

    Raises
    ------
    AssertionError
        If it does not fit `hwmodels.Machine` and `hwmodels.Model`: fields, replacing, fingerprint, travelling
        to other processes, packing, metrics, limits, and operations that add up to totals.

    """
    _held(isinstance(machine, Machine), "has name, source, assumptions, main_memory, model, paths, replace")
    known = machine.paths()
    _held(bool(known), "paths() names its fields")
    plain = {path: value for path, value in known.items() if type(value) in (int, float, str, bool)}
    again = machine.replace(dict(list(plain.items())[:1]))
    _held(again.fingerprint() == machine.fingerprint(), "replacing a field by itself changes nothing")
    copy = pickle.loads(pickle.dumps(machine))
    _held(copy.fingerprint() == machine.fingerprint(), "keeps its fingerprint in another process")
    net = workloads.load(network) if isinstance(network, str) else network
    layers = net.table()
    model = machine.model
    configs = model.pack(machine, None, 2)
    _held(configs.size == 2, "pack(machine, None, n) makes n configurations")
    metrics = model.evaluate(deduplicate(layers)[0], configs)
    _held(isinstance(metrics, MetricTable), "evaluate gives a MetricTable")
    limits = model.limits(machine)
    _held(
        limits[0] == "" and all(0 <= code < len(limits) for code in metrics.limit), "limits name every code"
    )
    if not metrics.feasible[0]:
        raise AssertionError(
            f"{machine.name} cannot run {net.name} ({limits[int(metrics.limit[0])]}); give another"
        )
    for name in model.columns:
        _held(bool(np.isfinite(getattr(metrics, name)).all()), f"{name} is finite where it is modelled")
        column = getattr(metrics, name)
        _held(column[0] == column[1], f"equal configurations cost the same ({name})")
    if model.tells:
        operations = model.operations(layers, configs)
        repeats = layers.repeats.astype(np.float64)
        for name in _SUMS:
            total = float(repeats @ operations[name])
            whole = float(getattr(metrics, name)[0])
            _held(bool(np.isclose(total, whole, rtol=1e-9)), f"operations add up to the total ({name})")
        sheet = model.account(layers, configs).sheet
        _held(
            bool((sheet.counts >= 0).all() and (sheet.prices_pj >= 0).all()), "counts and prices are amounts"
        )
        bounds = model.bounds(machine)
        _held(all(0 <= code < len(bounds) for code in operations["bound"]), "bounds name every code")


def check_component(kind: str) -> None:
    """Check that a storage registered with `hwmodels.register_component` can be a level of any machine.

    Parameters
    ----------
    kind
        Its name.

    Raises
    ------
    AssertionError
        If it is not registered, its prices are not always the same, it cannot travel to other processes, or a
        machine that has it does not go through the door.

    """
    sizes = ((64, 8, 1), (512, 16, 1), (1 << 16, 64, 4))
    asked = [Asked(*size, node_nm, 0.9) for size in sizes for node_nm in (7.0, 45.0)]
    _answers("component", kind, own_storage(kind), partial(own_prices, kind), asked)
    machine = LevelMachine(
        name="bench",
        levels=(
            Level(name="pads", kind=kind, bytes=4096, fanout_x=8),
            Level(name="memory", kind="main_memory"),
        ),
        main_memory="lpddr4",  # type: ignore[arg-type]  # a name is read as the memory
        clock_hz=5e8,
    )
    plain = machine.replace({"levels.pads.kind": "sram"})
    _held(machine.fingerprint() != plain.fingerprint(), "enters fingerprints")
    check_machine(machine)


def check_mac_unit(name: str) -> None:
    """Check that a unit registered with `hwmodels.register_mac_unit` can multiply on any machine.

    Parameters
    ----------
    name
        Its name.

    Raises
    ------
    AssertionError
        If it is not registered, its prices are not always the same, it cannot travel to other processes, or a
        machine that has it does not go through the door.

    """
    points = ((4, 7.0), (8, 22.0), (16, 45.0))
    asked = [AskedMac(bits, bits, 4 * bits, "int", node_nm, 0.9) for bits, node_nm in points]
    _answers("mac_unit", name, own_mac(name), partial(own_mac_cost, name), asked)
    for kind in ("edge_16x16", "edge_levels", "template"):
        plain = hwmodels.load(kind)
        machine = plain.replace({"datapath.mac_unit": name})
        _held(machine.fingerprint() != plain.fingerprint(), "enters fingerprints")
        check_machine(machine)


def _answers(
    what: str, name: str, own: OwnPart | None, ask: Callable[[Any], Any], questions: Sequence[Any]
) -> None:
    """Whether a part is known, answers equal questions equally, in amounts, and travels to processes."""
    _held(own is not None, f"hwmodels.register_{what} knows {name}")
    assert own is not None
    for asked in questions:
        prices = ask(asked)  # which refuses what is no amount
        _held(ask(asked) == prices, "equal questions have equal answers")
    try:
        copy = pickle.loads(pickle.dumps(own))
    except (pickle.PicklingError, AttributeError) as refusal:
        raise AssertionError(
            f"broken promise: travels to other processes ({refusal}); put its function at the top of a module"
        ) from None
    _held(copy.digest == own.digest, "is the same in another process")


def check_strategy(start: Callable[[str, Plan], Strategy], budget: int = 12) -> None:
    """Check that a search strategy keeps what all of them promise.

    Parameters
    ----------
    start
        Makes the strategy: `start(name, plan)`; see `dse.strategies.protocol`.
    budget
        Points that it may cost, of 48.

    Raises
    ------
    AssertionError
        If equal seeds give different searches, a point is costed twice or beyond the budget, or the front is
        not that of the points costed.

    """
    space = Space(
        "edge_16x16",
        {
            "array.rows": [8, 16, 24, 32],
            "array.cols": [8, 16, 24, 32],
            "clock_hz": ["400 MHz", "800 MHz", "1.2 GHz"],
        },
        constraints=["array.cols <= 3 * array.rows"],
    )
    net = workloads.load(_NETWORK)
    options: dict[str, Any] = {"objectives": ("latency_s", "energy_j"), "progress": False, "budget": budget}
    one, two = (search(net, space, strategy=start, seed=3, **options) for _ in range(2))
    index = one.trace["index"]
    _held(index.tolist() == two.trace["index"].tolist(), "equal seeds give equal searches")
    _held(len(set(index.tolist())) == len(index) <= budget, "costs points once, within the budget")
    _held(bool((space.violated(index) < 0).all()), "costs no point that a constraint excludes")
    every = sweep(net, space, progress=False).frame
    seen = every.loc[index, ["latency_s", "energy_j"]].to_numpy()
    for row in one.frame[["latency_s", "energy_j"]].to_numpy():
        better = (seen <= row).all(axis=1) & (seen < row).any(axis=1)
        _held(not better.any(), "its front is that of the points costed")


def _held(promise: bool, words: str) -> None:
    if not promise:
        raise AssertionError(f"broken promise: {words}")
