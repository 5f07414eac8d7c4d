"""Models that people own: caches and other objects, nothing in them at first, filters that are computed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import workloads
from tests.torch.modules import Function
from workloads.errors import NetworkImportError
from workloads.importers.torch.packed import lengths_of, packing
from workloads.vector_ops import LOOKUP


def read(forward, inputs, **layers):
    module = Function(forward, **layers)
    network = workloads.from_torch(module, inputs)
    assert network.parameters == sum(p.numel() for p in module.parameters())
    return network


class Cache:
    """Keys and values, as libraries keep them: an object that PyTorch knows nothing about."""

    def __init__(self, keys=None, values=None):
        self.layers = [] if keys is None else [(keys, values)]
        self.seen = 0

    def update(self, keys, values):
        if self.layers:
            before = self.layers.pop()
            keys, values = torch.cat([before[0], keys], 2), torch.cat([before[1], values], 2)
        self.layers.append((keys, values))
        return keys, values


def decoder(self, x, cache=None):
    q, k, v = (z.view(1, -1, 2, 16).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
    cache = cache or Cache()
    y = F.scaled_dot_product_attention(q, *cache.update(k, v)).transpose(1, 2).reshape(x.shape)
    return {"hidden": y, "cache": cache}


def test_a_result_may_be_an_object():
    network = read(decoder, torch.zeros(1, 5, 32), qkv=nn.Linear(32, 96))
    assert network.macs == 5 * 32 * 96 + 2 * 5 * 5 * 32
    assert len(network.graph.outputs) == 3


@pytest.mark.parametrize("past", [0, 3])
def test_an_argument_may_be_an_object_with_or_without_anything_in_it(past):
    cache = Cache(torch.zeros(1, 2, past, 16), torch.zeros(1, 2, past, 16))
    network = read(decoder, (torch.zeros(1, 5, 32), cache), qkv=nn.Linear(32, 96))
    assert network.macs == 5 * 32 * 96 + 2 * 5 * (past + 5) * 32
    assert [o.kind for o in network.operations].count("append") == (2 if past else 0)
    assert cache.layers[0][0].shape == (1, 2, past, 16)  # as it was
    assert "forward" not in vars(Function(decoder))


def test_a_first_step_with_an_empty_cache():
    def forward(self, x, keys, values):
        q, k, v = (z.view(1, 5, 2, 16).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        k, v = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, 5, 32), k, v

    empty = torch.zeros(1, 2, 0, 16)
    assert read(forward, (torch.zeros(1, 5, 32), empty, empty.clone()), qkv=nn.Linear(32, 96)).macs == 16_960


def test_what_is_empty_costs_nothing():
    def forward(self, x):
        return self.l(torch.cat([x[:, :0], x, x[:, 4:]], 1).relu())

    network = read(forward, torch.zeros(2, 4, 8), l=nn.Linear(8, 8))
    assert [o.kind for o in network.operations] == ["relu", "linear"]


def mixed(self, x):
    """Every sample has filters of its own, mixed of four (dynamic convolution)."""
    w = torch.einsum("be,eoikl->boikl", self.r(x.mean((2, 3))).sigmoid(), self.w)
    return F.conv2d(x.reshape(1, -1, 8, 8), w.reshape(-1, 8, 3, 3), groups=len(x), padding=1)


def test_filters_may_be_computed():
    layers = {"r": nn.Linear(8, 4), "w": nn.Parameter(torch.zeros(4, 16, 8, 3, 3))}
    network = read(mixed, torch.zeros(2, 8, 8, 8), **layers)
    assert network.macs == 156_736
    assert network.table(6).macs.sum() == 3 * network.macs
    table = network.table()
    row = table.macs.argmax()
    assert (
        table.weight_elements[row] == 2 * 16 * 8 * 9 == (table.g * table.k * table.c * table.r * table.s)[row]
    )


def test_filters_and_bias_may_be_inputs():
    inputs = torch.zeros(2, 3, 8, 8), torch.zeros(4, 3, 3, 3), torch.zeros(4)
    network = read(lambda self, x, w, b: F.conv2d(x, w, b), inputs)
    assert network.macs == 2 * 36 * 4 * 27
    assert [o.kind for o in network.operations] == ["convolution", "reshape", "add"]
    back = read(lambda self, x, w: F.conv_transpose2d(x, w, stride=2), (inputs[0], torch.zeros(3, 5, 2, 2)))
    assert back.macs == 2 * 64 * 3 * 5 * 4


def test_elements_are_picked_of_constants():
    def forward(self, ids):
        kept = ids.ne(1).int()
        places = (torch.cumsum(kept, 1) * kept).long() + 1
        types = torch.gather(self.types.expand(ids.shape[0], -1), 1, places)
        return self.l(self.e(ids) + self.p(places) + self.t(types))

    module = Function(
        forward, e=nn.Embedding(50, 16), p=nn.Embedding(32, 16), t=nn.Embedding(2, 16), l=nn.Linear(16, 16)
    )
    module.register_buffer("types", torch.zeros(1, 32, dtype=torch.long))
    network = workloads.from_torch(module, torch.full((2, 7), 3))
    assert network.macs == 3_584
    assert network.parameters == sum(p.numel() for p in module.parameters())


def choosing(self, x):
    keep = x[x > 0]
    if keep.shape[0] == 1:
        return keep
    return keep * 2


class Picking(nn.Module):
    def forward(self, x):
        return x[torch.where(x[:, 0] > 0)[0]]


def four_bits(module):
    module.qconfig = torch.ao.quantization.float_qparams_weight_only_qconfig_4bit
    return torch.ao.quantization.convert(torch.ao.quantization.prepare(module))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "inputs", "words"),
    [
        (
            lambda: Function(choosing),
            torch.ones(8),
            r"depends on data \(test_models.py, line \d+: if keep.shape\[0\]",
        ),
        (
            Picking,
            torch.ones(8, 4),
            r"aten.where 'where': the shape of its result depends on data \(test_models.py, line \d+: return",
        ),
        (lambda: torch.jit.script(nn.Linear(8, 16)), torch.ones(1, 8), r"it is TorchScript.*from_onnx"),
        (
            lambda: four_bits(nn.Sequential(nn.Embedding(50, 16))),
            torch.ones(2, 7, dtype=torch.long),
            r"quantised by torch.ao.*before it was converted",
        ),
        (
            lambda: Lengths(nn.LSTM).to("meta"),
            (torch.ones(3, 7, 16, device="meta"), torch.tensor([7, 5, 3])),
            r"packs sequences by their lengths: give an example whose tensors have values",
        ),
    ],
)
def test_what_cannot_be_traced_says_where_and_what_to_do(make, inputs, words):
    with pytest.raises(NetworkImportError, match=words) as caught:
        workloads.from_torch(make(), inputs)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def experts(self, x):
    """Rows sorted by their expert, each times its matrix."""
    chosen = self.g(x).argmax(-1)
    ends = F.one_hot(chosen, len(self.w)).sum(0).cumsum(0).to(torch.int32)
    return torch._grouped_mm(x[chosen.argsort()].bfloat16(), self.w, ends)


@pytest.mark.parametrize(("rows", "count", "used"), [(16, 4, 4), (3, 4, 3), (9, 4, 4)])
def test_experts_are_products_of_groups(rows, count, used):
    layers = {"g": nn.Linear(32, count), "w": nn.Parameter(torch.zeros(count, 32, 64).bfloat16())}
    network = read(experts, torch.zeros(rows, 32), **layers)
    assert network.macs == rows * 32 * count + rows * 32 * 64
    table = network.table()
    ours = [i for i, name in enumerate(network.row_names) if "grouped" in name]
    assert table.weight_elements[ours].sum() == used * 32 * 64
    assert table.write_elements[ours].sum() == rows * 64
    # the input needs no gradient, and a choice has none
    assert network.training().macs == rows * (32 * count + 2 * 32 * 64)


def test_a_learnt_mask_is_read():
    def forward(self, q, k, v):
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=self.table[self.places].permute(2, 0, 1)[None]
        )

    module = Function(forward, table=nn.Parameter(torch.zeros(5, 2)))
    module.register_buffer("places", torch.zeros(3, 3, dtype=torch.long))
    network = workloads.from_torch(module, (torch.zeros(1, 2, 3, 4),) * 3)
    assert network.parameters == 10


class Experts(nn.Module):
    """Two of `count` experts a token, found by `where`, by a one-hot or by a mask."""

    def __init__(self, how, count):
        super().__init__()
        self.how, self.count = how, count
        self.gate = nn.Linear(32, count)
        layers = (nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32)) for _ in range(count))
        self.experts = nn.ModuleList(layers)

    def forward(self, x):
        weights, chosen = torch.topk(self.gate(x).softmax(-1), 2, -1)
        y = torch.zeros_like(x)
        kept = F.one_hot(chosen, self.count).permute(2, 1, 0)
        for i, expert in enumerate(self.experts):
            if self.how == "any":
                taken = (chosen == i).any(-1)
                share = (weights * (chosen == i)).sum(-1)[taken, None]
                y = y.index_add(0, taken.nonzero().squeeze(-1), expert(x[taken]) * share)
                continue
            if self.how == "mask":
                taken = chosen.flatten() == i
                both = x.repeat_interleave(2, 0)
                y = y.index_add(0, torch.arange(len(both))[taken] // 2, expert(both[taken]))
                continue
            if self.how == "where":
                rows, place = torch.where(chosen == i)
            else:
                place, rows = torch.nonzero(kept[i], as_tuple=True)
            y = y.index_add(0, rows, expert(x[rows]) * weights[rows, place, None])
        return y


@pytest.mark.parametrize("how", ["where", "one_hot", "any", "mask"])
@pytest.mark.parametrize(("tokens", "count"), [(16, 4), (5, 4)])
def test_rows_of_experts_that_data_choose_add_up(how, tokens, count):
    module = Experts(how, count)
    network = workloads.from_torch(module, torch.zeros(tokens, 32))
    assert network.macs == tokens * 32 * count + 2 * tokens * 2 * 32 * 64  # 133,120 for 16 of 4
    assert network.parameters == sum(p.numel() for p in module.parameters())
    assert "rows spread evenly over experts in" in network.source


def test_experts_of_one_choice_and_counted_ones():
    def switched(self, x):
        weight, chosen = self.gate(x).softmax(-1).max(-1)
        y = torch.zeros_like(x)
        for i, expert in enumerate((self.a, self.b)):
            rows = torch.nonzero(chosen == i).squeeze(-1)
            y = y.index_copy(0, rows, expert(x.index_select(0, rows)) * weight[rows, None])
        return y

    layers = {"gate": nn.Linear(8, 2), "a": nn.Linear(8, 8), "b": nn.Linear(8, 8)}
    assert read(switched, torch.zeros(6, 8), **layers).macs == 6 * 8 * 2 + 6 * 64

    def counted(self, x):
        chosen = self.gate(x).argmax(-1)
        ends = torch.bincount(chosen, minlength=2).cumsum(0).to(torch.int32)
        return torch._grouped_mm(x[chosen.argsort()].bfloat16(), self.w, ends)

    parts = {"gate": nn.Linear(16, 2), "w": nn.Parameter(torch.randn(2, 16, 32).bfloat16())}
    assert read(counted, torch.zeros(8, 16), **parts).macs == 8 * 16 * 2 + 8 * 16 * 32


@pytest.mark.parametrize(
    ("function", "ops", "shape"),
    [
        (lambda self, x: torch.fft.fft(x).real, 5 * 2 * 16 * 8 * 3, (2, 16, 8)),
        (lambda self, x: torch.fft.fft2(x).real, 5 * 2 * 16 * 8 * (3 + 4), (2, 16, 8)),
        (lambda self, x: torch.fft.fft(torch.fft.fft(x), dim=-2).real, 5 * 256 * (3 + 4), (2, 16, 8)),
        (lambda self, x: torch.fft.irfft(torch.fft.rfft(x)), 2 * 5 * 256 * 3 / 2, (2, 16, 8)),
        (lambda self, x: torch.cdist(x, x), (3 * 8 + 3) * 2 * 16 * 16, (2, 16, 16)),
    ],
)
def test_transforms_and_distances_are_vector_work(function, ops, shape):
    network = workloads.from_torch(Function(function), torch.zeros(2, 16, 8))
    assert network.table().vector_ops.sum() == ops
    assert network.table(6).vector_ops.sum() == 3 * ops
    assert network.graph.tensors[network.graph.outputs[0]].shape == shape
    assert network.macs == 0


def test_complex_numbers_are_pairs_where_somebody_looks():
    network = read(lambda self, x: torch.view_as_real(torch.fft.rfft(x)), torch.zeros(2, 16))
    assert (network.macs, network.graph.tensors[network.graph.outputs[0]].shape) == (0, (2, 9, 2))
    network = read(lambda self, x: torch.view_as_complex(x).abs(), torch.zeros(4, 8, 2))
    assert network.graph.tensors[network.graph.outputs[0]].shape == (4, 8)


def test_elements_are_taken_of_constants_however_it_is_said():
    table = torch.randn(20, 8)
    for forward in (
        lambda self, i: torch.gather(self.t, 0, i[:, None].expand(-1, 8)),
        lambda self, i: torch.take_along_dim(self.t, i[:, None], 0),
        lambda self, i: torch.take(self.t, i[:, None].expand(-1, 8)),
    ):
        network = read(forward, torch.zeros(3, dtype=torch.long), t=table)
        assert network.graph.tensors[network.graph.outputs[0]].shape == (3, 8)
        assert network.macs == 0


def test_distances_to_a_codebook_and_among_rows():
    codes = nn.Parameter(torch.randn(10, 8))
    network = read(
        lambda self, x: F.embedding(torch.cdist(x, self.c).argmin(-1), self.c), torch.zeros(5, 8), c=codes
    )
    assert network.macs == 0
    network = read(lambda self, x: F.pdist(x), torch.zeros(5, 8))
    assert network.table().vector_ops.sum() == 10 * (24 + LOOKUP)


def test_a_recurrent_layer_of_constants_is_work():
    layer = nn.GRU(3, 8, batch_first=True)
    network = read(
        lambda self, x: x + self.g(self.steps)[0][:, -1],
        torch.zeros(2, 8),
        g=layer,
        steps=torch.ones(1, 5, 3),
    )
    assert network.macs == 5 * 3 * 8 * 11


class Lengths(nn.Module):
    def __init__(self, layer, **options):
        super().__init__()
        self.g = layer(16, 32, batch_first=True, **options)

    def forward(self, x, n):
        packed = nn.utils.rnn.pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False)
        y, states = self.g(packed)
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0], states


LAYERS = [
    (nn.LSTM, {}, 4 * 32 * 48),
    (nn.LSTM, {"bidirectional": True, "num_layers": 2}, 2 * 4 * 32 * (48 + 96)),
    (nn.LSTM, {"proj_size": 8}, 4 * 32 * 24 + 32 * 8),
    (nn.GRU, {}, 3 * 32 * 48),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("layer", "options", "each", "lengths"),
    [*((*one, (3, 7, 5)) for one in LAYERS), (*LAYERS[0], (7, 5, 3)), (*LAYERS[0], (7, 7, 7))],
)
def test_packed_sequences_run_as_long_as_they_are(layer, options, each, lengths):
    module = Lengths(layer, **options).eval()
    given = torch.randn(3, 7, 16), torch.tensor(lengths)
    network = workloads.from_torch(module, given)
    assert network.macs == sum(lengths) * each  # 92,160 of the LSTM for 15 steps, 129,024 for 21
    assert network.parameters == sum(p.numel() for p in module.parameters())
    want = torch.utils._pytree.tree_leaves(module(*given))
    with packing(lengths_of(lambda: module(*given))):
        got = torch.utils._pytree.tree_leaves(module(*given))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(got, want, strict=True))
