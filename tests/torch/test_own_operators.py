"""Operators that a user registers: in ONNX files and in PyTorch modules."""

import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import workloads
from workloads import NetworkImportError
from workloads.operations import Linear, MatMul, Work


@pytest.fixture
def registered():
    """Register rules that are forgotten behind the test."""
    names = []

    def register(name, rule):
        names.append(name)
        workloads.register_operator(name)(rule)

    yield register
    for name in names:
        workloads.unregister_operator(name)


def model(tmp_path, *, constants=((4, 6), (6,))):
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [3, 4]), ("y", [3, 6]))]
    held = [
        numpy_helper.from_array(
            torch.eye(*shape).numpy() if len(shape) == 2 else torch.ones(shape).numpy(), f"c{i}"
        )
        for i, shape in enumerate(constants)
    ]
    names = [tensor.name for tensor in held]
    node = helper.make_node("Gate", ["x", *names], ["y"], "gate0", domain="com.acme", sharp=2)
    made = helper.make_model(
        helper.make_graph([node], "g", ends[:1], ends[1:], held),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 1)],
    )
    path = tmp_path / "m.onnx"
    onnx.save(made, path)
    return path


def test_an_unknown_operator_says_how_to_register_it(tmp_path):
    with pytest.raises(NetworkImportError) as caught:
        workloads.from_onnx(model(tmp_path))
    message = str(caught.value)
    assert "com.acme.Gate (gate0)" in message
    assert "@workloads.register_operator('com.acme.Gate')" in message
    assert "\n" not in message


def test_a_rule_makes_an_operation_of_a_node(tmp_path, registered):
    seen = []

    def gate(call):
        seen.append(call)
        return Linear(call.name, call.constants[0][1])

    registered("com.acme.Gate", gate)
    net = workloads.from_onnx(model(tmp_path))
    assert (net.macs, net.parameters) == (3 * 4 * 6, 4 * 6 + 6)
    assert net.weight("gate0").density == 4 / 24  # its stored values, turned
    assert (seen[0].inputs, seen[0].constants, seen[0].attributes) == (
        ((3, 4),),
        ((4, 6), (6,)),
        {"sharp": 2},
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda call: 7, "must return an operation called 'gate0', got 7"),
        (lambda call: Linear("other", 6), "must return an operation called 'gate0'"),
        (
            lambda call: Linear(call.name, 5),
            "needs a weight of (5, 4); the constants of 'gate0' are (4, 6), (6,)",
        ),
        (lambda call: Linear(call.name, 6, bias=False), "leaves the constants of 'gate0' with shapes (6,)"),
        (
            lambda call: call.attributes["dull"],
            "the rule of 'com.acme.Gate' fails at 'gate0': KeyError: 'dull'",
        ),
    ],
)
def test_a_rule_that_does_not_fit_is_one_line(tmp_path, registered, rule, message):
    registered("com.acme.Gate", rule)
    with pytest.raises(NetworkImportError) as caught:
        workloads.from_onnx(model(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_bad_name_is_one_line(name):
    with pytest.raises(ValueError, match=r"operator must be a name"):
        workloads.register_operator(name)
    with pytest.raises(ValueError, match=r"no rule of .* is registered"):
        workloads.unregister_operator(name)


@torch.library.custom_op("springboard_tests::mixed", mutates_args=())
def mixed(x: torch.Tensor, w: torch.Tensor, steps: int) -> torch.Tensor:
    """Stand for a kernel of a user's own."""
    return x @ w.t() * steps


@mixed.register_fake
def _(x, w, steps):
    return x.new_empty(x.shape[0], w.shape[0])


class Mixing(torch.nn.Module):
    """A module around it, with a matrix that learns or one that is computed."""

    def __init__(self, learns):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(6, 4))
        self.learns = learns

    def forward(self, x):
        return mixed(x, self.weight if self.learns else self.weight * x.mean(), 3)


@pytest.mark.parametrize("learns", [True, False])
def test_a_rule_makes_an_operation_of_a_call(registered, learns):
    def rule(call):
        assert (call.attributes, call.outputs) == ({"steps": 3}, ((3, 6),))
        return Linear(call.name, 6, bias=False) if learns else MatMul(call.name, transpose_b=True)

    name = "springboard_tests.mixed"
    with pytest.raises(
        NetworkImportError, match=r"@workloads.register_operator\('springboard_tests.mixed'\)"
    ):
        workloads.from_torch(Mixing(learns), torch.randn(3, 4))
    registered(name, rule)
    net = workloads.from_torch(Mixing(learns), torch.randn(3, 4))
    assert (net.macs, net.parameters) == (3 * 4 * 6, 24)


def test_a_rule_must_make_what_pytorch_makes(registered):
    registered("springboard_tests.mixed", lambda call: Work(call.name, "mixed", (3, 5), 1.0))
    with pytest.raises(NetworkImportError, match=r"constants of .* \(6, 4\)"):
        workloads.from_torch(Mixing(learns=True), torch.randn(3, 4))
    with pytest.raises(
        NetworkImportError, match=r"its rule makes \(\(3, 5\),\), PyTorch makes \(\(3, 6\),\)"
    ):
        workloads.from_torch(Mixing(learns=False), torch.randn(3, 4))
