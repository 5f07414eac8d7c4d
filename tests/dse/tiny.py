"""A network and a space that are swept in a blink; worker processes can import them."""

import dse
from workloads import Graph, Network
from workloads.operations import Convolution, Elementwise


def network():
    graph = Graph("tiny")
    x = graph.input("image", (1, 3, 16, 16))
    x = graph.add(Convolution("conv1", out_channels=16, kernel=3, padding=1), x)
    x = graph.add(Elementwise("relu1", "relu"), x)
    x = graph.add(Convolution("conv2", out_channels=32, kernel=3, padding=1, stride=2), x)
    graph.add(Convolution("conv3", out_channels=32, kernel=1), x)
    return Network(graph)


def space(**changes):
    axes = {
        "array.rows": [4, 8, 16],
        "array.cols": [4, 8, 16],
        "array.dataflow": ["os", "ws"],
        "buffers.weight.bytes": ["2 KiB", "8 KiB"],
        "clock_hz": ["400 MHz", "800 MHz"],
        "main_memory": ["lpddr4", "hbm2"],
    }
    axes.update(changes.pop("axes", {}))
    options = {"constraints": ["array.cols <= 2 * array.rows"], "name": "tiny", **changes}
    return dse.Space("edge_16x16", axes, **options)
