"""A network that the oracle walks in milliseconds, and spaces around one small machine."""

from hypothesis import strategies as st

import dse
from workloads import Graph, Network
from workloads.operations import Convolution, Elementwise


def network(name="small", channels=6):
    graph = Graph(name)
    x = graph.input("image", (1, 3, 6, 6))
    x = graph.add(Convolution("conv1", out_channels=channels, kernel=3, padding=1), x)
    x = graph.add(Elementwise("relu1", "relu"), x)
    graph.add(Convolution("conv2", out_channels=10, kernel=1, stride=2), x)
    return Network(graph)


def space(constraints=(), base=None, **axes):
    import hwmodels

    machine = hwmodels.load("edge_16x16")
    if base:
        machine = machine.replace(base)
    named = {
        "array.rows": [4, 8],
        "array.cols": [2, 4, 8],
        "main_memory": ["lpddr4", "hbm2"],
        **axes,
    }
    return dse.Space(machine, named, constraints=constraints, name="small")


def some(values, least=1, most=3):
    return st.lists(st.sampled_from(values), min_size=least, max_size=most, unique=True)


@st.composite
def spaces(draw):
    double = draw(st.booleans())
    return space(
        base={"buffers.double_buffered": double},
        **{
            "array.rows": draw(some([2, 3, 4, 8])),
            "array.cols": draw(some([2, 4, 6])),
            "array.dataflow": draw(some(["os", "ws", "is"], most=2)),
            "buffers.weight.bytes": draw(some([512, 1024, 4096], most=2)),
            "main_memory": draw(some(["lpddr4", "ddr4", "hbm2"], most=2)),
        },
    )
