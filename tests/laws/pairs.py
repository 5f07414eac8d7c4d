"""Random networks and machines, through the public API; sizes shrink towards 1, parts away."""

from hypothesis import strategies as st

import hwmodels
from hwmodels.levels import Level, LevelMachine
from workloads import Graph, Network
from workloads.operations import Convolution, Elementwise, Linear

MEMORIES = ("lpddr4", "hbm2", "ddr4")


def convolution(graph, name, x, draw, widest):
    """Append a convolution that fits what it reads."""
    channels, rows, cols = graph.tensors[x].shape[1:]
    kernel = draw(st.integers(1, min(5 if widest > 20 else 3, rows, cols)))
    depthwise = draw(st.booleans()) and channels > 1
    out = channels * draw(st.integers(1, 2)) if depthwise else draw(st.integers(1, widest))
    made = Convolution(
        name,
        out_channels=out,
        kernel=kernel,
        stride=draw(st.integers(1, 3)),
        padding=draw(st.integers(0, kernel // 2)),
        groups=channels if depthwise else 1,
    )
    return graph.add(made, x)


@st.composite
def networks(draw, most=2, largest=40, widest=70):
    """One or a few convolutions or fully connected layers, some with a vector operation behind them."""
    graph = Graph("drawn")
    if draw(st.booleans()):
        x = graph.input("x", (1, draw(st.integers(1, 4 * widest if widest > 20 else 2 * widest))))
        for i in range(draw(st.integers(1, most))):
            x = graph.add(
                Linear(
                    f"fc{i}",
                    draw(st.integers(1, 4 * widest if widest > 20 else 2 * widest)),
                    bias=draw(st.booleans()),
                ),
                x,
            )
    else:
        side = draw(st.integers(1, largest))
        x = graph.input(
            "x", (1, draw(st.integers(1, widest)), side, draw(st.sampled_from([side, 1, 2 * side])))
        )
        for i in range(draw(st.integers(1, most))):
            x = convolution(graph, f"conv{i}", x, draw, widest)
    if draw(st.booleans()):
        x = graph.add(Elementwise("act", draw(st.sampled_from(["relu", "sigmoid"]))), x)
    graph.output(x)
    return Network(graph, "drawn")


OPERAND = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["none", "gate", "skip"]),
        "format": st.sampled_from(["dense", "bitmask", "rle", "csr", "csc", "coo", "n_m", "block"]),
        "on_chip": st.booleans(),
        "skip_block": st.sampled_from([1, 4]),
    }
)


@st.composite
def two_level(draw, names=("edge_16x16", "edge_32x32", "scnn_dense", "scnn", "eie", "spring", "dstc")):
    """A machine of two levels: one built in, or a small one of any size, ports, wiring and zeros."""
    name = draw(st.sampled_from(("drawn", *names)))
    if name != "drawn":
        return hwmodels.load(name)
    base = hwmodels.load("edge_16x16")
    changes = {
        "array.dataflow": draw(st.sampled_from(["os", "ws", "is"])),
        "array.rows": draw(st.integers(1, 130)),
        "array.cols": draw(st.integers(1, 130)),
        "clock_hz": draw(st.sampled_from([1e8, 7e8, 1e9])),
        "main_memory": draw(st.sampled_from(MEMORIES)),
        "main_memory.bandwidth_bytes_per_s": draw(st.sampled_from([1e8, 3e9, 1e11])),
        "buffers.double_buffered": draw(st.booleans()),
    }
    if draw(st.booleans()):
        changes |= {f"buffers.{operand}.bytes": 0 for operand in ("weight", "input", "output")}
        changes["buffers.shared.bytes"] = draw(st.integers(256, 200_000))
        changes["buffers.shared.port_bits"] = draw(st.sampled_from([0, 24, 512]))
    else:
        for operand in ("weight", "input", "output"):
            changes[f"buffers.{operand}.bytes"] = draw(st.integers(64, 100_000))
            changes[f"buffers.{operand}.port_bits"] = draw(st.sampled_from([0, 24, 512]))
    if draw(st.booleans()):
        for operand in ("weight", "input"):
            for field, value in draw(OPERAND).items():
                changes[f"sparsity.{operand}.{field}"] = value
        changes["sparsity.imbalance"] = draw(st.sampled_from(["none", "binomial", "masks", "fitted"]))
        changes["sparsity.front_end_positions_per_cycle"] = draw(st.sampled_from([0, 1, 16]))
    return base.replace(changes)


@st.composite
def levelled(draw):
    """A machine of two to four levels on chip and off, small enough that its mapspace is."""
    levels = [
        Level(
            name="pad",
            bytes=draw(st.integers(3, 600)),
            fanout_x=draw(st.integers(1, 3)),
            read_port_bits=draw(st.sampled_from([0, 8, 64])),
        )
    ]
    if draw(st.booleans()):
        held = draw(st.sampled_from([("weight", "input", "output"), ("input", "output"), ("weight",)]))
        levels.append(
            Level(
                name="spad",
                bytes=draw(st.integers(100, 5000)),
                operands=held,
                fanout_y=draw(st.integers(1, 4)),
                shared_port_bits=draw(st.sampled_from([0, 16, 128])),
            )
        )
    if len(levels) == 1 or draw(st.booleans()):
        levels.append(
            Level(
                name="buffer",
                bytes=draw(st.integers(1000, 60_000)),
                fanout_x=draw(st.integers(1, 6)),
                fanout_y=draw(st.integers(1, 6)),
                write_port_bits=draw(st.sampled_from([0, 16, 128])),
                buffering=draw(st.sampled_from([1.0, 2.0])),
                overlapped=draw(st.booleans()),
            )
        )
    levels.append(Level(name="dram", kind="main_memory"))
    buffer = "buffer" if any(level.name == "buffer" for level in levels) else ""
    return LevelMachine(
        name="drawn",
        levels=tuple(levels),
        main_memory=draw(st.sampled_from(MEMORIES)),
        clock_hz=draw(st.sampled_from([1e8, 1e9])),
        factors=draw(st.sampled_from(["perfect", "ceil"])) if len(levels) < 4 else "perfect",
        resident=buffer,
        fusion=buffer,
    )


@st.composite
def templates(draw):
    """A machine of the template."""
    changes = {
        "loop_order": draw(st.sampled_from(sorted(hwmodels.template.LOOP_ORDERS))),
        "groups": draw(st.integers(1, 40)),
        "macs_per_group": draw(st.integers(1, 40)),
        "bank_height": draw(st.integers(64, 5000)),
        "bank_width_bits": draw(st.sampled_from([8, 24, 64])),
        "weight_banks": draw(st.integers(1, 3)),
        "input_banks": draw(st.integers(1, 3)),
        **{f"tile_{axis}": draw(st.integers(1, 70)) for axis in ("if", "ix", "iy", "of")},
    }
    return hwmodels.load("template").replace(changes)
