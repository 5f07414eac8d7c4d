"""Training in an arithmetic: against plain PyTorch where it is exact, against the datapath bit for bit."""

import copy

import numpy as np
import pytest
import torch

import dse
import hwmodels
import workloads
from dse.joint.accuracy import Measured
from dse.joint.machine_trainer import machine_trainer
from hwmodels import formats, rounding
from hwmodels.arithmetic import FixedArithmetic, FormatArithmetic, arithmetic_of
from hwmodels.rounding import FixedPoint
from workloads.learning.data import load_data
from workloads.learning.fitting import Training, fit
from workloads.learning.precision import InArithmetic, fit_in
from workloads.spaces.builders import convolutional, perceptron

DIGITS = load_data("digits")
CNN = convolutional(resolution=8, stages=2, width=(6, 12), block="residual", hidden=8)


class Real:
    """Exact but for float: what plain PyTorch computes."""

    def product(self, a, b):
        return a @ b

    def store(self, x):
        return x


def gradients(module, x, labels):
    module.zero_grad()
    loss = torch.nn.functional.cross_entropy(module(x), labels)
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in module.parameters()]


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.Sequential(
            torch.nn.Conv2d(2, 6, 3, stride=2, padding=1, groups=2),
            torch.nn.Flatten(),
            torch.nn.Linear(54, 4),
        ),
        torch.nn.Sequential(
            torch.nn.Conv2d(2, 4, (1, 3), padding=(0, 2), dilation=(1, 2), bias=False),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(4, 4),
        ),
    ],
)
def test_real_arithmetic_is_plain_training(module):
    module = module.double()
    x, labels = torch.rand(3, 2, 5, 5, dtype=torch.float64), torch.tensor([0, 3, 1])
    loss, plain = gradients(module, x, labels)
    with InArithmetic(Real()):
        again, carried = gradients(module, x, labels)
    torch.testing.assert_close(again, loss)
    for one, other in zip(carried, plain, strict=True):
        torch.testing.assert_close(one, other)


def test_a_linear_layer_is_the_datapath_bit_for_bit():
    form = FixedPoint(4, 10)
    arithmetic = FixedArithmetic(form, "nearest", 16)
    layer = torch.nn.Linear(40, 7, bias=False)
    x = 3 * torch.randn(5, 40)
    with InArithmetic(arithmetic):
        made = layer(x)
    words = [
        np.ldexp(rounding.quantize(value, 4, 10, "nearest"), 10).astype(np.int64)
        for value in (x.double().numpy(), layer.weight.detach().double().numpy().T)
    ]
    wanted = rounding.matmul_words(words[0], words[1], form, "nearest", round_each=16)
    np.testing.assert_array_equal(made.detach().double().numpy(), np.ldexp(wanted.astype(float), -10))


def test_what_is_trained_is_words_and_seeds_repeat():
    form = FixedPoint(4, 8)
    made = []
    for _ in range(2):
        module = workloads.to_module(CNN, seed=1)
        fitted = fit_in(module, DIGITS.fewer(100), FixedArithmetic(form, seed=3), Training(epochs=1))
        made.append((module, fitted))
    for parameter in made[0][0].parameters():
        words = parameter.detach().double().numpy() * 2**8
        assert (words == np.round(words)).all()
        assert (words >= form.low).all() and (words <= form.high).all()  # noqa: PT018
    assert made[0][1] == made[1][1]


def test_a_cnn_with_batch_norm_learns_in_4_16_and_stochastic_rounding_saves_4_8():
    network = convolutional(resolution=8, stages=2, width=(6, 12))
    training = Training(epochs=6, batch=32, learning_rate=0.02)
    real = fit(workloads.to_module(network), DIGITS, training).test.accuracy

    def learnt(fl, mode):
        module = workloads.to_module(network)
        return fit_in(module, DIGITS, FixedArithmetic(FixedPoint(4, fl), mode), training).test.accuracy

    assert real > 0.85
    assert abs(learnt(16, "stochastic") - real) < 0.03
    assert learnt(8, "stochastic") > learnt(8, "nearest") + 0.3


def test_a_machines_arithmetic_is_read_off_its_datapath():
    assert arithmetic_of(hwmodels.load("spring")) == FixedArithmetic(FixedPoint(4, 16), "stochastic", 16)
    whole = hwmodels.load("spring").replace({"datapath.rounds": "output", "datapath.rounding": "none"})
    assert arithmetic_of(whole) == FixedArithmetic(FixedPoint(4, 16), "truncate", None)
    with pytest.raises(ValueError, match=r"needs words of one width and 0 < datapath.fraction_bits"):
        arithmetic_of(hwmodels.load("edge_16x16"))
    with pytest.raises(ValueError, match="no datapath, whose arithmetic"):
        arithmetic_of(object())


def test_narrow_formats_train_by_rounded_operands_and_wider_results():
    a, b = np.random.default_rng(0).standard_normal((2, 3, 40))
    arithmetic = FormatArithmetic("mxfp4", stored="bf16")
    left = np.stack([formats.quantize(row, "mxfp4") for row in a])
    right = np.stack([formats.quantize(row, "mxfp4") for row in b])
    np.testing.assert_allclose(arithmetic.product(a, np.ascontiguousarray(b.T)), left @ right.T)
    network = convolutional(resolution=8, stages=2, width=(6, 12))
    training = Training(epochs=3, batch=32, learning_rate=0.02)
    right = {
        form: fit_in(workloads.to_module(network), DIGITS, FormatArithmetic(form), training).test.accuracy
        for form in ("mxfp8_e4m3", "mxfp4")
    }
    real = fit(workloads.to_module(network), DIGITS, training).test.accuracy
    assert abs(right["mxfp8_e4m3"] - real) < 0.15
    assert right["mxfp8_e4m3"] > right["mxfp4"]
    assert arithmetic_of(hwmodels.load("gtx_1080_ti")) == FormatArithmetic("fp32", "truncate")
    with pytest.raises(KeyError, match="mxfp5"):
        FormatArithmetic("mxfp5")


def test_bits_and_rounding_are_axes_of_one_front():
    words = [
        {
            "datapath.weight_bits": 4 + fl, "datapath.input_bits": 4 + fl, "datapath.output_bits": 4 + fl,
            "datapath.fraction_bits": fl,
        }
        for fl in (6, 12)
    ]  # fmt: skip
    space = dse.Space("spring", {"words": words, "clock_hz": ["350 MHz", "700 MHz"]})
    measured = Measured(machine_trainer(DIGITS.fewer(200), epochs=2, learning_rate=0.02))
    found = dse.sweep(
        [perceptron(features=64, depth=1, width=(16,))], space, accuracy=measured, progress=False
    )
    assert measured.calls == 2  # two clocks do not train twice
    by_bits = found.frame.groupby("datapath.fraction_bits")["accuracy"].first()
    assert by_bits[12] > by_bits[6]
    energy = found.frame.groupby("datapath.fraction_bits")["energy_j"].min()
    assert energy[6] < energy[12]
    front = found.front(["-accuracy", "energy_j", "area_mm2"])
    assert set(front.frame["datapath.fraction_bits"]) == {6, 12}
    assert front.plot() is not None


def test_bad_input_is_named():
    with pytest.raises(workloads.WorkloadError, match="3 and 3 dimensions"), InArithmetic(Real()):
        torch.matmul(torch.rand(2, 2, 2), torch.rand(2, 2, 2))
    with pytest.raises(workloads.WorkloadError, match="padding must be numbers"), InArithmetic(Real()):
        torch.nn.functional.conv2d(torch.rand(1, 1, 3, 3), torch.rand(1, 1, 3, 3), padding="same")


def test_an_arithmetic_ends_with_its_block():
    layer = torch.nn.Linear(4, 4)
    x = torch.rand(2, 4)
    plain = copy.deepcopy(layer)(x)
    with InArithmetic(FixedArithmetic(FixedPoint(4, 2))):
        rounded = layer(x)
    assert not torch.equal(rounded, plain)
    assert torch.equal(layer(x), plain)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FixedPoint("a", 4), "FixedPoint.il must be an integer of at least 1, got 'a'"),
        (lambda: FixedPoint(4, 4.0), "FixedPoint.fl must be an integer of at least 0, got 4.0"),
        (lambda: FixedPoint(None, 4), "FixedPoint.il must be an integer of at least 1, got None"),
        (lambda: FixedArithmetic(mode="up"), "mode must be one of truncate, nearest, stochastic, got 'up'"),
        (lambda: FixedArithmetic(mode=[]), "mode must be one of"),
        (lambda: FixedArithmetic((4, 16)), "FixedArithmetic: form must be a FixedPoint, got"),
        (
            lambda: FixedArithmetic(round_each=0),
            "round_each must be a whole number of at least 1 or None, got 0",
        ),
        (lambda: FixedArithmetic(seed="a"), "FixedArithmetic: seed must be a whole number, got 'a'"),
        (lambda: FormatArithmetic(mode="up"), "mode must be one of"),
        (lambda: FormatArithmetic(8), "FormatArithmetic: form must be a text, got 8"),
    ],
)
def test_an_arithmetic_that_there_is_not_is_refused_when_it_is_made(make, said):
    with pytest.raises(ValueError, match=said):
        make()
