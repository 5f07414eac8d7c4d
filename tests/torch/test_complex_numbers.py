"""Complex numbers: their products are four real ones, whichever way they are written."""

import pytest
import torch

import workloads
from tests.torch.modules import Function
from workloads import NetworkImportError


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.cfloat)


ACTIVATIONS = {
    "matmul": (lambda self, a, b: a @ b, (2, 3, 4), (2, 4, 5), 4 * 120),
    "one matrix": (lambda self, a, b: a @ b, (2, 3, 4), (4, 5), 4 * 120),
    "adjoint": (lambda self, a, b: a @ b.mH, (3, 4), (5, 4), 4 * 60),
    "conjugate": (lambda self, a, b: a @ b.conj().T, (3, 4), (5, 4), 4 * 60),
    "vector": (lambda self, a, b: torch.mv(a, b), (3, 4), (4,), 4 * 12),
    "inner": (lambda self, a, b: torch.vdot(a, b), (4,), (4,), 4 * 4),
    "axes": (lambda self, a, b: torch.einsum("bix,iox->box", a, b), (2, 4, 5), (4, 6, 5), 4 * 240),
}


@pytest.mark.parametrize("spelling", list(ACTIVATIONS))
def test_products_of_activations(spelling):
    function, first, second, macs = ACTIVATIONS[spelling]
    inputs = numbers(*first), numbers(*second)
    net = workloads.from_torch(Function(function), inputs)
    assert net.macs == macs
    assert net.graph.tensors[net.graph.outputs[0]].shape == tuple(function(None, *inputs).shape)


@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 3, 8)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_layers(shape, bias):
    layer = torch.nn.Linear(8, 4, bias=bias, dtype=torch.cfloat)
    net = workloads.from_torch(layer, numbers(*shape))
    assert net.macs == 4 * 4 * numbers(*shape).numel()
    assert net.parameters == sum(p.numel() for p in layer.parameters())  # one a complex number, as PyTorch


def test_a_matrix_is_kept_as_the_real_one_that_does_the_same():
    matrix, x = numbers(6, 5), numbers(3, 6)
    matrix[2] = 0
    net = workloads.from_torch(Function(lambda self, x: x @ self.w, w=matrix), x)
    weight = net.weight("matmul")
    pairs = torch.view_as_real(x).flatten(-2)
    made = (pairs @ torch.as_tensor(weight.values).T).unflatten(-1, (5, 2))
    torch.testing.assert_close(torch.view_as_complex(made.contiguous()), x @ matrix)
    assert weight.density == pytest.approx(5 / 6)


def test_a_spectral_convolution():
    """Li et al., "Fourier neural operator", ICLR 2021: a complex matrix a frequency."""

    def forward(self, x):
        return torch.fft.irfft(torch.einsum("bix,iox->box", torch.fft.rfft(x), self.w), n=8)

    net = workloads.from_torch(
        Function(forward, w=torch.nn.Parameter(numbers(4, 6, 5))), torch.randn(2, 4, 8)
    )
    assert (net.macs, net.parameters) == (4 * 2 * 4 * 6 * 5, 120)


def test_elements_cost_what_their_parts_do():
    def ops(function, *inputs):
        return workloads.from_torch(Function(function), inputs).table().vector_ops.sum()

    a, b = numbers(3, 5), numbers(3, 5)
    assert ops(lambda self, a, b: a * b, a, b) == 6 * 15  # four products, two sums
    assert ops(lambda self, a, b: a + b, a, b) == 2 * 15
    assert ops(lambda self, a: a * 2.0, a) == 2 * 15
    assert ops(lambda self, a, b: a.real + b.imag, a, b) == 15


def test_complex_convolutions_are_refused_in_one_line():
    layer = torch.nn.Conv2d(2, 3, 3, dtype=torch.cfloat)
    with pytest.raises(NetworkImportError, match="write it as four real convolutions"):
        workloads.from_torch(layer, numbers(1, 2, 5, 5))
