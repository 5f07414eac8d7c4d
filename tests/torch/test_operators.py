"""Operators of PyTorch: what they come to, with PyTorch's own shapes checked on the way."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import workloads
from tests.torch.modules import Function
from workloads.table import Kind


def read(function, *inputs, **parts):
    tensors = tuple(x if isinstance(x, torch.Tensor) else torch.randn(x) for x in inputs)
    return workloads.from_torch(Function(function, **parts), tensors)


def kinds(network):
    return [operation.kind for operation in network.operations]


IMAGE = (2, 4, 8, 8)
TOKENS = (2, 6, 8)
ELEMENTWISE = {
    "abs": torch.abs,
    "clip": F.hardtanh,
    "relu6": F.relu6,
    "elu": F.elu,
    "erf": torch.erf,
    "exp": torch.exp,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "leaky_relu": F.leaky_relu,
    "mish": F.mish,
    "neg": lambda x: -x,
    "reciprocal": torch.reciprocal,
    "rsqrt": torch.rsqrt,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softplus": F.softplus,
    "square": torch.square,
    "tanh": torch.tanh,
    "relu": F.relu_,
}


def test_functions_of_one_tensor():
    network = read(lambda self, x: tuple(f(x.clone()) for f in ELEMENTWISE.values()), TOKENS)
    assert kinds(network) == list(ELEMENTWISE)


BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * 3.0,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**3,
    "max": torch.maximum,
    "greater": lambda x, y: x > y,
    "where": lambda x, y: x.masked_fill(y.bool(), 0.0),
    "min": lambda x, y: x.clamp_max(1.0),
}


def test_functions_of_two():
    network = read(lambda self, x, y: tuple(f(x, y) for f in BINARY.values()), TOKENS, TOKENS)
    assert [kind for kind in kinds(network) if kind != "cast"] == list(BINARY)


def test_numbers_make_cheaper_functions():
    assert kinds(read(lambda self, x: x / 3, TOKENS)) == ["mul"]
    assert kinds(read(lambda self, x: x**2, TOKENS)) == ["mul"]
    assert kinds(read(lambda self, x: 1 / x, TOKENS)) == ["reciprocal", "mul"]
    assert kinds(read(lambda self, x: 2 - x, TOKENS)) == ["sub"]
    assert kinds(read(lambda self, x, y: torch.add(x, y, alpha=2), TOKENS, TOKENS)) == ["affine", "add"]


MOVEMENT = [
    (lambda x: x.reshape(2, -1), ["reshape"]),
    (lambda x: x.view(x.shape), []),
    (lambda x: x.permute(0, 2, 3, 1), ["transpose"]),
    (lambda x: x.transpose(-1, -1), []),
    (lambda x: x.movedim(1, -1), ["transpose"]),
    (lambda x: torch.cat([x, x[:, :2]], 1), ["slice", "concat"]),
    (lambda x: torch.cat([x, torch.ones(2, 1, 8, 8)], 1), ["concat"]),
    (lambda x: torch.stack([x, x.relu()], -1), ["relu", "reshape", "reshape", "concat"]),
    (lambda x: x.chunk(2, 1)[0], ["split"]),
    (lambda x: x.split([1, 3], 1)[1], ["split"]),
    (lambda x: x.unbind(1)[0], ["split", "reshape", "reshape", "reshape", "reshape"]),
    (lambda x: x[:, 1], ["slice", "reshape"]),
    (lambda x: x[:, :, ::2], ["slice"]),
    (lambda x: x[:], []),
    (lambda x: x.flip(2), ["slice"]),
    (lambda x: x.narrow(1, 1, 2), ["slice"]),
    (lambda x: x[:, [0, 3, 1]], ["gather"]),
    (lambda x: x.index_select(1, torch.tensor([2])), ["slice"]),
    (
        lambda x: x.mean((2, 3))[:, :, None, None].expand_as(x),
        ["reduce_mean", "reshape", "reshape", "expand"],
    ),
    (lambda x: x.repeat(1, 2, 1, 1), ["reshape", "expand", "reshape"]),
    (lambda x: x.repeat_interleave(3, 1), ["reshape", "expand", "reshape"]),
    (lambda x: F.pad(x, (1, 1, 2, 0)), ["pad"]),
    (lambda x: F.pad(x, (1, 1), mode="circular") if x.dim() < 4 else F.pad(x, (1,) * 4, "reflect"), ["pad"]),
    (lambda x: F.pixel_shuffle(x, 2), ["pixel_shuffle"]),
    (lambda x: torch.roll(x, 1, 2), ["roll"]),
    (lambda x: F.interpolate(x, scale_factor=2), ["resize"]),
    (lambda x: F.interpolate(x, (5, 5), mode="bilinear"), ["resize"]),
    (lambda x: x.to(torch.float16).float(), []),
    (lambda x: F.dropout(x, 0.5, training=False).contiguous().clone().detach(), []),
]


@pytest.mark.parametrize("case", range(len(MOVEMENT)))
def test_movement(case):
    function, expected = MOVEMENT[case]
    network = read(lambda self, x: torch.relu(function(x)), IMAGE)
    assert kinds(network) == [*expected, "relu"]


REDUCTIONS = [
    (lambda x: x.mean((2, 3), keepdim=True), ["reduce_mean"]),
    (lambda x: x.sum(-1), ["reduce_sum"]),
    (lambda x: x.amax(1), ["reduce_max"]),
    (lambda x: x.max(1)[0], ["reduce_max"]),
    (lambda x: x.argmax(1).float(), ["reduce_argmax", "cast"]),
    (lambda x: x.logsumexp(1), ["reduce_log_sum_exp"]),
    (lambda x: torch.linalg.vector_norm(x, dim=1), ["reduce_l2"]),
    (lambda x: x.var(1), ["reduce_mean", "sub", "reduce_sum_square"]),
    (lambda x: x.std(1), ["reduce_mean", "sub", "reduce_sum_square", "sqrt"]),
    (lambda x: x.cumsum(1), ["cumulativesum"]),
    (lambda x: x.topk(2, 1)[0], ["topk"]),
    (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), ["maxpool"]),
    (lambda x: F.avg_pool2d(x, 2), ["averagepool"]),
    (lambda x: F.max_pool2d(x[0], 2), ["slice", "reshape", "reshape", "maxpool", "reshape"]),
    (lambda x: F.adaptive_avg_pool2d(x, 1), ["global_averagepool"]),
    (lambda x: F.adaptive_avg_pool2d(x, 8), []),
    (lambda x: F.adaptive_avg_pool2d(x, 4), ["averagepool"]),
    (lambda x: F.adaptive_max_pool2d(x, 3), ["adaptive_maxpool"]),
    (lambda x: F.softmax(x, 1), ["softmax"]),
    (lambda x: F.log_softmax(x, 1), ["softmax"]),
    (lambda x: F.log_softmax(x - x.amax(1, keepdim=True), 1), ["softmax"]),
    (lambda x: F.glu(x, 1), ["split", "sigmoid", "mul"]),
    (lambda x: F.layer_norm(x, (8,)), ["layernorm"]),
    (lambda x: F.group_norm(x, 2), ["groupnorm"]),
    (lambda x: F.instance_norm(x), ["instancenorm"]),
    (lambda x: F.rms_norm(x, (8,)), ["rmsnorm"]),
]


@pytest.mark.parametrize("case", range(len(REDUCTIONS)))
def test_reductions_and_norms(case):
    function, expected = REDUCTIONS[case]
    network = read(lambda self, x: torch.relu(function(x)), IMAGE)
    assert kinds(network) == [*expected, "relu"]


def test_adaptive_windows_are_counted_one_by_one():
    network = read(lambda self, x: F.adaptive_avg_pool2d(x, (3, 5)), IMAGE)
    windows = [(i * 8 // w, -(-(i + 1) * 8 // w)) for w in (3, 5) for i in range(w)]
    rows, cols = (sum(stop - start for start, stop in part) for part in (windows[:3], windows[3:]))
    (row,) = network.lowering().rows
    assert row.vector_ops == 2 * 4 * rows * cols


CONVOLUTIONS = [
    (nn.Conv1d(4, 6, 3, padding=1), (2, 4, 9), 2 * 6 * 4 * 3 * 9),
    (nn.Conv1d(4, 6, 4, padding="same"), (2, 4, 9), 2 * 6 * 4 * 4 * 9),
    (nn.Conv2d(4, 6, (3, 1), (2, 1), groups=2), (2, 4, 9, 8), 2 * 6 * 2 * 3 * 4 * 8),
    (nn.Conv2d(4, 4, 3, padding="valid", dilation=2, groups=4), (4, 9, 9), 4 * 9 * 5 * 5),
    (nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), (2, 4, 8, 8), 2 * 6 * 4 * 9 * 64),
    (nn.Conv3d(4, 6, 3), (2, 4, 5, 5, 5), 2 * 6 * 4 * 27 * 27),
    (nn.ConvTranspose1d(4, 6, 3), (2, 4, 9), 2 * 6 * 4 * 3 * 11),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), (2, 4, 8, 8), 2 * 4 * 3 * 24 * 24),
]


@pytest.mark.parametrize("case", range(len(CONVOLUTIONS)))
def test_convolutions(case):
    layer, shape, macs = CONVOLUTIONS[case]
    network = workloads.from_torch(nn.Sequential(layer), torch.zeros(shape))
    assert network.macs == macs
    assert network.parameters == sum(p.numel() for p in layer.parameters())


PRODUCTS = [
    (lambda self, x: F.linear(x, self.w), (2, 3, 8), 6 * 8 * 5),
    (lambda self, x: x @ self.w.t(), (8,), 8 * 5),
    (lambda self, x: self.w @ x, (8,), 8 * 5),
    (lambda self, x: self.w @ x, (2, 8, 3), 2 * 3 * 8 * 5),
    (lambda self, x: torch.addmm(self.b, x, self.w.t()), (3, 8), 3 * 8 * 5),
    (lambda self, x: torch.addmm(self.b, x, self.w.t(), beta=2), (3, 8), 3 * 8 * 5),
    (lambda self, x: torch.bmm(x, x.transpose(1, 2)), (2, 3, 8), 2 * 9 * 8),
    (lambda self, x: torch.matmul(x, torch.ones(2, 8, 4)), (2, 3, 8), 2 * 3 * 8 * 4),
    (lambda self, x: torch.einsum("bij,bkj->bik", x, x), (2, 3, 8), 2 * 9 * 8),
    (lambda self, x: torch.einsum("bij,oj->boi", x, self.w), (2, 3, 8), 2 * 3 * 8 * 5),
    (lambda self, x: torch.tensordot(x, self.w, ([2], [1])), (2, 3, 8), 2 * 3 * 8 * 5),
    (lambda self, x: torch.einsum("bij,bik,bil->bjkl", x, x, x), (2, 3, 2), None),
]


@pytest.mark.parametrize("case", range(len(PRODUCTS)))
def test_products(case):
    function, shape, macs = PRODUCTS[case]
    network = read(function, shape, w=nn.Parameter(torch.randn(5, 8)), b=nn.Parameter(torch.randn(5)))
    assert network.macs == macs if macs else network.macs > 0


@pytest.mark.parametrize(("cell", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers(cell, gates, first, directions):
    layer = getattr(nn, cell)(6, 5, 2, batch_first=first, bidirectional=directions == 2)
    shape = (3, 7, 6) if first else (7, 3, 6)
    network = workloads.from_torch(nn.Sequential(layer), torch.zeros(shape))
    assert network.parameters == sum(p.numel() for p in layer.parameters())
    each = directions * gates * 5 * 7 * 3
    assert network.macs == each * (6 + 5) + each * (5 * directions + 5)
    assert network.macs == workloads.from_torch(nn.Sequential(layer).train(), torch.zeros(shape)).macs


def test_last_states_and_given_states():
    layer = nn.LSTM(6, 5, 2)
    network = read(
        lambda self, x, h, c: self.layer(x, (h, c))[1], (7, 3, 6), (2, 3, 5), (2, 3, 5), layer=layer
    )
    assert kinds(network).count("lstm") == 2
    assert [network.graph.tensors[name].shape for name in network.graph.outputs] == [(2, 3, 5), (2, 3, 5)]
    flat = workloads.from_torch(nn.Sequential(nn.GRU(6, 5)), torch.zeros(7, 6))  # one sequence, no batch
    assert flat.macs == 3 * 5 * 7 * (6 + 5)


def test_attention_layers():
    network = read(
        lambda self, x: self.layer(x, x, x, need_weights=False)[0],
        TOKENS,
        layer=nn.MultiheadAttention(8, 2, batch_first=True),
    )
    assert kinds(network).count("attention") == 1
    assert network.macs == 2 * 6 * 8 * 8 * 4 + 2 * 2 * 2 * 6 * 6 * 4
    encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    network = workloads.from_torch(encoder, torch.zeros(TOKENS))
    assert network.macs == 2 * 6 * 8 * 8 * 4 + 2 * 2 * 2 * 6 * 6 * 4 + 2 * 2 * 6 * 8 * 16
    assert network.parameters == sum(p.numel() for p in encoder.parameters())


def test_attention_shares_keys_and_hides_what_comes_later():
    def attend(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

    network = read(attend, (2, 8, 6, 4), (2, 2, 6, 4), (2, 2, 6, 4))
    (operation,) = network.operations
    assert (operation.heads, operation.kv_heads, operation.causal) == (8, 2, True)
    assert 0.5 < network.effectual_macs / network.macs < 0.6


def test_embeddings():
    ids = torch.zeros(2, 3, dtype=torch.long)
    network = read(lambda self, i: self.table(i), ids, table=nn.Embedding(9, 4))
    assert kinds(network) == ["embedding"]
    assert network.graph.inputs()[0].bits == 64
    network = read(lambda self, i, x: F.embedding(i, x), ids, (9, 4))
    assert kinds(network) == ["gather"]


def test_writing_into_parts_is_understood():
    def write(self, x):
        y = x.clone()
        y[:, 1:] += x[:, 1:]
        y[:, 0] = 0
        return y

    network = read(write, TOKENS)
    assert "scatter" in kinds(network)
    assert network.graph.tensors[network.graph.outputs[0]].shape == TOKENS


def test_no_gradient_and_dead_ends():
    def run(self, x):
        torch.exp(x)  # nobody reads it
        with torch.no_grad():
            y = torch.tanh(x)
        return y.sigmoid()

    assert kinds(read(run, TOKENS)) == ["tanh", "sigmoid"]


def test_inputs_by_name_and_more_than_one():
    module = Function(lambda self, a, b: a + b)
    module.forward = lambda a, b: a + b
    network = workloads.from_torch(module, {"a": torch.zeros(3, 4), "b": torch.zeros(4)})
    assert [tensor.name for tensor in network.graph.inputs()] == ["a", "b"]
    assert [tensor.batch_axis for tensor in network.graph.inputs()] == [0, None]


def test_every_row_of_a_big_mixture_has_a_kind_and_a_batch_grows():
    encoder = nn.Sequential(nn.Linear(8, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))
    network = workloads.from_torch(encoder, torch.zeros(1, 6, 8))
    table = network.table(4)
    assert set(table.kind.tolist()) == {Kind.NEST, Kind.VECTOR, Kind.MOVEMENT}
    assert table.macs.sum() == 4 * network.macs
    assert network.training(4).macs == 4 * network.training().macs


def test_a_bilinear_layer_is_two_products():
    module = nn.Bilinear(8, 9, 10)
    network = workloads.from_torch(module, (torch.zeros(3, 8), torch.zeros(3, 9)))
    assert network.macs == 3 * 10 * (8 * 9 + 9)
    assert network.parameters == sum(p.numel() for p in module.parameters())


def test_logarithms_of_weights_are_no_attention():
    network = read(lambda self, x: (x @ x.mT).log_softmax(-1) @ x, torch.zeros(2, 3, 8))
    assert "attention" not in kinds(network)
    network = read(lambda self, x: (x @ x.mT).log_softmax(-1).exp() @ x, torch.zeros(2, 3, 8))
    assert kinds(network)[-1] == "attention"


def test_an_einsum_that_sums_nothing_is_a_product_of_elements():
    network = read(lambda self, x, y: torch.einsum("bi,bj->bij", x, y), torch.zeros(2, 5), torch.zeros(2, 6))
    assert (network.macs, kinds(network)[-1]) == (0, "mul")


def test_a_deformable_convolution_of_torchvision(monkeypatch):
    """The operator is declared here as torchvision declares it, which is no dependency."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    numbers = ", ".join(
        f"SymInt {n}" for n in ("sh", "sw", "ph", "pw", "dh", "dw", "groups", "offset_groups")
    )
    library.define(
        f"deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, {numbers}, "
        "bool use_mask) -> Tensor"
    )
    library.impl("deform_conv2d", lambda x, w, *_: x.new_empty(len(x), len(w), *x.shape[2:]), "Meta")

    def forward(self, x, offset, mask):
        call = torch.ops.torchvision.deform_conv2d
        return call(x, self.weight, offset, mask, self.bias, 1, 1, 1, 1, 1, 1, 1, 1, True)

    parts = {"weight": nn.Parameter(torch.randn(4, 8, 3, 3)), "bias": nn.Parameter(torch.randn(4))}
    network = read(forward, (2, 8, 6, 6), (2, 18, 6, 6), (2, 9, 6, 6), **parts)
    assert (network.macs, network.parameters) == (2 * 36 * 4 * 72, 4 * 72 + 4)
    assert kinds(network) == ["deformed", "convolution"]


@pytest.mark.parametrize("given", [False, True])
def test_pairs_that_are_turned_as_complex_numbers_are_rotary_positions(given):
    angles = torch.polar(torch.ones(3, 4), torch.rand(3, 4))

    def forward(self, x, *turns):
        pairs = torch.view_as_complex(self.l(x).reshape(*x.shape[:-1], 4, 2))
        return torch.view_as_real(pairs * (turns[0] if turns else angles)).flatten(2)

    network = read(forward, (2, 3, 8), *((angles,) if given else ()), l=nn.Linear(8, 8))
    assert [kind for kind in kinds(network) if kind != "reshape"] == ["linear", "rotary"]
    looked_at = read(lambda self, x: torch.view_as_complex(x).abs(), (2, 4, 2))
    assert kinds(looked_at) == ["complex", "abs"]


@pytest.mark.parametrize(
    ("forward", "macs"),
    [
        (lambda self, x: torch.vmap(lambda row: row @ self.w)(x), 2 * 8 * 16 * 12),
        (lambda self, x: torch.vmap(lambda one: one @ one.T)(x), 2 * 8 * 8 * 16),
        (lambda self, x: torch.vmap(lambda column: x @ column, in_dims=1)(self.w), 2 * 8 * 16 * 12),
        (lambda self, x: torch.vmap(torch.vmap(torch.dot), in_dims=(0, 0))(x, x), 2 * 8 * 16),
    ],
)
def test_what_is_mapped_over_an_axis_is_taken_apart(forward, macs):
    module = Function(forward, w=nn.Parameter(torch.randn(16, 12)))
    network = workloads.from_torch(module, torch.zeros(2, 8, 16))
    assert (network.macs, network.parameters) == (macs, 192)
