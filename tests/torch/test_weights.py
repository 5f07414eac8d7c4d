"""What becomes of parameters: names, zeros, masks, sharing."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.sparse import SparseSemiStructuredTensorCUTLASS
from torch.sparse._semi_structured_conversions import sparse_semi_structured_from_dense_cutlass

import workloads
from tests.torch.modules import Function, Small
from workloads.errors import NetworkImportError


def read(module, *shapes, **options):
    return workloads.from_torch(module, tuple(torch.zeros(shape) for shape in shapes), **options)


def test_weights_are_called_as_in_the_state_dict():
    module = Small()
    network = read(module, (1, 3, 16, 16))
    names = {name for name in module.state_dict() if "running" not in name and "tracked" not in name}
    assert set(network.graph.weights) == names
    assert network.parameters == sum(p.numel() for p in module.parameters())
    assert [operation.name for operation in network.operations] == [
        *("conv", "bn", "relu", "max_pool2d", "depthwise", "relu_1", "flatten", "fc", "softmax")
    ]


def test_zeros_are_kept_where_they_are():
    module = Small()
    with torch.no_grad():
        module.conv.weight[:, 1] = 0
        module.conv.bias[2:4] = 0
    weight = read(module, (1, 3, 16, 16)).weight("conv")
    assert weight.nonzeros == weight.size * 2 // 3
    np.testing.assert_array_equal(weight.mask, module.conv.weight.detach().numpy() != 0)
    assert (weight.known, weight.packed.size) == ("measured", -(-weight.size // 8))
    assert read(module, (1, 3, 16, 16)).weight("conv", "bias").nonzeros == 6


def test_pruning_masks_are_folded_into_their_weights():
    module = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    prune.l1_unstructured(module[0], "weight", 0.75)
    prune.custom_from_mask(module[2], "weight", torch.eye(4, 8))
    network = read(module, (2, 8))
    np.testing.assert_array_equal(network.mask("0"), module[0].weight_mask.numpy() != 0)
    np.testing.assert_array_equal(network.mask("2"), np.eye(4, 8) != 0)
    assert network.weight("0").name == "0.weight"
    assert network.parameters == 8 * 8 + 8 + 8 * 4 + 4  # a mask is none
    assert network.nonzero_parameters == 16 + 8 + 4 + 4
    assert network.effectual_macs == 2 * (16 + 4)
    assert "weight_orig" in dict(module[0].named_parameters())  # the module is as it was


class Sparse(nn.Module):
    """A parametrisation with a mask, as sparsifiers put them."""

    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight):
        return weight * self.mask


def test_parametrised_weights_are_computed():
    module = nn.Sequential(nn.Linear(8, 4), parametrizations.weight_norm(nn.Linear(4, 4)))
    mask = (torch.arange(32).reshape(4, 8) % 3 > 0).float()
    parametrize.register_parametrization(module[0], "weight", Sparse(mask))
    network = read(module, (2, 8))
    np.testing.assert_array_equal(network.mask("0"), mask.numpy() != 0)
    assert network.weight("1").nonzeros == 16
    assert network.parameters == 32 + 4 + 16 + 4 + 4  # magnitudes beside directions, as the module has them


@pytest.mark.filterwarnings("ignore:The PyTorch API of SparseSemiStructuredTensor")
def test_two_in_four_is_read_dense():
    weight = torch.randn(64, 64).half() * torch.tensor([1, 0, 0, 1]).repeat(64, 16)
    packed, meta = sparse_semi_structured_from_dense_cutlass(weight)
    compressed = SparseSemiStructuredTensorCUTLASS(weight.shape, packed, meta, None, None, None)
    module = nn.Sequential(nn.Linear(64, 64, bias=False).half())
    module[0].weight = nn.Parameter(compressed, requires_grad=False)
    network = workloads.from_torch(module, torch.zeros(2, 64).half())
    np.testing.assert_array_equal(network.mask("0"), weight.numpy() != 0)
    assert network.effectual_macs * 2 == network.macs
    assert type(module[0].weight.data) is SparseSemiStructuredTensorCUTLASS


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_layouts_are_read_dense():
    module = nn.Sequential(nn.Linear(6, 5, bias=False))
    dense = torch.diag(torch.ones(6))[:5].clone()
    module[0].weight = nn.Parameter(dense.to_sparse_csr(), requires_grad=False)
    assert read(module, (1, 6)).weight("0").nonzeros == 5


def test_tied_weights_are_one():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, 6)
            self.first = nn.Linear(6, 6)
            self.second = nn.Linear(6, 6)
            self.second.weight = self.first.weight
            self.head = nn.Linear(6, 11, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, ids):
            x = self.second(self.first(self.embed(ids)))
            return self.head(x) + x @ self.embed.weight.t()

    module = Tied()
    network = workloads.from_torch(module, torch.zeros(2, 3, dtype=torch.long))
    assert network.parameters == sum(p.numel() for p in module.parameters()) == 66 + 36 + 6 + 6
    held = {node.operation.name: node.weights.get("weight") for node in network.graph.nodes()}
    assert held["first"] == held["second"] == "first.weight"
    assert held["embed"] == held["head"] == held["matmul"] == "embed.weight"
    assert network.macs == 2 * 3 * (36 + 36 + 66 + 66)


def test_a_weight_used_pruned_twice_is_one():
    layer = nn.Linear(6, 6)
    prune.random_unstructured(layer, "weight", 0.5)
    network = read(Function(lambda self, x: self.layer(torch.relu(self.layer(x))), layer=layer), (2, 6))
    assert network.parameters == 42
    assert [operation.name for operation in network.operations] == ["layer", "relu", "layer_1"]


def test_parts_of_a_weight_count_once():
    weight = nn.Parameter(torch.randn(6, 4))
    module = Function(lambda self, x: (x @ self.w[:2].t(), x @ self.w[2:].t()), w=weight)
    network = read(module, (3, 4))
    assert network.parameters == 24
    assert network.macs == 3 * 24


def test_buffers_and_numbers_are_no_parameters():
    module = Function(lambda self, x: (x + self.table) * 2 + self.shift, shift=nn.Parameter(torch.ones(4)))
    module.register_buffer("table", torch.ones(3, 4))
    network = read(module, (2, 3, 4))
    assert network.parameters == 4
    assert network.graph.weights["table"].trained is False
    assert network.weight("mul", "constant0").shape == ()


def test_shapes_alone_are_enough():
    with torch.device("meta"):
        module = Small()
    network = workloads.from_torch(module, torch.zeros(1, 3, 16, 16, device="meta"))
    assert network.macs == read(Small(), (1, 3, 16, 16)).macs
    assert network.weight("conv").known == "dense"


def test_nan_weights_are_refused():
    module = Small()
    with torch.no_grad():
        module.fc.weight[0, 0] = torch.nan
    with pytest.raises(NetworkImportError, match=r"^Small: weight 'fc.weight' holds NaN$"):
        read(module, (1, 3, 16, 16))


def test_constants_are_never_written_to():
    table = torch.zeros(4)
    module = Function(
        lambda self, x: x + self.table.add_(1) if x.shape[0] > 99 else x * self.table.clone().add_(1)
    )
    module.register_buffer("table", table)
    read(module, (2, 4))
    assert table.tolist() == [0, 0, 0, 0]


def test_what_is_computed_of_a_parameter_twice_counts_once():
    """As gates are: g of one operand, 1 - g of the other."""

    def gated(self, x, y):
        gate = torch.sigmoid(self.gate)
        return gate * x + (1 - gate) * y

    network = read(Function(gated, gate=nn.Parameter(torch.zeros(4))), (2, 4), (2, 4))
    assert network.parameters == 4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize("place", ["buffer", "attribute", "input"])
def test_products_with_sparse_tensors_have_their_zeros(layout, place):
    whole = torch.zeros(20, 20)
    whole[torch.arange(20), torch.arange(20) // 3] = 1.5
    adjacency = whole.to_sparse() if layout == "coo" else whole.to_sparse_csr()

    class Graph(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = nn.Linear(8, 4)
            if place == "buffer":
                self.register_buffer("a", adjacency)
            elif place == "attribute":
                self.a = adjacency

        def forward(self, x, *given):
            return torch.sparse.mm(given[0] if given else self.a, self.l(x))

    module = Graph()
    inputs = torch.zeros(20, 8), *((adjacency,) if place == "input" else ())
    network = workloads.from_torch(module, inputs)
    assert (network.macs, network.effectual_macs) == (20 * 8 * 4 + 20 * 20 * 4, 20 * 8 * 4 + 20 * 4)
    assert network.parameters == 36
    assert place == "input" or module.a is adjacency  # as it was


@pytest.mark.filterwarnings("ignore")
def test_a_sparse_tensor_that_is_made_inside_is_refused_with_the_way_out():
    class Inside(nn.Module):
        def forward(self, x, places, values):
            return torch.sparse.mm(torch.sparse_coo_tensor(places, values, (4, 4)), x)

    given = torch.zeros(4, 2), torch.zeros(2, 3, dtype=torch.long), torch.ones(3)
    with pytest.raises(NetworkImportError, match=r"a sparse tensor is made inside.*give it as an input"):
        workloads.from_torch(Inside(), given)


def test_a_parameter_that_is_looked_at_repeated_and_whole_counts_once():
    def forward(self, x):
        return F.cosine_similarity(x[:, None], self.w[None], dim=-1)

    module = Function(forward, w=nn.Parameter(torch.randn(12, 16)))
    assert workloads.from_torch(module, torch.zeros(2, 16)).parameters == 192


def _halves(self, x):
    codes = torch.stack([self.w & 15, self.w >> 4], -1).reshape(16, 32).float() - 8
    return x @ (codes * self.s).t()


def _words(self, x):
    """Eight codes a word of 32 bits, zero points too, groups of 16 inputs: as GPTQ's files have them."""
    places = torch.arange(0, 32, 4)
    codes = ((self.w[:, None] >> places[None, :, None]) & 15).reshape(32, 16)
    zeros = ((self.z[:, :, None] >> places) & 15).reshape(2, 16)
    return x @ ((codes - zeros[self.g]) * self.s[self.g])


def _book(self, x):
    """Codes that are places in a book of 16 numbers: NF4."""
    codes = torch.stack([self.w >> 4, self.w & 15], -1).long()
    return F.linear(x, (self.b[codes].reshape(-1, 32) * self.s[:, None]).reshape(16, 32))


@pytest.mark.parametrize(
    ("forward", "bits", "held"),
    [
        (_halves, 4, {"w": torch.full((16, 16), 0x5A, dtype=torch.uint8), "s": torch.ones(16, 1)}),
        (
            _words,
            4,
            {
                "w": torch.full((4, 16), 0x12345678, dtype=torch.int32),
                "z": torch.full((2, 2), 0x11111111, dtype=torch.int32),
                "g": torch.arange(32) // 16,
                "s": torch.ones(2, 16),
            },
        ),
        (
            _book,
            4,
            {"w": torch.full((256,), 0x5A, dtype=torch.uint8), "b": torch.randn(16), "s": torch.ones(16)},
        ),
        (
            lambda self, x: F.linear(x, self.w.to(x.dtype) * 0.1),
            8,
            {"w": torch.ones(16, 32, dtype=torch.int8)},
        ),
        (
            lambda self, x: F.linear(x, self.w * self.m),
            0,
            {"w": torch.randn(16, 32), "m": torch.ones(16, 32).long()},
        ),
    ],
)
def test_weights_decoded_on_the_way_are_as_wide_as_they_are_stored(forward, bits, held):
    module = Function(forward)
    for name, value in held.items():
        module.register_buffer(name, value)
    network = workloads.from_torch(module, torch.zeros(3, 32))
    table = network.table()
    assert (network.macs, table.weight_bits[table.macs.argmax()]) == (3 * 16 * 32, bits)
