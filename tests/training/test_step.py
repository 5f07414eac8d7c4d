"""A training step as a whole: what is in it, what it keeps, what it costs, what it refuses."""

import numpy as np
import pytest

import workloads
from tests.training.networks import plain, residual
from tests.training.test_nests import macs_of, rows_of
from workloads import Graph, Network
from workloads.errors import GraphError, WorkloadError
from workloads.operations import BatchNorm, Convolution, Elementwise, Embedding, Linear, Normalisation, Reduce
from workloads.operations.base import Input, Operation
from workloads.table import Kind
from workloads.training import phases, stash, training_step
from workloads.training.rules.elementwise import _FIRST
from workloads.training.rules.elementwise import UNARY as DERIVATIVES
from workloads.training.tape import FLAT, differentiable
from workloads.vector_ops import BINARY, UNARY

SMALL = ["lenet5", "lenet_300_100", "resnet18", "mobilenet_v2"]


def kinds(step):
    return {operation.name: operation.kind for operation in step.operations}


def test_every_operation_has_its_gradient_in_order():
    step = residual().training()
    assert [o.name for o in step.operations if o.name.startswith(("conv2", "bn1", "relu", "pool"))] == [
        *("bn1", "relu1", "pool", "conv2", "relu2"),
        *("relu2.gradient", "conv2.input_gradient", "conv2.weight_gradient", "pool.gradient_sum"),
        *("pool.gradient", "relu1.gradient", "bn1.gradient"),
        *("conv2.weight.update", "conv2.bias.update", "bn1.scale.update", "bn1.shift.update"),
    ]
    assert kinds(step)["loss"] == "cross_entropy"
    assert "softmax" not in kinds(step)  # part of the loss
    assert "conv1.input_gradient" not in kinds(step)  # nobody needs the image's gradient
    assert sorted(set(phases(step).values())) == ["backward", "forward", "loss", "update"]


def test_names_weights_and_parameters_stay():
    network = residual()
    step = network.training()
    assert step.parameters == network.parameters
    assert step.weight("conv2") == network.weight("conv2")
    assert {name for name in kinds(step) if name.endswith(".update")} == {
        f"{weight.name}.update" for weight in network.graph.weights.values() if weight.trained
    }
    assert step.name == "residual training"
    assert step.summary().parameters.sum() == network.parameters  # each where it is first used


def test_the_sum_at_a_fork_adds_every_gradient():
    node = residual().training().graph.node("pool.gradient_sum")
    assert len(node.inputs) == 3  # the residual sum's, the join's and the convolution's


def test_tensors_kept_for_gradients():
    kept = stash(residual().training(), datapath_bits=16)
    # conv1's result for the batch norm, its statistics, ReLU results as masks and as inputs of nests
    assert set(kept.index) == {"image", "conv1", "bn1:1", "relu1", "pool", "relu2", "flat"}
    assert kept.held_bytes["conv1"] == 2 * 8 * 8 * 8 * 2
    assert kept.readers["relu1"] == 2  # the pool's gradient and its own
    assert kept.made_by["image"] == "image"


@pytest.mark.parametrize("name", SMALL)
def test_built_in_networks_cost_three_passes_less_the_first_input_gradient(name):
    network = workloads.load(name)
    first = next(row.macs for row in network.lowering().rows if row.kind == Kind.NEST)
    step = network.training(4)
    backward = [row.macs for row, name in named_rows(step) if name.endswith(".weight_gradient")]
    assert sum(backward) == 4 * network.macs  # exactly, strided or not
    if name != "lenet5":  # unpadded 5x5 kernels: the transposed nest has a border of padding, which is work
        assert step.macs == 4 * (3 * network.macs - first)


def named_rows(network):
    lowering = network.lowering()
    return list(zip(lowering.rows, lowering.operations, strict=True))


def test_lenet5_by_hand():
    """conv2: 50 filters of 20 channels, 5x5, from 12x12 (not padded) to 8x8."""
    step = workloads.load("lenet5").training(1)
    assert macs_of(step, "conv2.input_gradient") == 12 * 12 * 25 * 20 * 50  # every input sees 25 taps
    assert macs_of(step, "conv2.weight_gradient") == macs_of(step, "conv2") == 8 * 8 * 25 * 20 * 50


@pytest.mark.parametrize("name", ["lenet5", "resnet18"])
def test_a_step_described_for_a_batch_is_the_table_at_that_batch(name):
    network = workloads.load(name)
    two, six = network.training(2, optimizer="adam"), network.training(6, optimizer="adam")
    assert (two.batch, six.batch) == (2, 6)
    for column, got, want in zip(two.table()._fields, two.table(6), six.table(), strict=True):
        if column == "weight_mask":
            assert got.tolist() == want.tolist()
        elif column != "read_elements":  # shared out over the nests of one input gradient
            np.testing.assert_allclose(got, want, rtol=1e-12, err_msg=column)
    assert two.table(6).read_elements.sum() == six.table().read_elements.sum()


def test_optimizers_read_and_write_their_state():
    network = plain()
    size = network.weight("conv").size
    for name, states, each in (("sgd", 0, 2), ("momentum", 1, 4), ("adam", 2, 17)):
        rows = {row.part: row for row in rows_of(network.training(optimizer=name), "conv.weight.update")}
        assert len(rows) == (2 if states else 1)
        step = rows["weights" if states else ""]
        assert step.vector_ops == each * size
        assert (step.weight_elements, step.read_elements, step.write_elements) == (size, size, size)
        if states:
            state = rows["state"]
            assert (state.read_elements, state.write_elements) == (states * size, states * size)
            assert (state.input_bits, state.output_bits) == (32, 32)
    decayed = rows_of(network.training(decay=True), "conv.weight.update")[0]
    assert decayed.vector_ops == (2 + 2) * size


def test_a_shared_weight_is_updated_once_along_both_gradients():
    graph = Graph("tied")
    ids = graph.input("ids", (2, 3), bits=32)
    x = graph.add(Embedding("embed", 7, 4), ids)
    x = graph.add(Linear("mix", 4), x)
    graph.add(Linear("head", 7, bias=False), x, weights={"weight": "embed.weight"})
    step = Network(graph).training()
    node = step.graph.node("embed.weight.update")
    assert node.inputs == ("head.weight_gradient", "embed.weight_gradient")
    (row,) = rows_of(step, "embed.weight.update")
    assert row.vector_ops == (2 + 1) * 28
    assert step.graph.tensors["embed.weight_gradient"].density == 6 / 7  # six rows of seven at most


def test_frozen_operations_learn_nothing_and_end_the_way_back():
    step = residual().training(frozen=["conv1", "bn1"])
    assert {name for name in kinds(step) if name.endswith(".update")} == {
        *("conv2.weight.update", "conv2.bias.update", "fc.weight.update", "fc.bias.update")
    }
    assert not {"conv2.input_gradient", "pool.gradient", "bn1.gradient"} & set(kinds(step))
    (norm,) = rows_of(step, "bn1")  # its statistics are constants, so it is folded as at inference
    assert norm.vector_ops == 0
    assert "stem.weight_gradient" not in kinds(plain().training(frozen=["stem"]))


def test_gradients_behind_a_relu_have_its_zeros():
    network = residual()
    profile = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    relu = network.graph.tensors["relu1"]
    measured = type(relu)("relu2", (2, 8, 4, 4), density=0.45, profile=profile, known="measured")
    step = network.with_tensors(measured).training()
    gradient = step.graph.tensors["relu2.gradient"]
    assert (gradient.density, gradient.profile, gradient.known) == (0.45, profile, "measured")
    # conv2's gradients see that density, channel by channel where its weights are known
    (back,) = rows_of(step, "conv2.input_gradient")
    weights = step.weight("conv2").size
    assert back.effectual_macs == pytest.approx(2 * 16 * weights * 0.45, rel=1e-12)
    nest = rows_of(step, "conv2.weight_gradient")[0]
    assert (nest.weight_density, nest.input_density) == (0.45, 1.0)
    assert nest.effectual_macs == pytest.approx(nest.macs * 0.45, rel=1e-12)
    # a maximum passes on one gradient in four, which is an assumption
    pool = step.graph.tensors["pool.gradient"]
    assert (pool.density, pool.known) == (0.25, "assumed")
    assert step.summary().known["relu1.gradient"] == "assumed"


def test_effectual_products_of_a_weight_gradient_are_counted_by_channel():
    network = plain(padding=1, groups=2)
    random = np.random.default_rng(0)
    mask = random.random(network.weight("conv").shape) < 0.4
    x_profile, g_profile = random.random(4), random.random(6)
    tensor = network.graph.tensors["stem"]
    x = type(tensor)("stem", tensor.shape, density=0.5, profile=tuple(x_profile), known="measured")
    network = network.with_weights(network.weight("conv").with_mask(mask)).with_tensors(x)
    pairs = network.graph.tensors["conv"].elements // 6
    for kept in ("kept", "all"):
        step = training_step(network, weight_gradients=kept)
        gradient = step.graph.tensors["flat.gradient"]
        dense = step.with_tensors(
            type(gradient)(
                "flat.gradient", gradient.shape, density=0.5, profile=tuple(g_profile), known="measured"
            )
        )
        nest = rows_of(dense, "conv.weight_gradient")[0]
        want = 0.0
        for k, c, r, s in np.ndindex(mask.shape):
            if mask[k, c, r, s] or kept == "all":
                want += pairs * g_profile[k] * x_profile[2 * (k // 3) + c]
        assert nest.effectual_macs == pytest.approx(want, rel=1e-9)
        assert step.graph.tensors["conv.weight_gradient"].density == (mask.mean() if kept == "kept" else 1.0)
        update = rows_of(step, "conv.weight.update")[0]
        assert update.vector_ops == 2 * (mask.sum() if kept == "kept" else mask.size)


def test_masks_put_on_a_step_are_seen_by_its_gradients():
    step = plain().training()
    weight = step.weight("conv")
    pruned = step.with_weights(weight.with_mask(np.arange(weight.size).reshape(weight.shape) % 2 == 0))
    for name in ("conv", "conv.input_gradient", "conv.weight_gradient"):
        before = sum(row.effectual_macs for row in rows_of(step, name))
        assert sum(row.effectual_macs for row in rows_of(pruned, name)) == before / 2


def test_batch_norm_needs_the_whole_batch_first():
    rows = {row.part: row for row in rows_of(residual().training(), "bn1")}
    elements = 2 * 8 * 8 * 8
    assert (rows["statistics"].vector_ops, rows["statistics"].fused) == (3 * elements, 1)
    assert rows["normalise"].read_elements == rows["normalise"].write_elements == elements
    assert rows["channels"].vector_ops == 17 * 8
    rows = {row.part: row for row in rows_of(residual().training(), "bn1.gradient")}
    assert set(rows) == {"sums", "channels", "input"}
    assert (rows["sums"].read_elements, rows["input"].read_elements) == (elements, 2 * elements)


def test_layer_norm_and_constants_learn():
    graph = Graph("norm")
    x = graph.add(Linear("fc", 4), graph.input("x", (2, 3, 4)))
    x = graph.add(Elementwise("position", "add", ((3, 4),)), x)
    x = graph.add(Elementwise("scale", "mul", ((4,),)), x)
    x = graph.add(Normalisation("norm", affine=(4,)), x)
    graph.add(Linear("head", 5), graph.add(Reduce("mean", "mean", (1,), keep=False), x))
    step = Network(graph).training()
    (row,) = rows_of(step, "position.constant0_gradient")
    assert (row.vector_ops, row.read_elements, row.write_elements) == (24, 24, 12)
    (row,) = rows_of(step, "scale.constant0_gradient")
    assert (row.vector_ops, row.read_elements, row.write_elements) == (2 * 24, 48, 4)
    rows = {row.part: row for row in rows_of(step, "norm.gradient")}
    assert rows[""].vector_ops == 13 * 24 + 8 * 6
    assert (rows["parameters"].vector_ops, rows["parameters"].write_elements) == (3 * 24, 8)
    assert {"norm.scale.update", "norm.shift.update", "position.constant0.update"} <= set(kinds(step))


@pytest.mark.parametrize("function", sorted((set(UNARY) | set(BINARY)) - FLAT))
def test_every_function_can_be_differentiated(function):
    graph = Graph("function")
    inputs = [graph.add(Linear(f"fc{i}", 4), graph.input(f"x{i}", (2, 4))) for i in range(2)]
    graph.add(Elementwise("f", function), *inputs[: 1 if function not in BINARY else 2])
    step = Network(graph).training()
    assert "fc0.weight_gradient" in kinds(step)
    ops = sum(row.vector_ops for row in rows_of(step, "f.gradient"))
    each = _FIRST[function].each if function in BINARY else DERIVATIVES[function].each
    assert ops == each * 8


def test_every_operation_can_be_differentiated():
    missing = {
        made.__name__
        for made in vars(workloads.operations).values()
        if isinstance(made, type) and issubclass(made, Operation) and made not in (Operation, Input)
        if not differentiable(object.__new__(made))
    }
    assert not missing


def test_a_step_for_another_batch_than_the_graphs():
    assert plain(batch=1).training(5).graph.tensors["flat"].shape == (5, 6 * 4 * 4)
    assert plain(batch=4).training(2).macs * 2 == plain(batch=4).training().macs


class Strange(Operation):
    """Nobody knows this one."""

    def infer(self, inputs):
        return (inputs[0],)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": "adagrad"}, r"optimizer must be one of adam, momentum, sgd, got 'adagrad'"),
        ({"weight_gradients": "some"}, r"weight_gradients must be one of kept, all, got 'some'"),
        ({"frozen": ["stem", "conv", "fc"]}, r"network 'plain' has no weight that is trained"),
        ({"state_bits": -1}, r"state_bits must be 0 or more, got -1"),
        ({"batch": 0}, r"batch: dimension 0 must be a positive integer, got 0"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(WorkloadError, match=words):
        plain().training(**options)


def test_strange_operations_are_refused_together():
    with pytest.raises(GraphError, match="no operation 'nothing'"):
        plain().training(frozen=["nothing"])
    graph = Graph("strange")
    x = graph.add(Linear("fc", 4), graph.input("x", (2, 4)))
    graph.add(Strange("b"), graph.add(Strange("a"), x))
    with pytest.raises(
        WorkloadError, match="how to differentiate these is not known: strange 'a', strange 'b'"
    ):
        Network(graph).training()


def test_a_network_that_cannot_be_described_for_another_batch_says_so():
    graph = Graph("fixed")
    x = graph.add(Convolution("conv", 4, 1), graph.input("image", (2, 3, 4, 4)))
    graph.add(Elementwise("add", "add", ((2, 1, 1, 1),)), graph.add(BatchNorm("bn"), x))
    with pytest.raises(
        WorkloadError, match=r"described for batch 2 and cannot be for 4: .*build it with batch=4"
    ):
        Network(graph).training(4)
