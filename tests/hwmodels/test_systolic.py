"""Cycle counts: against a stepped array, SCALE-Sim's runs, and by law."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels import systolic_cycles
from tests.oracles import systolic as oracle

SCALESIM = Path(__file__).parents[1] / "golden" / "systolic_cycles.csv"
FLOWS = ("os", "ws", "is")
small = st.integers(min_value=1, max_value=6)


@settings(max_examples=60, deadline=None)
@given(
    m=small, k=small, n=small, rows=small, cols=small, flow=st.sampled_from(FLOWS), seed=st.integers(0, 99)
)
def test_closed_form_equals_stepped_array(m, k, n, rows, cols, flow, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(1, 9, (m, k)), rng.integers(1, 9, (k, n))
    product, clocks = oracle.multiply(a, b, rows, cols, flow)
    assert (product == a @ b).all()
    assert systolic_cycles(m, k, n, rows, cols, flow) == clocks


# SCALE-Sim 3.0.0, ideal bandwidth: (S_r, S_c, T, rows, cols, dataflow, index of the last cycle).
PRINTED = [
    (196, 8, 36, 8, 8, "os", 1249),
    (36, 8, 196, 8, 8, "ws", 1089),
    (36, 196, 8, 8, 8, "is", 3749),
    (64, 32, 144, 8, 8, "os", 5055),
]


def product_of(s_r: int, s_c: int, t: int, flow: str) -> tuple[int, int, int]:
    """(m, k, n) of a run from what the array holds and streams."""
    return {"os": (s_r, t, s_c), "ws": (t, s_r, s_c), "is": (s_c, s_r, t)}[flow]


@pytest.mark.published
@pytest.mark.parametrize(("s_r", "s_c", "t", "rows", "cols", "flow", "last"), PRINTED)
def test_printed_scalesim_runs(s_r, s_c, t, rows, cols, flow, last):
    assert systolic_cycles(*product_of(s_r, s_c, t, flow), rows, cols, flow) == last + 1


@pytest.mark.published
def test_all_scalesim_runs():
    with SCALESIM.open(newline="") as stream:
        runs = list(csv.DictReader(stream))
    assert len(runs) == 102
    for run in runs:
        held = [int(run[name]) for name in ("held_down", "held_across", "streamed")]
        got = systolic_cycles(
            *product_of(*held, run["dataflow"]), int(run["rows"]), int(run["cols"]), run["dataflow"]
        )
        assert got == int(run["last_cycle"]) + 1, run


@given(m=small, k=small, n=small)
def test_one_pe_takes_one_cycle_a_product(m, k, n):
    assert systolic_cycles(m, k, n, 1, 1, "os") == m * k * n


@given(m=small, k=small, n=small, rows=small, cols=small, flow=st.sampled_from(FLOWS))
def test_no_array_beats_its_peak(m, k, n, rows, cols, flow):
    assert systolic_cycles(m, k, n, rows, cols, flow) * rows * cols >= m * k * n


@given(m=small, k=small, n=small, rows=small, cols=small)
def test_inputs_held_is_weights_held_of_the_transposed_product(m, k, n, rows, cols):
    assert systolic_cycles(m, k, n, rows, cols, "is") == systolic_cycles(n, k, m, rows, cols, "ws")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"m": 0}, "m must be an integer >= 1, got 0"),
        ({"rows": -4}, "rows must be an integer >= 1, got -4"),
        ({"dataflow": "rs"}, r'array.dataflow must be "os", "ws" or "is", got \'rs\''),
        ({"m": 2**40, "n": 2**40}, "does not fit 64 bits"),
    ],
)
def test_bad_sizes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        systolic_cycles(**{"m": 1, "k": 1, "n": 1, "rows": 1, "cols": 1, "dataflow": "os"} | change)
