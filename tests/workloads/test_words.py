"""One of a thing is no plural."""

import dse
import workloads
from tests.dse import tiny
from workloads.words import counted


def test_counts_take_their_nouns():
    assert [counted(n, "design") for n in (0, 1, 2, 12345)] == [
        "0 designs",
        "1 design",
        "2 designs",
        "12,345 designs",
    ]


def test_results_of_one_speak_so():
    space = dse.Space("edge_16x16", {"array.rows": [8]}, name="one")
    front = dse.sweep(tiny.network(), space, progress=False).front()
    assert "1 design of 1 configuration (1 feasible)" in repr(front)
    graph = workloads.Graph("single")
    graph.add(
        workloads.operations.Convolution("conv", out_channels=4, kernel=1), graph.input("x", (1, 3, 8, 8))
    )
    assert "<Network single: 1 operation," in repr(workloads.Network(graph))
