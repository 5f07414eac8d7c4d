"""Trainable modules against the networks they are made of, their equations, and PyTorch's own layers."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from tests.oracles.h_lstm import h_lstm
from workloads.graph import Graph
from workloads.modules.mixture import MixtureNormLayer
from workloads.operations import (
    HLSTM,
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    Embedding,
    GlobalPool,
    Linear,
    MixtureNorm,
    Pool,
    Recurrent,
    Reshape,
    Softmax,
)
from workloads.table import LayerTable

OF_VALUES = ("weight_dispersion", "weight_mask")  # a draw may hold exact zeros
COLUMNS = [name for name in LayerTable._fields if name not in OF_VALUES]


def example(network, batch=1):
    return tuple(torch.rand(tensor.shape) for tensor in network.graph.inputs())


def same_tables(got, want):
    assert got.rows == want.rows
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["lenet5", "lenet_300_100", "vgg16_cifar10", "squeezenet1_1", "secret"])
def test_a_module_is_the_network_and_reads_back_as_it(name):
    network = workloads.load(name)
    module = workloads.to_module(network)
    frame = workloads.check_module(network, module)
    assert frame.macs.sum() == network.macs
    assert frame.parameters.sum() >= network.parameters
    same_tables(workloads.from_torch(module, example(network)).table(), network.table())


@pytest.mark.parametrize("name", ["resnet20_cifar10", "diabnn_edge", "mlp_pen"])
def test_a_module_has_the_layers_of_its_network(name):
    network = workloads.load(name)
    frame = workloads.check_module(network, workloads.to_module(network))
    assert frame.macs.sum() == network.macs


@st.composite
def networks(draw):
    """Random convolutional networks with the shapes that go wrong: uneven padding, groups, joins."""
    graph = Graph("drawn")
    size = draw(st.integers(5, 9))
    x = graph.input("image", (draw(st.integers(1, 2)), draw(st.sampled_from([2, 4])), size, size + 1))
    for i in range(draw(st.integers(1, 3))):
        groups = draw(st.sampled_from([1, 2]))
        padding = draw(st.sampled_from([0, 1, "same_upper", ((0, 1), (1, 0))]))
        kernel = draw(st.sampled_from([1, 2, 3, (1, 3)]))
        bias = draw(st.booleans())
        conv = Convolution(f"c{i}", 4 * draw(st.integers(1, 2)), kernel, 1, padding, 1, groups, bias)
        y = graph.add(conv, x)
        if draw(st.booleans()):
            y = graph.add(BatchNorm(f"c{i}.bn"), y)
        y = graph.add(Elementwise(f"c{i}.act", draw(st.sampled_from(["relu", "silu", "tanh"]))), y)
        if draw(st.booleans()) and graph.tensors[y].shape[2:] == graph.tensors[x].shape[2:]:
            y = graph.add(Concat(f"c{i}.join", 1), x, y)
        x = y
    x = graph.add(draw(st.sampled_from([GlobalPool("end"), Pool("end", "average", 2)])), x)
    x = graph.add(Reshape("flat", (graph.tensors[x].shape[0], -1)), x)
    graph.output(graph.add(Linear("fc", 3), x))
    return workloads.Network(graph)


@settings(max_examples=15, deadline=None)
@given(networks())
def test_every_drawn_network_runs_at_every_batch_with_its_own_shapes(network):
    module = workloads.to_module(network)
    frame = workloads.check_module(network, module)
    assert frame.macs.sum() == network.macs
    shape = network.graph.inputs()[0].shape
    assert module(torch.rand(5, *shape[1:])).shape == (5, 3)


def test_seeds_are_weights_and_leave_the_global_state():
    network = workloads.load("mlp_pen")
    state = torch.random.get_rng_state()
    one, again, other = (workloads.to_module(network, seed=seed).fc1.weight for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(state, torch.random.get_rng_state())


def steps(module, inputs, count=3):
    """A few steps of training on noise."""
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(count):
        optimizer.zero_grad()
        made = module(*inputs)
        (made.flatten(1)[:, 0] ** 2).mean().backward()
        optimizer.step()
    return module


@pytest.mark.parametrize(
    ("name", "scheme", "options"),
    [
        ("resnet20_cifar10", "psconv", {"variant": "PSD4_P8"}),
        ("lenet5", "uniform", {"density": 0.3}),
        ("mlp_pen", "n_m", {"n": 2, "m": 4}),
    ],
)
def test_zeros_stay_zero_while_the_rest_learns(name, scheme, options):
    network = workloads.load(name).sparsify(scheme, **options)
    module = workloads.to_module(network)
    before = network.with_masks(module)
    assert before.nonzero_parameters == network.nonzero_parameters
    shape = network.graph.inputs()[0].shape
    steps(module, (torch.rand(2, *shape[1:]),))
    assert network.with_masks(copy.deepcopy(module)) == before
    located = [name for name, weight in network.graph.weights.items() if weight.packed is not None]
    for weight in located:
        assert before.graph.weights[weight] == network.graph.weights[weight]
    assert before.effectual_macs <= network.macs


def test_tucker_ranks_make_a_module_of_three_convolutions():
    network = workloads.load("vgg16_cifar10").sparsify("tucker2", density=0.3)
    module = workloads.to_module(network)
    same_tables(workloads.from_torch(module, example(network)).table(), network.table())


def test_a_mask_reads_the_gradient_of_what_is_not_there():
    network = workloads.load("mlp_pen")
    module = workloads.to_module(network, masked=True)
    layer = module.fc1
    layer.put(torch.zeros_like(layer.mask))
    layer.watched = True
    x = torch.rand(8, 16)
    (module(x) ** 2).sum().backward()
    assert torch.all(layer.weight.grad == 0)
    dense = layer.dense_gradient()
    assert dense.abs().sum() > 0
    step = 1e-3  # a finite difference through one dormant connection
    row, col = divmod(int(dense.abs().argmax()), 16)
    losses = []
    for sign in (1, -1):
        twin = copy.deepcopy(module).double()
        twin.fc1.watched = False
        twin.fc1.mask[row, col] = 1
        with torch.no_grad():
            twin.fc1.weight[row, col] = sign * step
        losses.append((twin(x.double()) ** 2).sum().item())
    np.testing.assert_allclose((losses[0] - losses[1]) / (2 * step), float(dense[row, col]), rtol=1e-3)


def test_the_h_lstm_computes_its_equations():
    graph = Graph("h")
    x = graph.input("x", (4, 2, 3), batch_axis=1)
    every, *_ = graph.add_many(HLSTM("cell", 5, width=6), x)
    graph.output(every)
    network = workloads.Network(graph)
    module = workloads.to_module(network, seed=3)
    frame = workloads.check_module(network, module)
    assert frame.macs.sum() == network.macs
    cell = module.cell
    first = torch.cat([cell.input, cell.recurrent], 1).view(4, 6, 8).tolist()
    w = {
        "first": first,
        "first_bias": cell.hidden_bias.view(4, 6).tolist(),
        "second": cell.gate.tolist(),
        "second_bias": cell.gate_bias.view(4, 5).tolist(),
    }
    inputs = torch.rand(4, 2, 3)
    made = module(inputs)
    for sample in range(2):
        wanted = h_lstm(inputs[:, sample].tolist(), w)
        np.testing.assert_allclose(made[:, sample].detach(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(("cell", "biases"), [("lstm", 2), ("lstm", 1), ("gru", 2), ("rnn", 0)])
def test_recurrent_layers_read_back(cell, biases, directions):
    graph = Graph("r")
    x = graph.input("x", (3, 2, 4), batch_axis=1)
    every, *_ = graph.add_many(Recurrent("cell", 5, cell=cell, directions=directions, biases=biases), x)
    graph.output(every)
    network = workloads.Network(graph)
    module = workloads.to_module(network)
    workloads.check_module(network, module)
    again = workloads.from_torch(module, example(network))
    assert (again.macs, again.table().rows) == (network.macs, network.table().rows)


@pytest.mark.parametrize("shape", [(8, 3, 4, 5), (16, 6)])
def test_a_mixture_of_one_is_batch_norm(shape):
    ours = MixtureNormLayer(1, shape[1])
    theirs = (torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d)(shape[1])
    for seed in range(3):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3 + 1
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.mean[0], theirs.running_mean)
    torch.testing.assert_close(ours.variance[0], theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("folded", [True, False])
def test_a_mixture_of_one_costs_what_batch_norm_costs(folded):
    tables = []
    for norm in (BatchNorm("norm"), MixtureNorm("norm", 1)):
        graph = Graph("m")
        x = graph.input("x", (1, 4, 6, 6))
        x = graph.add(Convolution("conv", 4, 3) if folded else Pool("conv", "max", 2), x)
        x = graph.add(Elementwise("act", "relu"), graph.add(norm, x))
        graph.output(graph.add(Convolution("last", 2, 3), x))
        tables.append(workloads.Network(graph).table())
    for name in LayerTable._fields:
        np.testing.assert_array_equal(*(getattr(table, name) for table in tables), err_msg=name)


def test_a_mixture_finds_two_modes_that_one_gaussian_smears():
    """On channels of two far modes each mode is centred by its own mean, as posteriors tell them apart."""
    graph = Graph("m")
    x = graph.input("x", (1, 2, 4, 4))
    graph.output(graph.add(MixtureNorm("norm", 2), x))
    network = workloads.Network(graph)
    module = workloads.to_module(network)
    draw = torch.Generator().manual_seed(1)
    torch.manual_seed(2)
    for _ in range(80):
        sides = torch.sign(torch.randn(32, 1, 4, 4, generator=draw))
        module(10 * sides + torch.randn(32, 2, 4, 4, generator=draw))
    means = sorted(module.norm.mean[:, 0].tolist())
    assert means[0] < -8
    assert means[1] > 8
    assert network.parameters == sum(p.numel() for p in module.parameters()) == 4


def test_what_cannot_be_trained_is_named():
    with pytest.raises(workloads.NetworkImportError, match=r"clip 'conv1\.clip' has no trainable"):
        workloads.to_module(workloads.load("deepspeech2"))
    graph = Graph("s")
    x = graph.input("x", (1, 4, 4))
    graph.output(graph.add(Softmax("both", (1, 2)), x))
    with pytest.raises(workloads.NetworkImportError, match="softmax 'both'"):
        workloads.to_module(workloads.Network(graph))(torch.rand(1, 4, 4))


def test_the_logarithm_of_a_softmax_stays_one():
    plain = torch.nn.Sequential(torch.nn.Linear(8, 8, bias=False), torch.nn.LogSoftmax(-1))
    network = workloads.from_torch(plain, torch.zeros(2, 8))
    module, x = workloads.to_module(network), torch.rand(2, 8)
    assert network.operations[-1] == Softmax(network.operations[-1].name, (-1,), logarithm=True)
    assert torch.allclose(module(x).exp().sum(-1), torch.ones(2))


def test_a_module_of_another_network_is_refused_by_its_first_layer():
    network, other = workloads.load("lenet_300_100"), workloads.load("mlp_pen")
    with pytest.raises(workloads.ModuleMismatchError, match=r"layer 'fc1': .*256x16.* 300x784"):
        network.with_masks(workloads.to_module(other))
    with pytest.raises(workloads.ModuleMismatchError, match="layer 'fc1': output"):
        workloads.check_module(network, widened(network))
    with pytest.raises(workloads.ModuleMismatchError, match=r"layer 'conv1': .* no parameter 'conv1.weight'"):
        workloads.load("lenet5").with_masks(torch.nn.Linear(2, 2))


def branched(**changed):
    """A convolution, its norm and activation, one more, the first added, pooled, a score."""
    how = {"act": "relu", "dilation": 1, "pool": "max", "add": True, "size": 8, "batch": 1, **changed}
    graph = Graph("branched")
    x = graph.input("x", (how["batch"], 4, how["size"], how["size"]))
    padding = how["dilation"]  # as large as its image
    y = graph.add(Convolution("first", 4, 3, 1, padding, how["dilation"]), x)
    y = graph.add(Elementwise("act", how["act"]), graph.add(BatchNorm("norm"), y))
    z = graph.add(Convolution("second", 4, 1), y)
    if how["add"]:
        z = graph.add(Elementwise("sum", "add"), z, y)
    z = graph.add(GlobalPool("ends"), graph.add(Pool("pool", how["pool"], 2), z))
    graph.output(graph.add(Linear("scores", 3), graph.add(Reshape("flat", (how["batch"], -1)), z)))
    return workloads.Network(graph)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"act": "tanh"}, "layer 'act': function tanh in the module, relu in the network"),
        ({"pool": "average"}, "layer 'pool': mode average in the module, max in the network"),
        ({"add": False}, "layer 'sum': the module has none of this name"),
        ({"dilation": 2}, r"layer 'first': padding \(\(2, 2\), \(2, 2\)\) in the module"),
        ({"size": 10}, "layer 'first': tensor x 1x4x10x10 in the module, 1x4x8x8 in the network"),
    ],
)
def test_a_module_of_equal_parameters_and_another_graph_is_refused_by_its_first_layer(changed, said):
    network, module = branched(), workloads.to_module(branched(**changed), masked=True)
    assert network.parameters == module.network.parameters
    for call in (workloads.check_module, type(network).with_masks):
        with pytest.raises(workloads.ModuleMismatchError, match=said):
            call(network, module)


def test_a_module_of_a_deeper_network_is_refused():
    space = workloads.NetworkSpace("convolutional", {"depth.stage1": [1, 2]}, fixed={"resolution": 8})
    for ours, theirs, named in ((0, 1, "stage2.0.conv"), (1, 0, "stage1.1.conv")):
        with pytest.raises(workloads.ModuleMismatchError, match=f"layer '{named}': the module has none"):
            workloads.check_module(space[ours], workloads.to_module(space[theirs]))
    with pytest.raises(workloads.ModuleMismatchError, match=r"layer 'stage2\.0\.conv': the module has none"):
        space[0].with_masks(workloads.to_module(space[1], masked=True))


def test_another_batch_is_the_same_module():
    network, module = branched(), workloads.to_module(branched(batch=3), masked=True)
    assert network.with_masks(module) == network
    assert len(workloads.check_module(network, module)) == 4


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda module: setattr(module, "second", torch.nn.Identity()), "'second': MACs 0 in the module"),
        (lambda module: delattr(module, "norm"), "'norm': the module has none of this name"),
        (lambda module: module.second.double(), "'second': the module cannot run it"),
    ],
)
def test_a_module_that_was_broken_is_named_where_it_stops(broken, said):
    network = branched()
    module = workloads.to_module(network)
    broken(module)
    with pytest.raises(workloads.ModuleMismatchError, match=f"layer {said}"):
        workloads.check_module(network, module)


@pytest.mark.parametrize(
    "given", [None, np.zeros((1, 4, 8, 8)), torch.zeros(1, 4, 9, 8), torch.zeros(4, 8, 8)]
)
def test_an_input_of_another_shape_is_refused(given):
    with pytest.raises(ValueError, match="branched: input x must be a tensor of batchx4x8x8, got a"):
        workloads.to_module(branched())(given)


def widened(network):
    module = workloads.to_module(network)
    module.fc1 = torch.nn.Linear(784, 301)
    module.fc2 = torch.nn.Linear(301, 100)
    return module


def test_without_torch_the_extra_is_named():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import workloads\n"
        "try:\n    workloads.to_module(workloads.load('lenet5'))\n"
        "except workloads.NetworkImportError as error:\n    print(error)"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "springboard[torch]" in said


@pytest.mark.parametrize("seed", [2**64, 2**70, -1, 1.5])
def test_seeds_are_what_generators_take(seed):
    with pytest.raises(TypeError, match=r"to_module: seed must be a whole number from 0 to 2\^64 - 1, got"):
        workloads.to_module(workloads.load("mlp_pen"), seed=seed)


def test_inputs_are_of_floats_and_of_integers_where_a_table_is_looked_up():
    network = workloads.load("mlp_pen")
    (tensor,) = network.graph.inputs()
    with pytest.raises(ValueError, match=f"input {tensor.name} must be of floats, got int64"):
        workloads.to_module(network)(torch.zeros(tensor.shape, dtype=torch.long))
    graph = Graph("lookup")
    graph.add(Embedding("table", 5, 4), graph.add(Reshape("turned", (3, 1)), graph.input("words", (1, 3))))
    module = workloads.to_module(workloads.Network(graph))
    assert module(torch.zeros((1, 3), dtype=torch.int32)).shape == (3, 1, 4)
    with pytest.raises(ValueError, match="input words must be of int64 or int32, got float32"):
        module(torch.zeros((1, 3)))
