"""SPRING's <4, 16> against float: a CNN with batch norm on digits."""

from hwmodels.arithmetic import FixedArithmetic
from hwmodels.rounding import FixedPoint
from tests.benchmarks.codesign.keeping import Numbers
from workloads import to_module
from workloads.learning import fitting
from workloads.learning import precision as training
from workloads.learning.data import load_data
from workloads.learning.fitting import Training, fit
from workloads.learning.precision import fit_in
from workloads.spaces.builders import convolutional

MODES = ("stochastic", "nearest")
CODE = (fitting, training)


def rounded(seed: int) -> Numbers:
    """Train in float and in either rounding."""
    network = convolutional(resolution=8, stages=2, width=(8, 16))
    data = load_data("digits", seed=seed)
    how = Training(epochs=12, batch=32, learning_rate=0.01, seed=seed)
    numbers = {"float": 100 * fit(to_module(network, seed=seed), data, how).test.accuracy}
    for mode in MODES:
        arithmetic = FixedArithmetic(FixedPoint(4, 16), mode, seed=seed)
        found = fit_in(to_module(network, seed=seed), data, arithmetic, how)
        numbers[mode] = 100 * found.test.accuracy
    return numbers
