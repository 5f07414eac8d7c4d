"""Caches of keys and values grow in place, however they are written to; what is no cache is copied."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import workloads
from tests.torch.modules import Function, traffic
from workloads.errors import WorkloadError


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


def stacked(how):
    def forward(self, q, k, v, past, place):
        if how == "apart":
            keys, values = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            return F.scaled_dot_product_attention(q, keys, values), keys, values
        if how == "again":
            past = torch.stack([torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)])
        elif how == "slice":
            past[0, :, :, 7:8] = k
            past[1, :, :, 7:8] = v
        else:
            past[0, :, :, place] = k
            past[1, :, :, place] = v
        keys, values = past.unbind(0)
        return F.scaled_dot_product_attention(q, keys, values), past

    return Function(forward)


@pytest.mark.parametrize("how", ["apart", "again", "slice", "index_put"])
def test_keys_and_values_may_come_stacked(how):
    new = torch.zeros(1, 4, 1, 16)
    length = 1023 if how in ("apart", "again") else 1024
    inputs = new, new.clone(), new.clone(), torch.zeros(2, 1, 4, length, 16), torch.tensor([7])
    assert traffic(stacked(how), inputs)[:2] == (131_136, 192)
    assert traffic(stacked(how), inputs, caches="copy")[0] > 250_000


def test_parts_of_two_caches_that_are_stacked_are_copied():
    def forward(self, q, k, v, keys, values):
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        return F.scaled_dot_product_attention(q, keys, values), torch.stack([keys, values])

    new, old = torch.zeros(1, 4, 1, 16), torch.zeros(1, 4, 1023, 16)
    inputs = new, new.clone(), new.clone(), old, old.clone()
    assert traffic(Function(forward), inputs)[1] == 192 + 2 * 4 * 1024 * 16


def by_mask(self, q, k, v, keys, values, mask):
    keys, values = torch.where(mask, k, keys), torch.where(~mask, values, v)
    return F.scaled_dot_product_attention(q, keys, values), keys, values


def test_a_place_that_a_mask_chooses_is_written_alone():
    new, old = torch.zeros(1, 4, 1, 16), torch.zeros(1, 4, 1024, 16)
    mask = torch.zeros(1, 1, 1024, 1, dtype=torch.bool)
    inputs = new, new.clone(), new.clone(), old, old.clone(), mask
    assert traffic(Function(by_mask), inputs)[:2] == (131_136 + 1024, 192 + 1024)  # and ~mask
    assert traffic(Function(by_mask), inputs, caches="copy")[1] == 131_072 + 64 + 1024
    whole = old.clone(), old.clone(), mask  # how much of it is new nobody knows
    assert traffic(Function(by_mask), (new, old.clone(), old.clone(), *whole))[1] == 131_072 + 64 + 1024


BLENDS = {
    "blend": lambda c, k, m: c * (1 - m) + k * m,
    "turned": lambda c, k, m: m * k + (1 - m) * c,
    "lerp": lambda c, k, m: torch.lerp(c, k, m),
    "difference": lambda c, k, m: c + (k - c) * m,
    "empty": lambda c, k, m: c + k * m,
}


@pytest.mark.parametrize("how", list(BLENDS))
def test_a_place_that_a_mask_blends_in_is_written_alone(how):
    def forward(self, q, k, v, keys, values, mask):
        keys, values = BLENDS[how](keys, k, mask), BLENDS[how](values, v, mask)
        return F.scaled_dot_product_attention(q, keys, values), keys, values

    new, old = torch.zeros(1, 4, 1, 16), torch.zeros(1, 4, 1024, 16)
    inputs = new, new.clone(), new.clone(), old, old.clone(), torch.zeros(1, 1, 1024, 1)
    assert traffic(Function(forward), inputs)[:2] == (131_136, 192)
    assert traffic(Function(forward), inputs, caches="copy")[1] >= 2 * 65_536
    whole = old.clone(), old.clone(), old.clone(), old.clone()  # how much of it is new nobody knows
    assert traffic(Function(forward), (new, *whole, inputs[-1]))[1] >= 2 * 65_536


def test_a_scaling_of_keys_is_no_blend():
    def forward(self, q, keys, values, scale, shift):
        return F.scaled_dot_product_attention(q, keys * scale + shift, values)

    old = torch.zeros(1, 4, 1024, 16)
    inputs = torch.zeros(1, 4, 1, 16), old, old.clone(), torch.zeros(1, 4, 1, 1), torch.zeros(1, 4, 1, 16)
    assert traffic(Function(forward), inputs)[1] >= 65_536


class Rolled(nn.Module):
    """Keys and values of the last places, in tensors of the module or in the caller's."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.register_buffer("keys", torch.zeros(1, 4, 1024, 16))
        self.register_buffer("values", torch.zeros(1, 4, 1024, 16))

    def forward(self, q, k, v, mask):
        for old, new in ((self.keys, k), (self.values, v)):
            if self.how == "roll":
                moved = torch.roll(old, -1, 2)
                moved[:, :, -1:] = new
            elif self.how == "where":
                moved = torch.where(mask, new, old)
            else:
                moved = torch.cat([old[:, :, 1:], new], 2)
            old.copy_(moved)
        return F.scaled_dot_product_attention(q, self.keys, self.values)


@pytest.mark.parametrize("how", ["roll", "cat", "where"])
def test_a_window_of_the_module_is_written_where_its_oldest_part_was(how):
    new = torch.zeros(1, 4, 1, 16)
    inputs = new, new.clone(), new.clone(), torch.zeros(1, 1, 1024, 1, dtype=torch.bool)
    assert traffic(Rolled(how), inputs)[:2] == (131_136, 192)
    assert workloads.from_torch(Rolled(how), inputs).edges().rows


def test_a_cache_that_is_turned_round_is_written_at_its_end():
    def rolled(self, q, k, v, keys, values):
        kept = []
        for old, new in ((keys, k), (values, v)):
            moved = torch.roll(old, -1, 2)
            moved[:, :, -1:] = new
            kept.append(moved)
        return F.scaled_dot_product_attention(q, *kept), *kept

    new, old = torch.zeros(1, 4, 1, 16), torch.zeros(1, 4, 1024, 16)
    inputs = new, new.clone(), new.clone(), old, old.clone()
    assert traffic(Function(rolled), inputs)[:2] == (131_136, 192)


@pytest.mark.parametrize("how", ["cat", "index_copy", "index_put", "slice"])
def test_what_is_made_for_a_cache_is_written_once_however_it_gets_there(how):
    def forward(self, x, keys, values, place):
        q, k, v = (z.view(1, 1, 4, 16).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        return cached(how).function(self, q, k, v, keys, values, place)

    old = torch.zeros(1, 4, 1023 if how == "cat" else 1024, 16)
    inputs = torch.zeros(1, 1, 64), old, old.clone(), torch.tensor([7])
    module = Function(forward, qkv=nn.Linear(64, 192, bias=False))
    assert traffic(module, inputs)[:2] == (64 + 64 * 192 + 131_136, 192 + 64)


def test_a_word_for_caches_is_checked():
    with pytest.raises(WorkloadError, match="caches must be 'append' or 'copy', got 'move'"):
        workloads.from_torch(nn.Linear(2, 2), torch.zeros(1, 2), caches="move")
