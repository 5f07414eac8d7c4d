"""What is done on others' results on their way out, and which bytes therefore do not move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workloads
from workloads import Graph, Network
from workloads.fusion import fuse
from workloads.operations import (
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    Linear,
    Pool,
    Reshape,
    Slice,
    Split,
    Transpose,
)

CHANNELS, SIDE = 64, 4
ELEMENTS = CHANNELS * SIDE * SIDE


class Bench:
    """A graph on one input whose rows are looked up by operation."""

    def __init__(self):
        self.graph = Graph("bench")
        self.x = self.graph.input("x", (1, CHANNELS, SIDE, SIDE))

    def conv(self, name, x=None):
        return self.graph.add(Convolution(name, CHANNELS, 1, bias=False), x or self.x)

    def apply(self, function, name, *inputs):
        return self.graph.add(Elementwise(name, function), *inputs)

    def traffic(self, *, fuse=True):
        lowering = Network(self.graph).lowering(fuse=fuse)
        pairs = zip(lowering.operations, lowering.rows, strict=True)
        return {name: (row.read_elements, row.write_elements, row.fused) for name, row in pairs}


STREAMED = (0, 0, 1)
ALONE = (ELEMENTS, ELEMENTS, 0)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "vgg16", "lenet5"])
def test_fusion_saves_traffic_and_changes_no_work(name):
    net = workloads.load(name)
    fused, apart = net.table(), net.table(fuse=False)
    assert fused.macs.tolist() == apart.macs.tolist()
    assert fused.vector_ops.sum() <= apart.vector_ops.sum()
    for column in ("read_elements", "write_elements"):
        assert (getattr(fused, column) <= getattr(apart, column)).all()
    kept = apart.fused.sum() == 0 and fused.write_elements[fused.fused == 1].sum() == 0
    assert kept


def test_activation_and_norm_cost_no_traffic():
    bench = Bench()
    x = bench.graph.add(BatchNorm("norm"), bench.conv("conv"))
    bench.apply("relu", "act", x)
    assert bench.traffic() == {"conv": ALONE, "norm": STREAMED, "act": STREAMED}
    assert bench.traffic(fuse=False) == {"conv": ALONE, "norm": ALONE, "act": ALONE}


def test_residual_sum_joins_the_later_producer_and_reads_the_other_addend():
    bench = Bench()
    first, second = bench.conv("first"), bench.conv("second")
    bench.apply("relu", "act", bench.apply("add", "sum", first, second))
    assert bench.traffic() == {"first": ALONE, "second": ALONE, "sum": (ELEMENTS, 0, 1), "act": STREAMED}


def test_an_addend_made_later_cannot_be_read_but_what_makes_it_carries_the_sum():
    bench = Bench()
    first = bench.conv("first")
    pooled = bench.graph.add(Pool("pool", "max", 1), bench.x)
    bench.apply("add", "sum", first, pooled)
    assert bench.traffic()["sum"] == (ELEMENTS, 0, 0)
    moved = bench.graph.add(Transpose("moved", (0, 1, 3, 2)), bench.x)
    bench.apply("add", "late", bench.conv("second"), bench.graph.add(Transpose("back", (0, 1, 3, 2)), moved))
    assert bench.traffic()["late"] == (2 * ELEMENTS, ELEMENTS, 0)  # a copy of a tensor carries nothing


def test_an_addend_made_earlier_can():
    bench = Bench()
    pooled = bench.graph.add(Pool("pool", "max", 1), bench.x)
    bench.apply("add", "sum", bench.conv("first"), pooled)
    assert bench.traffic()["sum"] == (ELEMENTS, 0, 1)


def test_a_second_reader_keeps_the_producer_apart():
    bench = Bench()
    x = bench.conv("conv")
    bench.apply("relu", "act", x)
    bench.graph.add(Pool("pool", "max", 2), x)
    assert bench.traffic()["act"] == ALONE


def test_an_output_of_the_network_is_written():
    bench = Bench()
    x = bench.conv("conv")
    bench.graph.output(x, bench.apply("relu", "act", x))
    assert bench.traffic()["act"] == ALONE


def test_a_gate_by_its_own_sigmoid_is_fused_whole():
    bench = Bench()
    x = bench.conv("conv")
    bench.apply("mul", "gate", x, bench.apply("sigmoid", "sigmoid", x))
    assert bench.traffic() == {"conv": ALONE, "sigmoid": STREAMED, "gate": STREAMED}


def test_what_follows_vector_work_moves_nothing_and_takes_its_time():
    """As in DenseNet: a batch norm and a ReLU of a joined tensor, one pass of the same lanes."""
    bench = Bench()
    x = bench.graph.add(BatchNorm("bn"), bench.x)
    x = bench.apply("relu", "act", x)
    bench.apply("neg", "minus", x)
    read, written, fused = bench.traffic()["bn"]
    assert (read, written, fused) == (ELEMENTS, ELEMENTS, 0)
    assert bench.traffic()["act"] == bench.traffic()["minus"] == (0, 0, 0)
    table = Network(bench.graph).table()
    assert table.vector_ops.sum() == Network(bench.graph).table(fuse=False).vector_ops.sum()


def test_a_second_reader_ends_a_chain():
    bench = Bench()
    pooled = bench.graph.add(Pool("pool", "max", 1), bench.x)
    bench.apply("relu", "act", pooled)
    bench.graph.add(Pool("again", "max", 2), pooled)
    assert bench.traffic()["act"] == ALONE


def test_a_result_that_grows_is_not_fused():
    bench = Bench()
    small = bench.graph.add(Convolution("small", CHANNELS, SIDE, bias=False), bench.x)
    bench.apply("mul", "scale", small, bench.x)
    assert bench.traffic()["scale"] == (ELEMENTS + CHANNELS, ELEMENTS, 0)


def test_the_final_tensor_describes_what_is_written():
    bench = Bench()
    bench.graph.add(Elementwise("act", "relu"), bench.conv("conv"), density=0.5, bits=4)
    row = Network(bench.graph).lowering().rows[0]
    assert (row.output_density, row.output_bits) == (0.5, 4)


def test_constants_fold_as_long_as_only_channels_are_scaled():
    bench = Bench()
    x = bench.conv("conv")
    for i, function in enumerate(("mul", "add")):
        x = bench.graph.add(Elementwise(f"affine{i}", function, ((CHANNELS, 1, 1),)), x)
    x = bench.apply("relu", "act", x)
    bench.graph.add(BatchNorm("late"), x)
    rows = Network(bench.graph).lowering().rows
    assert [row.vector_ops for row in rows] == [0, 0, 0, ELEMENTS, 2 * ELEMENTS]
    assert [row.weight_elements for row in rows] == [CHANNELS**2, 0, CHANNELS, 0, 2 * CHANNELS]


@pytest.mark.parametrize("shape", [(SIDE,), (CHANNELS, SIDE, SIDE)])
def test_other_constants_are_vector_work(shape):
    bench = Bench()
    bench.graph.add(Elementwise("plus", "add", (shape,)), bench.conv("conv"))
    assert Network(bench.graph).lowering().rows[1].vector_ops == ELEMENTS


def test_a_linear_layers_bias_folds_along_its_last_axis():
    graph = Graph("g")
    x = graph.add(Linear("fc", 7, bias=False), graph.input("x", (2, 5, 3)))
    graph.add(Elementwise("bias", "add", ((7,),)), x)
    assert [row.vector_ops for row in Network(graph).lowering().rows] == [0, 0]


def test_reshapes_are_free_and_say_so():
    bench = Bench()
    x = bench.graph.add(Reshape("flat", (1, -1)), bench.conv("conv"))
    bench.graph.add(Transpose("unit", (1, 0)), x)
    for row in Network(bench.graph).lowering(fuse=False).rows[1:]:
        assert (row.read_elements, row.write_elements) == (0, 0)
        assert row.note == "free: elements keep their order"


def test_transpositions_of_an_input_that_leave_move_everything():
    bench = Bench()
    bench.graph.add(Transpose("turn", (0, 2, 3, 1)), bench.x)
    assert bench.traffic()["turn"] == ALONE


def test_joins_of_long_runs_are_written_in_place():
    bench = Bench()
    a, b, c = bench.conv("a"), bench.conv("b"), bench.conv("c")
    inner = bench.graph.add(Concat("inner", 1), a, b)
    bench.graph.add(Concat("outer", 1), inner, c)
    assert bench.traffic()["inner"] == bench.traffic()["outer"] == (0, 0, 0)
    assert bench.traffic(fuse=False)["outer"] == (3 * ELEMENTS, 3 * ELEMENTS, 0)


def test_joins_that_are_no_views_move_everything():
    cases = {
        "an input lies elsewhere": lambda b: (1, (b.conv("a"), b.x)),
        "short runs": lambda b: (3, (b.conv("a"), b.conv("b"))),
        "a view of an input lies elsewhere": lambda b: (
            1,
            (b.conv("a"), b.graph.add(Reshape("r", (1, 64, 4, 4)), b.x)),
        ),
        "twice the same": lambda b: (1, (b.conv("a"),) * 2),
    }
    for why, pieces in cases.items():
        bench = Bench()
        axis, inputs = pieces(bench)
        bench.graph.add(Concat("cat", axis), *inputs)
        read, write, _ = bench.traffic()["cat"]
        assert (read, write) == (ELEMENTS * len(set(inputs)), 2 * ELEMENTS), why


def test_a_piece_of_two_joins_is_copied():
    bench = Bench()
    a, b = bench.conv("a"), bench.conv("b")
    bench.graph.add(Concat("one", 1), a, b)
    bench.graph.add(Concat("two", 1), b, a)
    assert bench.traffic()["one"] == bench.traffic()["two"] == (2 * ELEMENTS, 2 * ELEMENTS, 0)


def test_cuts_of_long_runs_are_read_in_place():
    bench = Bench()
    x = bench.conv("conv")
    bench.graph.add_many(Split("split", 1, (32, 32)), x)
    bench.graph.add(Slice("slice", ((1, 8, 40, 1),)), x)
    bench.graph.add(Slice("stepped", ((1, 0, 64, 2),)), x)
    bench.graph.add(Slice("short", ((3, 0, 2, 1),)), x)
    traffic = bench.traffic()
    assert traffic["split"] == traffic["slice"] == (0, 0, 0)
    assert traffic["stepped"] == traffic["short"] == (ELEMENTS // 2, ELEMENTS // 2, 0)
    assert bench.traffic(fuse=False)["split"] == ALONE


@st.composite
def streams(draw):
    """A product, then element-wise operations that read any of what is before; some outputs are declared."""
    graph = Graph("drawn")
    x = graph.input("x", (1, 8))
    made = [graph.add(Linear("start", 8), x)]
    for i in range(draw(st.integers(1, 12))):
        first, second = draw(st.sampled_from(made)), draw(st.sampled_from([*made, x]))
        if draw(st.booleans()):
            made.append(graph.add(Elementwise(f"one{i}", "relu"), first))
        else:
            made.append(graph.add(Elementwise(f"two{i}", "add"), first, second))
    if draw(st.booleans()):
        graph.output(*draw(st.lists(st.sampled_from(made), min_size=1, max_size=3, unique=True)))
    return graph


@given(streams())
def test_the_longest_stream_is_that_of_all_prefixes(graph):
    """Slow twin: of the operations that could join, the longest prefix that leaves one tensor, its last."""
    could = {"start"}
    members = ["start"]
    for node in graph.nodes():
        if (
            node.operation.name != "start"
            and could.intersection(node.inputs)
            and could.union("x").issuperset(node.inputs)
        ):
            could.add(node.operation.name)
            members.append(node.operation.name)

    def leaving(inside):
        return [
            name
            for name in inside
            if name in graph.outputs
            or not graph.consumers(name)
            or not set(inside) >= set(graph.consumers(name))
        ]

    best = next(n for n in range(len(members), 0, -1) if n == 1 or leaving(members[:n]) == [members[n - 1]])
    assert [name for name, nest in fuse(graph).anchor.items() if nest == "start"] == members[1:best]
