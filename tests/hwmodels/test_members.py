"""Every member of every enumeration is known to closed form, sweep and oracle; other codes are refused."""

import importlib
import pkgutil
from enum import IntEnum, StrEnum

import numpy as np
import pytest

import hwmodels
from hwmodels.array import INTERCONNECTS, Dataflow
from hwmodels.columns import LIMITS
from hwmodels.components.arithmetic import NumberFormat
from hwmodels.components.rounding import Mode
from hwmodels.components.sram import DEVICES
from hwmodels.components.stacking import STYLES
from hwmodels.kernels.two_level.systolic import systolic_cycles as kernel_cycles
from hwmodels.mapping import Drain, FirstTouch, Gaps, Reuse
from hwmodels.parts import NUMBER_FORMATS, ROUNDINGS
from hwmodels.sparsity import FORMATS, IMBALANCES, MODES
from hwmodels.template import LOOP_ORDERS, Template, evaluate_templates, pack_templates
from hwmodels.validation.row import Evidence, Made
from hwmodels.zeros.formats import NonZeros
from tests.hwmodels.tables import layer_table
from tests.hwmodels.test_tiling import agree
from tests.oracles import systolic as stepped
from tests.oracles import tiling as oracle

NEST = oracle.Nest(n=2, k=5, c=3, p=3, q=2, r=2, s=2, in_rows=4, in_cols=3, wd=0.5, id=0.5)


def machine(wiring, flow):
    return {
        **{"rows": 2, "cols": 3, "flow": flow, "double": True, "clock": 1.0, "static_w": 1e-12},
        **{"wb": 1, "ib": 1, "ob": 1, "ab": 4, "read_bw": 1.0, "write_bw": 1.0},
        "cap": {"weight": 40, "input": 60, "output": 200, "shared": 0},
        "port": {"weight": 9.0, "input": 9.0, "output": 9.0},
        "pj": {"weight": (1, 2), "input": (1, 3), "output": (2, 1), "dram": (9, 8), "mac": 1},
        **{"wiring": wiring, "unroll": dict(zip("nkcpqrs", (1, 2, 2, 2, 1, 1, 2), strict=True))},
        **{"accumulators": 20, "im2col": 0},
    }


@pytest.mark.parametrize("flow", list(Dataflow))
@pytest.mark.parametrize("wiring", INTERCONNECTS)
@pytest.mark.parametrize("objective", hwmodels.OBJECTIVES)
def test_sweep_and_oracle_know_every_array_and_dataflow(wiring, flow, objective):
    agree(NEST, machine(wiring, flow.short), objective)


@pytest.mark.parametrize("flow", list(Dataflow))
def test_closed_form_and_stepped_array_know_every_dataflow(flow):
    rng = np.random.default_rng(0)
    a, b = rng.random((5, 4)), rng.random((4, 3))
    product, clocks = stepped.multiply(a, b, 2, 3, flow.short)
    assert np.allclose(product, a @ b)
    assert hwmodels.systolic_cycles(5, 4, 3, rows=2, cols=3, dataflow=flow) == clocks


def test_a_dataflow_that_is_none_has_no_cycles():
    assert kernel_cycles(5, 4, 3, 2, 3, len(Dataflow)) == -1


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("column", "known"),
    [
        ("interconnect", INTERCONNECTS.values()),
        ("dataflow", Dataflow),
        ("weight_format", FORMATS.values()),
        ("input_format", FORMATS.values()),
        ("output_format", FORMATS.values()),
        ("weight_mode", MODES.values()),
        ("input_mode", MODES.values()),
        ("imbalance", IMBALANCES.values()),
    ],
)
def test_every_member_costs_something_and_no_other_code_does(column, known):
    layers, configs = layer_table([NEST]), hwmodels.pack(hwmodels.load("edge_16x16"))
    fields = {"waiting_lanes": 4, "waiting_filters": 2, "accumulators": 20}
    for name in ("weight", "input"):
        more = {"m": 2, "n": 1, "block": 2, "run_bits": 3, "mode": 2}
        fields |= {f"{name}_{field}": value for field, value in more.items()}
    configs = configs._replace(**{name: np.array([value]) for name, value in fields.items()})
    for code in known:
        found = hwmodels.evaluate(layers, configs._replace(**{column: np.array([int(code)])}))
        assert found.feasible[0] == 1, (code, LIMITS[found.limit[0]])
        assert found.latency_s[0] > 0
    found = hwmodels.evaluate(layers, configs._replace(**{column: np.array([max(map(int, known)) + 1])}))
    assert LIMITS[found.limit[0]] == "overflow"
    assert np.isnan(found.latency_s[0])


def test_every_order_of_a_template_costs_something_and_no_other_does():
    layers, base = layer_table([NEST]), Template()
    for order in LOOP_ORDERS:
        assert (
            evaluate_templates(layers, pack_templates(base.replace({"loop_order": order}))).feasible[0] == 1
        )
    unknown = pack_templates(base)._replace(order=np.array([len(LOOP_ORDERS)]))
    found = evaluate_templates(layers, unknown)
    assert LIMITS[found.limit[0]] == "overflow"
    assert np.isnan(found.energy_j[0])


PARTS = {
    NumberFormat: "datapath.number_format",
    Mode: "datapath.rounding",
    "devices": "technology.device",
    "styles": "stacking.style",
}
"""Enumerations whose members components price, and where a machine states them."""

NAMED = {"devices": DEVICES, "styles": STYLES, Mode: ROUNDINGS, NumberFormat: NUMBER_FORMATS}
"""Their members as a machine's fields take them."""


@pytest.mark.compiled
@pytest.mark.parametrize("kind", list(PARTS), ids=str)
def test_components_price_every_member(kind):
    wide = {f"datapath.{operand}_bits": 32 for operand in ("weight", "input", "output")}  # for any format
    machine, layers = hwmodels.load("edge_16x16").replace(wide), layer_table([NEST])
    for member in NAMED[kind]:
        found = hwmodels.evaluate(layers, hwmodels.pack(machine.replace({PARTS[kind]: member})))
        assert found.energy_j[0] > 0, member
        assert found.area_mm2[0] > 0, member


def test_no_enumeration_is_forgotten():
    """A new one of hwmodels fails here until its members are tested, above or where is said."""
    for module in pkgutil.walk_packages(hwmodels.__path__, "hwmodels."):
        if ".kernels." not in module.name:
            importlib.import_module(module.name)
    covered = {Dataflow, *(kind for kind in PARTS if isinstance(kind, type))}
    covered |= {Reuse, FirstTouch, Drain, Gaps}  # tests/mapping/test_engine.py: every member against the walk
    covered |= {NonZeros}  # tests/interop/test_sparseloop_goldens.py
    covered |= {Evidence, Made}  # words of the ledger
    found = {kind for base in (IntEnum, StrEnum) for kind in base.__subclasses__()}
    ours = {kind for kind in found if kind.__module__.startswith("hwmodels")}
    assert ours == covered
