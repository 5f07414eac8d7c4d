"""The same function costs the same however it is spelt."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import workloads
from tests.torch.modules import Function, traffic
from workloads.vector_ops import LOOKUP

T, D, H = 12, 32, 4


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


def less_the_logarithm(self, x):
    q, k, v = split(self, x)
    scores = q @ k.transpose(-2, -1) / 4
    return joined(self, (scores - scores.logsumexp(-1, keepdim=True)).exp() @ v)


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
    less_the_logarithm,
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


REPEATED = [
    lambda b: b,
    lambda b: b.expand(2, 64, 128),
    lambda b: b.repeat(1, 1, 128),
    lambda b: torch.cat([b] * 128, 2),
    lambda b: b.repeat_interleave(128, 2),
]


@pytest.mark.parametrize("spelling", REPEATED)
def test_what_is_repeated_is_read_as_often_as_it_is_there(spelling):
    module = Function(lambda self, x, b: x + spelling(torch.relu(b)))
    inputs = torch.zeros(2, 64, 128), torch.zeros(2, 64, 1)
    assert traffic(module, inputs)[:2] == (2 * (64 + 64 + 64 * 128), 2 * (64 + 64 * 128))


@pytest.mark.parametrize("copies", [lambda b: b.repeat(1, 1, 2), lambda b: torch.cat([b, b], 2)])
def test_whole_copies_side_by_side_are_read_again(copies):
    inputs = torch.zeros(2, 64, 128), torch.zeros(2, 64, 64)
    module = Function(lambda self, x, b: x + copies(b))
    assert traffic(module, inputs)[:2] == (2 * (64 * 64 + 64 * 128), 2 * 64 * 128)
    leaving = Function(lambda self, x, b: copies(b) if x is not None else b)
    assert traffic(leaving, inputs)[:2] == (2 * 64 * 64, 2 * 64 * 128)  # it lies there whole
    learns = Function(lambda self, x, b: x + copies(self.l(b)), l=nn.Linear(64, 64, bias=False))
    assert workloads.from_torch(learns, inputs).training(2).macs == 2 * 2 * 64**3  # inputs need no gradient


def test_a_1x1_convolution_costs_a_linear_layer():
    linear = Function(lambda self, x: self.l(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), l=nn.Linear(64, 64))
    x = torch.zeros(1, 64, 16, 16)
    assert traffic(linear, x) == traffic(nn.Conv2d(64, 64, 1), x)


def test_a_product_of_batches_adds_up_nothing():
    """baddbmm is no addbmm: its name ends like the other's."""
    module = Function(lambda self, a, b, c: torch.baddbmm(a, b, c))
    network = workloads.from_torch(module, (torch.zeros(2, 3, 5), torch.zeros(2, 3, 4), torch.zeros(2, 4, 5)))
    assert [o.kind for o in network.operations] == ["matmul", "add"]
