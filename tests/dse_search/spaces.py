"""Spaces that move every kind of column, small enough to cost whole."""

import dse
from tests.dse import tiny


def shared():
    """A shared buffer beside optional own ones, ports, lanes, bits and double buffering."""
    base = dse.Space("edge_16x16", axes={}).base.replace({"buffers.shared.bytes": 4096})
    return dse.Space(
        base,
        axes={
            "array.rows": [4, 8],
            "buffers.weight.bytes": [0, 1024, 4096],
            "buffers.output.bytes": [512, 2048],
            "buffers.double_buffered": [True, False],
            "buffers.input.port_bits": [0, 16],
            "vector_lanes": [0, 4],
            "main_memory": ["lpddr4", "hbm2"],
            "datapath.weight_bits": [4, 8],
        },
        name="shared",
    )


def voltage():
    """Operating points, node and buffers."""
    return dse.Space(
        "edge_16x16",
        axes={
            "array.cols": [4, 12],
            "array.dataflow": ["os", "is"],
            "technology.node_nm": [14, 22, 28],
            "point": [
                {"clock_hz": "400 MHz", "technology.voltage": 0.6},
                {"clock_hz": "900 MHz", "technology.voltage": 0.9},
            ],
            "buffers.input.bytes": ["1 KiB", "4 KiB", "16 KiB", "64 KiB"],
            "main_memory.bandwidth_bytes_per_s": ["1 GB/s", "8 GB/s"],
        },
        constraints=["array.cols <= 8 or technology.node_nm <= 22"],
        name="voltage",
    )


ALL = {"tiny": tiny.space(), "shared": shared(), "voltage": voltage()}
