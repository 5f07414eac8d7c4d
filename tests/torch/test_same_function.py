"""The same function costs the same however it is spelt; caches grow in place."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import workloads
from tests.torch.modules import Function
from workloads.errors import WorkloadError
from workloads.vector_ops import LOOKUP

T, D, H = 12, 32, 4


def traffic(module, inputs, **options):
    network = workloads.from_torch(module, inputs, **options)
    table = network.table()
    read = int(table.read_elements.sum() + table.weight_elements.sum())
    return read, int(table.write_elements.sum()), network.macs


def split(self, x, merged=False):
    q, k, v = self.qkv(x).chunk(3, -1)
    parts = [z.view(x.shape[0], T, H, D // H).transpose(1, 2) for z in (q, k, v)]
    return [z.reshape(-1, T, D // H) for z in parts] if merged else parts


def joined(self, y):
    return self.out(y.transpose(1, 2).reshape(-1, T, D))


def by_function(self, x):
    return joined(self, F.scaled_dot_product_attention(*split(self, x)))


def unfused(self, x):
    q, k, v = self.qkv(x).reshape(-1, T, 3, H, D // H).permute(2, 0, 3, 1, 4).unbind(0)
    return joined(self, ((q * 0.5) @ k.transpose(-2, -1)).softmax(-1) @ v)


def masked(self, x):
    q, k, v = split(self, x)
    scores = torch.matmul(q, k.transpose(2, 3)) / 4
    scores = scores.masked_fill(torch.ones(T, T).tril() == 0, float("-inf"))
    weights = F.dropout(F.softmax(scores, -1, dtype=torch.float32).to(q.dtype), 0.1, self.training)
    return joined(self, weights @ v)


def einsum(self, x):
    q, k, v = (z.view(-1, T, H, D // H) for z in self.qkv(x).chunk(3, -1))
    weights = (torch.einsum("bihd,bjhd->bhij", q, k) * 0.5).softmax(-1)
    return self.out(torch.einsum("bhij,bjhd->bihd", weights, v).reshape(-1, T, D))


def keys_first(self, x):
    q, k, v = (z.view(-1, T, H, D // H) for z in self.qkv(x).chunk(3, -1))
    weights = (torch.einsum("bjhd,bihd->bhij", k, q) * 0.5).softmax(-1)
    return self.out(torch.einsum("bjhd,bhij->bihd", v, weights).reshape(-1, T, D))


def merged(self, x):
    q, k, v = split(self, x, merged=True)
    scores = torch.baddbmm(torch.zeros(len(q), T, T), q, k.transpose(1, 2), beta=0, alpha=0.25)
    scores = scores.view(-1, H, T, T) + torch.ones(T, T).tril()
    y = torch.bmm(scores.view(-1, T, T).softmax(-1), v)
    return joined(self, y.view(-1, H, T, D // H))


def exponentials(self, x):
    q, k, v = split(self, x)
    scores = q @ k.transpose(-2, -1) / 4
    raised = (scores - scores.amax(-1, keepdim=True)).exp()
    return joined(self, raised / raised.sum(-1, keepdim=True) @ v)


def divided_last(self, x):
    q, k, v = split(self, x)
    raised = torch.exp(q @ k.transpose(-2, -1) * 0.25)
    return joined(self, (raised @ v) * raised.sum(-1, keepdim=True).reciprocal())


def keys_in_rows(self, x):
    q, k, v = split(self, x)
    weights = (k @ q.transpose(-2, -1) * 0.25).softmax(-2)
    return joined(self, weights.transpose(-2, -1) @ v)


def values_first(self, x):
    q, k, v = split(self, x)
    weights = (q @ (k * 0.25).transpose(-2, -1)).softmax(-1)
    return self.out((v.transpose(-2, -1) @ weights.mT).permute(0, 3, 1, 2).reshape(-1, T, D))


def channels_first(self, x):
    q, k, v = (z.transpose(1, 2).reshape(-1, D // H, T) for z in self.qkv(x).chunk(3, -1))
    weights = F.softmax(torch.bmm(q.permute(0, 2, 1), k) * 0.25, 2)
    return self.out(torch.bmm(v, weights.permute(0, 2, 1)).reshape(-1, D, T).transpose(1, 2))


def dots(self, x):
    q, k, v = split(self, x)
    weights = (torch.einsum("...id,...jd->...ij", q, k) / 4).softmax(-1)
    return joined(self, torch.einsum("...ij,...jd->...id", weights, v))


def heads_between(self, x):
    q, k, v = (z.view(-1, T, H, D // H) for z in self.qkv(x).chunk(3, -1))
    weights = torch.einsum("bthd,bshd->bths", q, k).mul(0.25).softmax(-1)
    return self.out(torch.einsum("bths,bshd->bthd", weights, v).reshape(-1, T, D))


def sequences_first(self, x):
    z = x.transpose(0, 1)
    q, k, v = (y.contiguous().view(T, -1, D // H).transpose(0, 1) for y in self.qkv(z).chunk(3, -1))
    y = torch.bmm(torch.bmm(q, k.transpose(1, 2)).mul(0.25).softmax(-1), v)
    return self.out(y.transpose(0, 1).contiguous().view(T, -1, D)).transpose(0, 1)


def mask_by_product(self, x):
    q, k, v = split(self, x)
    kept = torch.ones(T, T).tril()
    scores = (q @ k.transpose(-2, -1) * 0.25) * kept - 1e4 * (1 - kept)
    return joined(self, torch.nan_to_num(scores.softmax(-1)) @ v)


SPELLINGS = [
    unfused,
    masked,
    einsum,
    keys_first,
    merged,
    exponentials,
    divided_last,
    keys_in_rows,
    values_first,
]
SPELLINGS += [channels_first, dots, heads_between, sequences_first, mask_by_product]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_attention_costs_the_same_however_it_is_spelt(spelling, batch):
    layers = {"qkv": nn.Linear(D, 3 * D), "out": nn.Linear(D, D)}
    x = torch.zeros(batch, T, D)
    wanted = traffic(Function(by_function, **layers), x)
    assert wanted[2] == batch * (4 * T * D * D + 2 * T * T * D)
    assert traffic(Function(spelling, **layers), x) == wanted
    network = workloads.from_torch(Function(spelling, **layers), x)
    assert network.parameters == 4 * D * D + 4 * D
    assert (
        network.training(batch + 1).macs
        == 3 * network.table(batch + 1).macs.sum()
        - (
            (batch + 1) * 3 * T * D * D  # inputs need no gradient
        )
        + (batch + 1) * T * T * D
    )  # scores are computed again


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("weights", [True, False])
def test_multihead_attention_costs_what_its_function_does(weights, batch):
    module = nn.MultiheadAttention(D, H, batch_first=True)
    call = Function(lambda self, x: self.m(x, x, x, need_weights=weights)[0], m=module)
    layers = {"qkv": nn.Linear(D, 3 * D), "out": nn.Linear(D, D)}
    x = torch.zeros(batch, T, D)
    assert traffic(call, x) == traffic(Function(by_function, **layers), x)


def test_what_else_is_done_with_scores_is_vector_work():
    def capped(self, x):
        q, k, v = split(self, x)
        return joined(self, (torch.tanh(q @ k.mT / 50) * 50).softmax(-1) @ v)

    layers = {"qkv": nn.Linear(D, 3 * D), "out": nn.Linear(D, D)}
    x = torch.zeros(2, T, D)
    plain, cap = (workloads.from_torch(Function(f, **layers), x) for f in (by_function, capped))
    assert traffic(Function(capped, **layers), x) == traffic(Function(by_function, **layers), x)
    more = cap.table().vector_ops.sum() - plain.table().vector_ops.sum()
    assert more == (LOOKUP + 1) * 2 * H * T * T


class Apart(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(D, D) for _ in range(4))
        self.run = forward

    def forward(self, x):
        return self.out(self.run(self.q(x), self.k(x), self.v(x)))


def together(q, k, v):
    heads = (z.view(-1, T, H, D // H).transpose(1, 2) for z in (q, k, v))
    return F.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(-1, T, D)


def one_by_one(q, k, v):
    made = []
    for start in range(0, D, D // H):
        a, b, c = (z[..., start : start + D // H] for z in (q, k, v))
        made.append((a @ b.mT * 0.25).softmax(-1) @ c)
    return torch.cat(made, -1)


def in_chunks(q, k, v):
    parts = zip(*(z.chunk(H, -1) for z in (q, k, v)), strict=True)
    return torch.cat([F.scaled_dot_product_attention(*part) for part in parts], -1)


@pytest.mark.parametrize("forward", [one_by_one, in_chunks])
def test_heads_in_a_loop_are_heads(forward):
    x = torch.zeros(2, T, D)
    want = workloads.from_torch(Apart(together), x)
    network = workloads.from_torch(Apart(forward), x)
    assert traffic(Apart(forward), x) == traffic(Apart(together), x)
    assert network.table().vector_ops.sum() == want.table().vector_ops.sum()


def test_heads_in_a_loop_may_share_keys_but_not_change_places():
    def shared(q, k, v):
        k, v = (z[..., : D // 2].split(D // H, -1) for z in (k, v))
        return torch.cat(
            [(a @ k[i // 2].mT).softmax(-1) @ v[i // 2] for i, a in enumerate(q.split(D // H, -1))], -1
        )

    network = workloads.from_torch(Apart(shared), torch.zeros(2, T, D))
    (attention,) = (o for o in network.operations if o.kind == "attention")
    assert (attention.heads, attention.kv_heads) == (H, H // 2)

    def mixed(q, k, v):
        parts = [z.split(D // H, -1) for z in (q, k, v)]
        return torch.cat([F.scaled_dot_product_attention(*(z[i] for z in parts)) for i in (1, 0, 2, 3)], -1)

    network = workloads.from_torch(Apart(mixed), torch.zeros(2, T, D))
    assert sum(o.kind == "attention" for o in network.operations) == H


def test_positions_and_a_mask_are_read_once():
    def biased(self, x, mask):
        q, k, v = split(self, x)
        return joined(self, (q @ k.mT / 4 + self.bias + mask).softmax(-1) @ v)

    layers = {"qkv": nn.Linear(D, 3 * D), "out": nn.Linear(D, D), "bias": nn.Parameter(torch.ones(H, T, T))}
    given = torch.zeros(2, T, D), torch.zeros(2, 1, 1, T)
    network = workloads.from_torch(Function(biased, **layers), given)
    assert [o.kind for o in network.operations].count("attention") == 1
    read = traffic(Function(by_function, **{k: layers[k] for k in ("qkv", "out")}), given[0])[0]
    assert traffic(Function(biased, **layers), given)[0] == read + H * T * T + 2 * T
    assert network.parameters == 4 * D * D + 4 * D + H * T * T
    assert network.training(2).macs > 0


def test_sinks_draw_weight_from_scores():
    def sunk(self, x, keep):
        q, k, v = split(self, x)
        scores = q @ k.mT / 4
        joint = torch.cat([scores, self.sink.view(1, H, 1, 1).expand(len(x), H, T, 1)], -1)
        joint = joint - joint.max(-1, keepdim=True).values
        weights = joint.softmax(-1)
        return joined(self, (weights[..., :-1] if keep else weights[..., 1:]) @ v)

    layers = {"qkv": nn.Linear(D, 3 * D), "out": nn.Linear(D, D), "sink": nn.Parameter(torch.zeros(H))}
    x = torch.zeros(2, T, D)
    kinds = [
        [
            o.kind
            for o in workloads.from_torch(Function(lambda s, x, k=k: sunk(s, x, k), **layers), x).operations
        ]
        for k in (True, False)
    ]
    assert [one.count("attention") for one in kinds] == [1, 0]
    network = workloads.from_torch(Function(lambda s, x: sunk(s, x, True), **layers), x)
    assert (network.macs, network.parameters) == (2 * (4 * T * D * D + 2 * T * T * D), 4 * D * D + 4 * D + H)


def test_scores_that_are_read_elsewhere_stay():
    def given(self, q, k, v):
        weights = (q @ k.transpose(1, 2)).softmax(-1)
        return weights @ v, weights

    network = workloads.from_torch(Function(given), (torch.zeros(2, T, 8),) * 3)
    assert [o.kind for o in network.operations] == ["transpose", "matmul", "softmax", "matmul"]


def test_a_softmax_along_the_queries_is_no_attention():
    network = workloads.from_torch(
        Function(lambda self, q, k, v: (q @ k.transpose(1, 2)).softmax(1) @ v), (torch.zeros(2, T, 8),) * 3
    )
    assert "attention" not in [o.kind for o in network.operations]


def test_weights_that_a_gate_repeats_for_many_heads_are_multiplied_apart():
    def gated(self, q, k, v):
        return ((q @ k.mT).softmax(-1) * self.gate) @ v

    given = torch.zeros(2, T, 8), torch.zeros(2, T, 8), torch.zeros(3, 2, T, 8)
    network = workloads.from_torch(Function(gated, gate=nn.Parameter(torch.ones(3, 1, 1, 1))), given)
    assert network.macs == (1 + 3) * 2 * T * T * 8
    assert "attention" not in [o.kind for o in network.operations]


def test_queries_whose_scaling_is_wanted_elsewhere_are_scaled_once():
    def scaled(self, q, k, v):
        q = q * 0.5
        return (q @ k.mT).softmax(-1) @ v, q

    def given(self, q, k, v):
        return (q @ k.mT).softmax(-1) @ v

    inputs = (torch.zeros(2, 3, T, 8),) * 3
    one, other = (workloads.from_torch(Function(f), inputs).table().vector_ops.sum() for f in (scaled, given))
    assert one - other == 2 * 3 * T * 8


def test_places_of_an_image_are_one_axis():
    def flat(self, x):
        q, k, v = (conv(x).flatten(2) for conv in (self.q, self.k, self.v))
        return ((q.mT @ k).softmax(-1) @ v.mT).mT.reshape(x.shape)

    module = Function(
        flat, **{name: nn.Conv2d(8, width, 1) for name, width in (("q", 2), ("k", 2), ("v", 8))}
    )
    network = workloads.from_torch(module, torch.zeros(2, 8, 3, 4))
    assert [o.kind for o in network.operations].count("attention") == 1
    assert network.macs == 2 * (12 * 8 * (2 + 2 + 8) + 12 * 12 * (2 + 8))


def grouped(how):
    def forward(self, q, k, v):
        if how == "grouped":
            return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        if how == "einsum":
            apart = q.view(1, 2, 4, 1, 16)
            weights = torch.einsum("bgrqd,bgkd->bgrqk", apart, k).softmax(-1)
            return torch.einsum("bgrqk,bgkd->bgrqd", weights, v).reshape(1, 8, 1, 16)
        if how == "expand":
            k, v = (z[:, :, None].expand(1, 2, 4, 1024, 16).reshape(1, 8, 1024, 16) for z in (k, v))
        elif how == "repeat":
            k, v = (z.unsqueeze(2).repeat(1, 1, 4, 1, 1).flatten(1, 2) for z in (k, v))
        elif how == "tiled":  # head i meets keys i % 2
            k, v = (z.repeat(1, 4, 1, 1) for z in (k, v))
        elif how == "stack":
            k, v = (torch.stack([z] * 4, 2).flatten(1, 2) for z in (k, v))
        elif how == "index":
            k, v = (z[:, torch.arange(8) // 4] for z in (k, v))
        elif how == "turned":
            k, v = (z.transpose(1, 2).repeat_interleave(4, 2).transpose(1, 2) for z in (k, v))
        else:
            k, v = (z.repeat_interleave(4, 1) for z in (k, v))
        if how == "products":
            return (q @ k.transpose(-1, -2) / 4).softmax(-1) @ v
        return F.scaled_dot_product_attention(q, k, v)

    return Function(forward)


@pytest.mark.parametrize(
    "how",
    ["grouped", "expand", "interleave", "products", "einsum", "repeat", "tiled", "stack", "index", "turned"],
)
def test_heads_that_share_keys_read_them_once(how):
    inputs = torch.zeros(1, 8, 1, 16), torch.zeros(1, 2, 1024, 16), torch.zeros(1, 2, 1024, 16)
    assert traffic(grouped(how), inputs) == (65_664, 128, 2 * 8 * 1024 * 16)


def cached(how):
    def forward(self, q, k, v, keys, values, place):
        if how == "cat":
            keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        elif how == "parts":
            keys = torch.cat([keys[:, :, :7], k, keys[:, :, 8:]], 2)
            values = torch.cat([values[:, :, :7], v, values[:, :, 8:]], 2)
        elif how == "slice":
            keys[:, :, 7:8] = k
            values[:, :, 7:8] = v
        elif how == "index_copy":
            keys.index_copy_(2, place, k)
            values.index_copy_(2, place, v)
        else:
            keys[:, :, place] = k
            values[:, :, place] = v
        return F.scaled_dot_product_attention(q, keys, values), keys, values

    return Function(forward)


@pytest.mark.parametrize(
    ("how", "copied"),
    [
        ("cat", 262_208),
        ("parts", 262_208),
        ("slice", 262_336),
        ("index_copy", 262_338),
        ("index_put", 262_338),
    ],
)
def test_a_cache_is_appended_to_in_place_unless_it_is_to_be_copied(how, copied):
    length = 1023 if how == "cat" else 1024
    new, cache = torch.zeros(1, 4, 1, 16), torch.zeros(1, 4, length, 16)
    inputs = (new, new.clone(), new.clone(), cache, cache.clone(), torch.tensor([7]))
    assert traffic(cached(how), inputs)[:2] == (131_136, 192)
    assert traffic(cached(how), inputs, caches="copy")[0] == copied


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_what_is_joined_along_samples_heads_or_features_is_copied(axis):
    shape = [2, 4, 24, 16]
    shape[axis] //= 2

    def forward(self, q, k, v, keys, values):
        keys, values = torch.cat([keys, k], axis), torch.cat([values, v], axis)
        return F.scaled_dot_product_attention(q, keys, values)

    inputs = (torch.zeros(2, 4, 1, 16), *(torch.zeros(shape) for _ in range(4)))
    whole = 2 * 4 * 24 * 16
    assert traffic(Function(forward), inputs)[:2] == (2 * 4 * 16 + 4 * whole, 2 * 4 * 16 + 2 * whole)


def test_what_is_made_for_a_cache_is_written_there():
    def forward(self, x, keys, values):
        q, k, v = (z.view(1, 1, 4, 16).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        return F.scaled_dot_product_attention(q, keys, values), keys, values

    inputs = torch.zeros(1, 1, 64), torch.zeros(1, 4, 1023, 16), torch.zeros(1, 4, 1023, 16)
    module = Function(forward, qkv=nn.Linear(64, 192, bias=False))
    weights = 64 * 192
    assert traffic(module, inputs)[:2] == (64 + weights + 131_136, 192 + 64)


class Static(nn.Module):
    """Keys and values in tensors of the module, of which the first places are read."""

    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(1, 4, 1024, 16))
        self.register_buffer("values", torch.zeros(1, 4, 1024, 16))

    def forward(self, q, k, v, place):
        self.keys.index_copy_(2, place, k)
        self.values.index_copy_(2, place, v)
        return F.scaled_dot_product_attention(q, self.keys[:, :, :512], self.values[:, :, :512])


def test_a_cache_of_the_module_is_read_as_far_as_it_is_asked_for():
    new = torch.zeros(1, 4, 1, 16)
    inputs = new, new.clone(), new.clone(), torch.tensor([7])
    assert traffic(Static(), inputs) == (64 + 2 * 512 * 64, 192, 2 * 512 * 64)


def test_a_window_that_slides_writes_over_its_oldest_part():
    def window(self, q, k, v, keys, values):
        keys, values = (torch.cat([old[:, :, 2:], new], 2) for old, new in ((keys, k), (values, v)))
        return F.scaled_dot_product_attention(q, keys, values), keys, values

    new, old = torch.zeros(1, 4, 2, 16), torch.zeros(1, 4, 64, 16)
    given = (new, new.clone(), new.clone(), old, old.clone())
    read, written, _ = traffic(Function(window), given)
    assert (read, written) == (128 + 2 * 64 * 64, 3 * 128)
    copied = traffic(Function(window), given, caches="copy")
    assert copied[1] == 2 * 64 * 64 + 128


def test_keys_and_values_may_come_stacked():
    def forward(self, q, k, v, past):
        keys, values = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        return F.scaled_dot_product_attention(q, keys, values), keys, values

    new = torch.zeros(1, 4, 1, 16)
    inputs = new, new.clone(), new.clone(), torch.zeros(2, 1, 4, 1023, 16)
    assert traffic(Function(forward), inputs)[:2] == (131_136, 192)


def test_a_word_for_caches_is_checked():
    with pytest.raises(WorkloadError, match="caches must be 'append' or 'copy', got 'move'"):
        workloads.from_torch(nn.Linear(2, 2), torch.zeros(1, 2), caches="move")


def test_a_1x1_convolution_costs_a_linear_layer():
    linear = Function(lambda self, x: self.l(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), l=nn.Linear(64, 64))
    x = torch.zeros(1, 64, 16, 16)
    assert traffic(linear, x) == traffic(nn.Conv2d(64, 64, 1), x)


def test_a_product_of_batches_adds_up_nothing():
    """baddbmm is no addbmm: its name ends like the other's."""
    module = Function(lambda self, a, b, c: torch.baddbmm(a, b, c))
    network = workloads.from_torch(module, (torch.zeros(2, 3, 5), torch.zeros(2, 3, 4), torch.zeros(2, 4, 5)))
    assert [o.kind for o in network.operations] == ["matmul", "add"]
