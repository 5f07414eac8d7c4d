"""Built-in networks: parameters and MACs equal to published counts; each row names where they are printed."""

import pytest

import workloads

# Parameters and MACs exactly, then what the source prints in its unit.
#
# torchvision: "num_params" and "GFLOPS" of the model's default weights in its documentation (its GFLOPS are
#   multiply-accumulates in billions).
# Han: Han et al., "Learning both weights and connections", NeurIPS 2015, Tables 3 and 4 (FLOP are 2 MAC).
# Howard: arXiv 1704.04861, Table 4; 4,231,976 is Keras's count, batch norm's scale and shift in it.
# STR: RAIVNLab/STR, ResNet-50 budgets: 4,089,284,608 with the average pool's 2048 x 49 additions.
PUBLISHED = {
    "lenet_300_100": (266_610, 266_200, 266.0, 1e3, "Han, Table 3: 266K weights, 532K FLOP"),
    "lenet5": (431_080, 2_293_000, 2293.0, 1e3, "Han, Table 4: 431K weights, 4586K FLOP"),
    "alexnet": (61_100_840, 714_188_480, 0.71, 1e9, "torchvision alexnet"),
    "vgg16": (138_357_544, 15_470_264_320, 15.47, 1e9, "torchvision vgg16"),
    "vgg19": (143_667_240, 19_632_062_464, 19.63, 1e9, "torchvision vgg19"),
    "resnet18": (11_689_512, 1_814_073_344, 1.81, 1e9, "torchvision resnet18"),
    "resnet50": (25_557_032, 4_089_284_608 - 2048 * 49, 4.09, 1e9, "torchvision resnet50; STR"),
    "resnet152": (60_192_808, 11_513_626_624, 11.51, 1e9, "torchvision resnet152"),
    "mobilenet_v1": (4_231_976, 568_740_352, 569.0, 1e6, "Howard, Table 4: 569 million mult-adds"),
    "mobilenet_v2": (3_504_872, 300_774_272, 0.3, 1e9, "torchvision mobilenet_v2"),
}


@pytest.mark.published
@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name):
    parameters, macs, printed, unit, _ = PUBLISHED[name]
    net = workloads.load(name)
    assert net.parameters == net.nonzero_parameters == parameters
    assert net.macs == net.effectual_macs == macs
    digits = len(str(printed).partition(".")[2].rstrip("0"))
    assert abs(net.macs / unit - printed) <= 10**-digits  # sources cut or round the last digit


# He et al., CVPR 2016, Table 1; Howard, Table 1; Sandler et al., CVPR 2018, Table 2; Simonyan, Table 1.
SHAPES = {
    ("resnet50", "layer1.2.relu"): (1, 256, 56, 56),
    ("resnet50", "layer2.3.relu"): (1, 512, 28, 28),
    ("resnet50", "layer3.5.relu"): (1, 1024, 14, 14),
    ("resnet50", "layer4.2.relu"): (1, 2048, 7, 7),
    ("resnet152", "layer3.35.relu"): (1, 1024, 14, 14),
    ("resnet18", "layer4.1.relu"): (1, 512, 7, 7),
    ("mobilenet_v1", "conv14.pw.relu"): (1, 1024, 7, 7),
    ("mobilenet_v2", "block16.project.bn"): (1, 320, 7, 7),
    ("vgg16", "pool5"): (1, 512, 7, 7),
    ("alexnet", "pool5"): (1, 256, 6, 6),
}


@pytest.mark.published
@pytest.mark.parametrize(("name", "tensor"), SHAPES)
def test_stages_have_the_papers_shapes(name, tensor):
    assert workloads.load(name).graph.tensors[tensor].shape == SHAPES[name, tensor]


def kinds(net):
    return [operation.kind for operation in net.operations]


@pytest.mark.parametrize(
    ("name", "convolutions", "linear"),
    [
        ("lenet_300_100", 0, 3),
        ("lenet5", 2, 2),
        ("alexnet", 5, 3),
        ("vgg16", 13, 3),
        ("vgg19", 16, 3),
        ("resnet18", 20, 1),
        ("resnet50", 53, 1),
        ("resnet152", 155, 1),
        ("mobilenet_v1", 27, 1),
        ("mobilenet_v2", 52, 1),
    ],
)
def test_layer_counts(name, convolutions, linear):
    net = workloads.load(name)
    assert kinds(net).count("convolution") == convolutions
    assert kinds(net).count("linear") == linear


def test_every_network_loads_lowers_and_cites():
    for name in workloads.names():
        net = workloads.load(name)
        assert net.name == name
        assert net.source
        assert net.table().rows == len(net.row_names) >= len(net.operations)


def test_batches_multiply():
    net = workloads.load("resnet18", batch=4)
    assert net.macs == 4 * 1_814_073_344
    assert net.parameters == 11_689_512
    assert net.table(1).macs.sum() == 1_814_073_344


def test_unknown_names_get_the_nearest():
    for kind in (workloads.UnknownNetworkError, KeyError, ValueError):
        with pytest.raises(kind) as caught:
            workloads.load("resnet5")
        assert str(caught.value).startswith("unknown network 'resnet5'; nearest: resnet50, ")
    with pytest.raises(KeyError, match="there are: alexnet, "):
        workloads.load("zzz")
