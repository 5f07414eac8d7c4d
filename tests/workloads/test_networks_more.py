"""Parameters and multiply-accumulates of the built-in networks: what their papers and libraries print.

MACs are those of convolutions and matrix products only, padding included. Parameters are what is trained:
batch norms count scale and shift, not their running mean and variance, which Keras's totals have too.
"""

from time import process_time
from typing import NamedTuple

import pytest

import hwmodels
import workloads
from workloads.operations import BatchNorm
from workloads.table import deduplicate


class Printed(NamedTuple):
    name: str
    parameters: int
    macs: float
    within: float  # half of the last digit printed, or more with a reason
    source: str


TORCHVISION = "torchvision 0.28 weights' meta: num_params, _ops (in billions of MACs)"
CNNS = [
    Printed("densenet121", 7_978_856, 2.834e9, 0.0005e9, TORCHVISION),
    Printed("efficientnet_b0", 5_288_548, 0.386e9, 0.0005e9, TORCHVISION),
    Printed("shufflenet_v2", 2_278_604, 0.145e9, 0.0005e9, TORCHVISION),
    Printed("squeezenet1_0", 1_248_424, 0.819e9, 0.0005e9, TORCHVISION),
    Printed("squeezenet1_1", 1_235_496, 0.349e9, 0.0005e9, TORCHVISION),
    # torchvision counts the auxiliary classifier's parameters (tested below) but runs without it.
    Printed("inception_v3", 23_834_568, 5.713e9, 0.0005e9, f"{TORCHVISION}; without auxiliary classifier"),
    # Zoph et al., CVPR 2018, Table 2 prints 55.8 M and 13.2 B.
    Printed(
        "inception_resnet_v2", 55_843_464, 13.2e9, 0.05e9, "timm inception_resnet_v2; Zoph et al., Table 2"
    ),
    # Total of Keras is 5,326,716, with 36,738 statistics.
    Printed("nasnet_mobile", 5_326_716 - 36_738, 564e6, 0.5e6, "Keras NASNetMobile; Zoph et al., Table 3"),
    # The paper counts 0.2 % (mobile: 0.1 %) more than the convolutions and the classifier make.
    Printed(
        "pnasnet_large", 86_057_668, 25.0e9, 0.07e9, "timm pnasnet5large; Liu et al., ECCV 2018, Table 5"
    ),
    # Total of Keras is 60,380,648, with 143,744 statistics. The profiler's FLOPs have biases and pools too.
    Printed(
        "resnet152_v2",
        60_380_648 - 143_744,
        21.826e9 / 2,
        0.01e9,
        "Keras ResNet152V2; google-research/receptive_field, table of FLOPs, resnet_v2_152/block4 at 224",
    ),
]
PRINTED = CNNS


@pytest.mark.published
@pytest.mark.parametrize("printed", PRINTED, ids=lambda row: row.name)
def test_counts_are_those_printed(printed: Printed) -> None:
    net = workloads.load(printed.name)
    assert net.parameters == printed.parameters
    assert net.macs == pytest.approx(printed.macs, abs=printed.within)


@pytest.mark.published
def test_pnasnet_mobile_is_within_the_digits_of_its_paper() -> None:
    # Liu et al., ECCV 2018, Table 5: 5.1 M parameters, 588 M multiply-adds (see pnasnet_large).
    net = workloads.load("pnasnet_mobile")
    assert net.parameters == pytest.approx(5.1e6, abs=0.05e6)
    assert net.macs == pytest.approx(588e6, abs=1e6)


@pytest.mark.published
def test_inception_v3_with_its_auxiliary_classifier() -> None:
    from workloads.networks.inception import inception_v3

    assert inception_v3(auxiliary=True).parameters == 27_161_264  # torchvision, inception_v3


@pytest.mark.published
@pytest.mark.parametrize(("name", "total"), [("nasnet_mobile", 5_326_716), ("resnet152_v2", 60_380_648)])
def test_totals_of_keras_are_ours_and_two_statistics_a_normalised_channel(name: str, total: int) -> None:
    net = workloads.load(name)
    norms = [operation for operation in net.operations if isinstance(operation, BatchNorm)]
    channels = sum(net.weight(norm.name, "scale").size for norm in norms)
    assert net.parameters + 2 * channels == total


MINE = sorted({row.name for row in PRINTED} | {"pnasnet_mobile"})


@pytest.mark.parametrize("name", MINE)
def test_every_network_is_built_fast_and_evaluates(name: str) -> None:
    start = process_time()
    net = workloads.load(name)
    table = net.table()
    assert process_time() - start < 1.0
    metrics = hwmodels.evaluate(deduplicate(table)[0], hwmodels.pack(hwmodels.load("edge_32x32")))
    assert metrics.feasible[0] or metrics.limit[0] > 0
    if metrics.feasible[0]:
        assert metrics.macs[0] == net.macs


@pytest.mark.parametrize("name", MINE)
def test_a_bigger_batch_does_more_work_with_the_same_weights(name: str) -> None:
    one, three = workloads.load(name), workloads.load(name, batch=3)
    assert three.macs == 3 * one.macs
    assert three.parameters == one.parameters
    assert one.table(batch=3).macs.sum() == three.macs
