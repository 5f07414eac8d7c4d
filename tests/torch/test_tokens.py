"""Parameters that are picked from, or repeated for every sample."""

import pytest
import torch
from torch import nn

import workloads
from tests.torch.modules import Function, Tokens, Windows
from tests.torch.test_tables import same_tables
from workloads.errors import WorkloadError

IMAGES = torch.zeros(1, 3, 12, 12)


@pytest.mark.parametrize(("module", "inputs"), [(Tokens(), IMAGES), (Windows(), torch.zeros(1, 4, 6, 8))])
@pytest.mark.parametrize("batch", [1, 3])
def test_tables_count_whole_and_once(module, inputs, batch):
    network = workloads.from_torch(module, inputs, batch=batch)
    assert network.parameters == sum(p.numel() for p in module.parameters())
    assert network.batch == batch


def test_what_is_picked_is_an_embedding():
    network = workloads.from_torch(Tokens(), IMAGES)
    kinds = {
        node.operation.name: node for node in network.graph.nodes() if node.operation.kind == "embedding"
    }
    assert {node.weights["weight"] for node in kinds.values()} == {"token", "positions.weight"}
    places = [tensor for tensor in network.graph.inputs() if tensor.name != "images"]
    assert sorted((tensor.shape, tensor.batch_axis) for tensor in places) == [((1,), 0), ((10,), None)]


def test_a_token_grows_with_the_batch():
    one, four = (workloads.from_torch(Tokens(), IMAGES, batch=batch) for batch in (1, 4))
    assert one.training(4).macs == four.training().macs
    assert one.table(4).macs.sum() == four.macs
    same_tables(one.training(4).table(), four.training().table(), ["macs", "vector_ops", "n", "c", "k"])


def test_repeated_operands_of_functions_broadcast():
    module = Function(
        lambda self, x: x * self.scale.expand(x.shape[0], 6, 4), scale=nn.Parameter(torch.ones(1, 1, 4))
    )
    network = workloads.from_torch(module, torch.zeros(3, 6, 4))
    assert [operation.kind for operation in network.operations] == ["mul"]
    assert network.graph.weights["scale"].shape == (1, 1, 4)
    assert network.parameters == 4


def test_a_whole_transformer():
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    inputs = torch.zeros(1, 6, 8), torch.zeros(1, 5, 8)
    network = workloads.from_torch(model, inputs)
    assert network.parameters == sum(p.numel() for p in model.parameters())
    projections = (
        4 * 64 * (6 + 5) + 2 * 64 * 5 + 2 * 64 * 6
    )  # two self-attentions; queries and keys of the third
    scores = 2 * 8 * (6 * 6 + 5 * 5 + 5 * 6)
    assert network.macs == projections + scores + 2 * 8 * 16 * (6 + 5)
    assert network.training(3).macs == 3 * network.training().macs


def test_a_batch_fixed_in_the_module_says_how_to_go_on():
    module = Function(lambda self, x: x + self.table, table=nn.Parameter(torch.ones(2, 1)))
    network = workloads.from_torch(nn.Sequential(nn.Linear(4, 4), module), torch.zeros(2, 4))
    with pytest.raises(WorkloadError, match=r"cannot be for 4: .*; load or build it with batch=4"):
        network.training(4)
