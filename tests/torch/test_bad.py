"""What cannot be read says why, in one line."""

import importlib
import sys

import pytest
import torch
from torch import nn

import workloads
from tests.torch.modules import Function, Small
from workloads.errors import NetworkImportError, WorkloadError


def strange(self, x):
    return torch.linalg.inv(x) + torch.special.i0(self.inner(x))


class Inner(nn.Module):
    def forward(self, x):
        return torch.linalg.inv(torch.special.i0(x))


def test_unknown_operators_are_named_with_their_modules():
    module = Function(strange, inner=Inner())
    with pytest.raises(NetworkImportError) as caught:
        workloads.from_torch(module, torch.zeros(3, 3), name="model")
    words = str(caught.value)
    assert "\n" not in words
    assert words.startswith("model: unsupported operators: ")
    assert "aten.special_i0 (in inner, the outermost module)" in words
    assert "aten.linalg_inv (in the outermost module, inner)" in words
    assert words.endswith('unknown="movement" costs them as data movement')


def test_unknown_operators_can_be_movement():
    network = workloads.from_torch(Function(strange, inner=Inner()), torch.zeros(3, 3), unknown="movement")
    notes = network.summary().note
    assert notes.str.startswith("unknown operator").sum() == 4
    assert network.macs == 0


def test_control_flow_is_refused_always():
    def branch(self, x):
        return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))

    for unknown in ("refuse", "movement"):
        with pytest.raises(
            NetworkImportError,
            match=r"depends on data \(\w+.py, line .*unsupported operators: cond \(in the outermost \w+\)$",
        ):
            workloads.from_torch(Function(branch), torch.zeros(3), unknown=unknown)


def test_what_depends_on_data_cannot_be_traced():
    def branch(self, x):
        return x + 1 if x.sum() > 0 else x - 1

    with pytest.raises(NetworkImportError, match=r"^Function: torch.export cannot trace it: ") as caught:
        workloads.from_torch(Function(branch), torch.zeros(3))
    assert "\n" not in str(caught.value)


def test_a_module_that_fails_says_so():
    with pytest.raises(NetworkImportError, match=r"^Small: torch.export cannot trace it: .*size"):
        workloads.from_torch(Small(), torch.zeros(1, 5, 16, 16))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((print, torch.zeros(1)), r"module must be a torch.nn.Module, got builtin_function_or_method"),
        ((Small(), "image"), r"example_inputs must be a tensor, a tuple or a mapping of them, got str"),
        ((Small(), ()), r"example_inputs hold no tensor"),
        ((nn.Identity(), torch.zeros(2)), r"Identity: nothing is computed: its outputs are its inputs"),
        ((Function(lambda self, x: torch.ones(3)), torch.zeros(2)), r"no output depends on an input"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(NetworkImportError, match=words):
        workloads.from_torch(*arguments)


@pytest.mark.parametrize("batch", [0, -1, 1.5, True])
def test_bad_batches(batch):
    with pytest.raises(WorkloadError, match=f"batch must be a positive integer, got {batch}"):
        workloads.from_torch(Small(), torch.zeros(1, 3, 16, 16), batch=batch)


def test_bad_ways_with_the_unknown():
    with pytest.raises(WorkloadError, match="unknown must be 'refuse' or 'movement', got 'ignore'"):
        workloads.from_torch(Small(), torch.zeros(1, 3, 16, 16), unknown="ignore")


def test_computed_weights_are_refused_where_they_are_not_known():
    def normalise(self, x, w):
        return torch.nn.functional.layer_norm(x, (4,), w)

    with pytest.raises(NetworkImportError, match="'layer_norm': weight is computed by the network"):
        workloads.from_torch(Function(normalise), (torch.zeros(1, 3, 4, 4), torch.zeros(4)))


def test_a_shape_that_depends_on_values_is_refused():
    with pytest.raises(NetworkImportError, match=r"aten.index 'index': the shape of its result depends on"):
        workloads.from_torch(Function(lambda self, x: x[x > 0] + 1), torch.ones(2, 3))


def test_the_module_is_left_as_it_was():
    module = Small().train()
    module.fc.eval()
    workloads.from_torch(module, torch.zeros(1, 3, 16, 16))
    assert module.training
    assert module.bn.training
    assert not module.fc.training
    assert int(module.bn.num_batches_tracked) == 0


def test_without_pytorch_the_extra_is_named(monkeypatch):
    for name in list(sys.modules):
        if name.startswith("workloads.importers.torch"):
            monkeypatch.delitem(sys.modules, name)
    find = importlib.import_module

    def refuse(name, *more):
        if name == "torch":
            raise ImportError(name)
        return find(name, *more)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(NetworkImportError, match=r"not installed: pip install 'springboard\[torch\]'$"):
        workloads.from_torch(None, None)


def test_a_lazy_module_that_has_met_no_input_says_so():
    module = torch.nn.Sequential(torch.nn.LazyLinear(5))
    with pytest.raises(
        NetworkImportError, match="0 is a lazy module that has met no input: run the module once"
    ):
        workloads.from_torch(module, torch.zeros(3, 8))
    module(torch.zeros(3, 8))
    assert workloads.from_torch(module, torch.zeros(3, 8)).macs == 3 * 8 * 5


def test_what_pytorch_logs_of_a_failure_stays_out_of_sight(capfd):
    with pytest.raises(NetworkImportError, match=r"must have same reduction dim"):
        workloads.from_torch(torch.nn.Linear(8, 4), torch.zeros(3, 7))
    assert capfd.readouterr() == ("", "")


def test_inputs_go_where_the_module_lies():
    assert workloads.from_torch(torch.nn.Linear(8, 4, device="meta"), torch.zeros(3, 8)).macs == 96
