"""Parameters and multiply-accumulates of the built-in networks: what their papers and libraries print.

MACs are those of convolutions and matrix products only, padding included. Parameters are what is trained:
batch norms count scale and shift, not their running mean and variance, which Keras's totals have too.
"""

from importlib import import_module
from typing import NamedTuple

import pytest

import hwmodels
import workloads
from workloads.operations import BatchNorm
from workloads.table import deduplicate


class Printed(NamedTuple):
    """Counts digit by digit as printed, so that the last digit says how far off we may be."""

    name: str
    parameters: str
    macs: str
    source: str
    slack: float = 0.0  # fraction of the printed MACs that we may be off besides; each use has its reason


TORCHVISION = "torchvision 0.28, meta of the weights: num_params, _ops (in billions of MACs)"
CNNS = [
    Printed("densenet121", "7978856", "2.834G", TORCHVISION),
    Printed("efficientnet_b0", "5288548", "0.386G", TORCHVISION),
    Printed("shufflenet_v2", "2278604", "0.145G", TORCHVISION),
    Printed("squeezenet1_0", "1248424", "0.819G", TORCHVISION),
    Printed("squeezenet1_1", "1235496", "0.349G", TORCHVISION),
    # torchvision has the auxiliary classifier's parameters in num_params (tested below) but runs without it.
    Printed("inception_v3", "23834568", "5.713G", TORCHVISION),
    Printed(
        "inception_resnet_v2", "55843464", "13.2G", "timm; Zoph et al., CVPR 2018, Table 2 (55.8 M, 13.2 B)"
    ),
    # Keras's total is 5,326,716, with 36,738 statistics.
    Printed("nasnet_mobile", "5289978", "564M", "Keras NASNetMobile; Zoph et al., CVPR 2018, Table 3"),
    # The paper has 0.2 % (mobile: 0.1 %) more MACs than the convolutions and the classifier make. The
    # structure is the paper's: the large network's parameters are exact.
    Printed(
        "pnasnet_large", "86057668", "25.0G", "timm pnasnet5large; Liu et al., ECCV 2018, Table 5", 0.001
    ),
    Printed("pnasnet_mobile", "5.1M", "588M", "Liu et al., ECCV 2018, Table 5", 0.001),
    # Keras's total is 60,380,648, with 143,744 statistics. The profiler's 21.826 GFLOP have biases and
    # pools too, which is 0.1 %.
    Printed(
        "resnet152_v2",
        "60236904",
        "10.913G",
        "Keras ResNet152V2; google-research/receptive_field, table of FLOPs, resnet_v2_152/block4",
        0.001,
    ),
]
KUANGLIU = "github kuangliu/pytorch-cifar, ResNet18; Kundu et al., IEEE TC 2020 (0.56 G)"
CIFAR = [
    Printed(
        "resnet20_cifar10", "0.27M", "40.6M", "He et al., CVPR 2016, Table 6; HALOC, AAAI 2023 (40.55 M)"
    ),
    Printed(
        "resnet56_cifar10", "0.85M", "125M", "He et al., CVPR 2016, Table 6; Li et al., ICLR 2017, Table 1"
    ),
    Printed(
        "resnet110_cifar10", "1.7M", "253M", "He et al., CVPR 2016, Table 6; Li et al., ICLR 2017, Table 1"
    ),
    Printed("resnet18_cifar10", "11173962", "0.56G", KUANGLIU),
    Printed("vgg16_cifar10", "15M", "313M", "Li et al., ICLR 2017, Table 1"),
    Printed("vgg19_cifar10", "20.04M", "398M", "Liu et al., ICCV 2017, Table 1 (7.97e8 FLOPs, two a MAC)"),
    Printed("vgg19_cifar100", "20.08M", "398M", "Liu et al., ICCV 2017, Table 1 (7.97e8 FLOPs, two a MAC)"),
]
TRANSFORMERS = [
    Printed("vit_b16", "86567656", "17.564G", TORCHVISION),
    # 22.5 B FLOPs of sequences of 128, two a MAC; softmax, norms and GELU among them.
    Printed(
        "bert_base",
        "109482240",
        "11.25G",
        "Sun et al., MobileBERT, ACL 2020, Table 4; bert-base-uncased",
        0.007,
    ),
]
MERITY = "Merity, Keskar, Socher, ICLR 2018, Table 1; MACs: 35 steps of the products of Zaremba et al., 2014"
RECURRENT = [
    Printed("ptb_lstm_medium", "20M", "464.1M", MERITY),
    Printed("ptb_lstm_large", "66M", "1785.0M", MERITY),
]
PRINTED = [*CNNS, *CIFAR, *TRANSFORMERS, *RECURRENT]
# Features and classes: Hassantabar et al., SCANN, arXiv 1904.09090, Table of data sets.
SCANN = {
    "mlp_sendrive": (48, 11),
    "mlp_har": (561, 6),
    "mlp_musk": (166, 2),
    "mlp_pen": (16, 10),
    "mlp_landsat": (36, 6),
    "mlp_letter": (16, 26),
    "mlp_seizure": (178, 2),
    "mlp_shar": (561, 12),
    "mlp_dna": (180, 3),
}
UNPRINTED = [  # or tested apart
    *("deeplab_v3_resnet50", "faster_rcnn_resnet50", "vgg16_cifar100", "wide_deep"),
    *("diabnn_server", "googlenet", "secret", *SCANN),
    *("gpt2_prefill", "gpt2_decode", "llama_1b_prefill", "llama_1b_decode"),
    *("deepspeech2", "diabnn_edge", "neuraltalk_lstm"),
]
EVERY = sorted([*(row.name for row in PRINTED), *UNPRINTED])


def as_printed(text: str) -> tuple[float, float]:
    """Return a printed number and half a unit of its last digit; an integer is exact."""
    unit = {"M": 1e6, "G": 1e9}.get(text[-1])
    if unit is None:
        return float(text), 0.0
    _, _, decimals = text[:-1].partition(".")
    return float(text[:-1]) * unit, 0.5 * unit / 10 ** len(decimals)


def normalised_channels(net: workloads.Network) -> int:
    norms = [operation for operation in net.operations if isinstance(operation, BatchNorm)]
    return sum(net.weight(norm.name, "scale").size for norm in norms)


@pytest.mark.published
@pytest.mark.parametrize("printed", PRINTED, ids=lambda row: row.name)
def test_counts_are_those_printed(printed: Printed) -> None:
    net = workloads.load(printed.name)
    for ours, text, slack in (
        (net.parameters, printed.parameters, 0.0),
        (net.macs, printed.macs, printed.slack),
    ):
        value, within = as_printed(text)
        assert ours == pytest.approx(value, abs=within + slack * value, rel=0), printed.source


@pytest.mark.published
def test_inception_v3_with_its_auxiliary_classifier() -> None:
    from workloads.networks.inception import inception_v3

    assert inception_v3(auxiliary=True).parameters == 27_161_264  # torchvision, inception_v3


# Szegedy et al., CVPR 2015, Table 1, column "ops", in millions. Two rows are not what their own filters
# give and are left out: 34 (not 118) of the first convolution, 54 (not 51) of inception (5a).
GOOGLENET_MMACS = {
    "conv2": 360,
    "inception_3a": 128,
    "inception_3b": 304,
    "inception_4a": 73,
    "inception_4b": 88,
    "inception_4c": 100,
    "inception_4d": 119,
    "inception_4e": 170,
    "inception_5b": 71,
    "loss3": 1,
}


@pytest.mark.published
@pytest.mark.parametrize("module", GOOGLENET_MMACS)
def test_modules_of_googlenet_do_the_operations_printed(module: str) -> None:
    net = workloads.load("googlenet")
    rows = net.lowering().rows
    macs = sum(
        row.macs for name, row in zip(net.row_names, rows, strict=True) if name.startswith(f"{module}.")
    )
    assert macs / 1e6 == pytest.approx(GOOGLENET_MMACS[module], abs=1)  # the paper cuts some digits off


@pytest.mark.published
def test_googlenet_has_the_parameters_of_its_model_in_caffe() -> None:
    assert workloads.load("googlenet").parameters == 6_998_552  # also onnx's light_inception_v1


@pytest.mark.published
def test_deeplab_v3_with_its_auxiliary_classifier() -> None:
    from workloads.networks.deeplab import deeplab_v3_resnet50

    net = deeplab_v3_resnet50(auxiliary=True)  # torchvision, deeplabv3_resnet50: 42004074, 178.722
    assert net.parameters == 42_004_074
    assert net.macs == pytest.approx(178.722e9, abs=0.0005e9)


@pytest.mark.published
def test_faster_rcnn_but_for_the_norms_that_torchvision_freezes() -> None:
    net = workloads.load("faster_rcnn_resnet50")  # torchvision, fasterrcnn_resnet50_fpn: 41755286, 134.38
    assert net.parameters - normalised_channels(net) * 2 == 41_755_286
    assert net.macs == pytest.approx(134.38e9, abs=0.005e9)


def test_faster_rcnn_looks_at_as_many_boxes_as_are_asked_for() -> None:
    from workloads.networks.faster_rcnn import faster_rcnn_resnet50

    few, many = faster_rcnn_resnet50(proposals=100), faster_rcnn_resnet50(proposals=1000)
    a_box = 256 * 7 * 7 * 1024 + 1024 * 1024 + 1024 * 91 * 5  # two linear layers, 91 scores and 91 boxes
    assert many.macs - few.macs == 900 * a_box
    assert many.parameters == few.parameters
    for bad in (0, 4508):
        with pytest.raises(workloads.WorkloadError, match=rf"proposals must be in 1 .. 4507, got {bad}"):
            faster_rcnn_resnet50(proposals=bad)


def test_roi_align_names_the_level_that_does_not_fit() -> None:
    from workloads.operations import RoiAlign

    graph = workloads.Graph("pyramid")
    fine, coarse = graph.input("fine", (1, 8, 32, 32)), graph.input("coarse", (1, 4, 16, 16))
    boxes = graph.input("boxes", (1, 5, 4))
    with pytest.raises(
        workloads.ShapeError, match=r"roialign 'align': level 1 is of 1 images and 4 channels"
    ):
        graph.add(RoiAlign("align", 7), fine, coarse, boxes)
    aligned = graph.add(RoiAlign("align", 7), fine, boxes)
    assert graph.tensors[aligned].shape == (5, 8, 7, 7)


def test_wide_and_deep_is_as_wide_as_its_paper_says() -> None:
    net = workloads.load(
        "wide_deep"
    )  # Cheng et al., DLRS 2016, section 4.2: about 1,200 dimensions, Figure 4
    assert net.macs == 1200 * 1024 + 1024 * 512 + 512 * 256 + 256


@pytest.mark.parametrize("name", SCANN)
def test_perceptrons_go_from_the_features_to_the_classes_of_their_data_set(name: str) -> None:
    features, classes = SCANN[name]
    net = workloads.load(name, batch=7)
    (entering,) = net.graph.inputs()
    assert entering.shape == (7, features)
    assert net.graph.tensors[net.graph.outputs[0]].shape == (7, classes)
    hidden = 256, 128  # ours
    assert net.macs == 7 * (features * hidden[0] + hidden[0] * hidden[1] + hidden[1] * classes)


def test_secret_has_two_branches_and_counts_no_label_embedding_as_a_parameter() -> None:
    net = workloads.load("secret")
    branch = 561 * 256 + 256 + 256 * 128 + 128
    assert net.parameters == 2 * branch + (128 + 1) * 6 + (128 + 1) * 300
    assert net.graph.node("combined").inputs == ("feature.softmax", "semantic.softmax")


def test_diabnn_is_sparse_by_assumption() -> None:
    net = workloads.load("diabnn_server")
    weights = [net.weight(name) for name in ("fc1", "fc2", "fc3", "fc4")]
    assert {weight.known for weight in weights} == {"assumed"}
    assert net.effectual_macs == sum(weight.nonzeros for weight in weights)
    assert net.effectual_macs == pytest.approx(0.1 * net.macs, abs=2)  # each layer's count is rounded


class Decoder(NamedTuple):
    parameters: int
    layers: int
    width: int
    key_width: int
    projections: int  # weights of a layer
    words: int


DECODERS = {
    # Radford et al., 2019; parameters of the released "124M" weights.
    "gpt2": Decoder(124_439_808, 12, 768, 768, 12 * 768**2, 50257),
    # Model card of Llama 3.2 1B: 1.23 B; 2 * 2048 x 2048, 2 * 2048 x 512, 3 * 2048 x 8192 weights a layer.
    "llama_1b": Decoder(1_235_814_400, 16, 2048, 512, 2 * 2048**2 + 2 * 2048 * 512 + 3 * 2048 * 8192, 128256),
}


@pytest.mark.published
@pytest.mark.parametrize("family", DECODERS)
def test_decoders_have_the_parameters_of_their_released_weights(family: str) -> None:
    for phase in ("prefill", "decode"):
        assert workloads.load(f"{family}_{phase}").parameters == DECODERS[family].parameters


@pytest.mark.parametrize("tokens", [1, 2, 77, 1024])
@pytest.mark.parametrize("family", DECODERS)
def test_reading_and_writing_are_the_products_of_the_textbook(family: str, tokens: int) -> None:
    module = import_module(f"workloads.networks.{family.partition('_')[0]}")
    _, layers, width, key_width, projections, words = DECODERS[family]
    read = getattr(module, f"{family}_prefill")(2, tokens=tokens)
    write = getattr(module, f"{family}_decode")(2, context=tokens)
    scores = 2 * width * tokens  # a token's scores and their mix, of all heads
    assert read.macs == 2 * (layers * tokens * (projections + scores) + words * width)
    assert write.macs == 2 * (layers * (projections + scores) + words * width)
    # Keys and values are met once by all heads that share them, and once for each of the two sequences.
    held = [
        table.weight_elements[[name.endswith(("[scores]", "[values]")) for name in net.row_names]].sum()
        for net, table in ((read, read.table()), (write, write.table()))
    ]
    assert held == [2 * layers * 2 * tokens * key_width] * 2


def test_a_decoders_new_keys_and_values_leave_the_network() -> None:
    net = workloads.load("llama_1b_decode")
    assert len(net.graph.outputs) == 1 + 2 * 16
    assert {net.graph.tensors[name].shape for name in net.graph.outputs[1:]} == {(1, 1, 512)}
    caches = [tensor for tensor in net.graph.inputs() if ".cache." in tensor.name]
    assert {tensor.shape for tensor in caches} == {(1, 2048, 512)}


@pytest.mark.parametrize(
    ("module", "builder", "field", "most"),
    [
        ("bert", "bert_base", "tokens", 512),
        ("gpt2", "gpt2_prefill", "tokens", 1024),
        ("gpt2", "gpt2_decode", "context", 1024),
        ("llama", "llama_1b_prefill", "tokens", 131072),
        ("llama", "llama_1b_decode", "context", 131072),
    ],
)
@pytest.mark.parametrize("bad", [0, -1, 131073, 1.5, True])
def test_sequences_longer_than_the_positions_are_refused(
    module: str, builder: str, field: str, most: int, bad: object
) -> None:
    build = getattr(import_module(f"workloads.networks.{module}"), builder)
    with pytest.raises(
        workloads.WorkloadError, match=rf"{builder}: {field} must be an integer in 1 .. {most}, got {bad}"
    ):
        build(**{field: bad})


@pytest.mark.published
def test_neuraltalk_has_the_matrices_of_eie() -> None:
    net = workloads.load("neuraltalk_lstm")  # Han et al., EIE, ISCA 2016, Table III
    assert net.weight("we").shape == (600, 4096)
    assert net.weight("wd").shape == (8791, 600)
    roles = ("input", "recurrent", "bias")
    assert sum(net.weight("lstm", role).size for role in roles) == 1201 * 2400


@pytest.mark.parametrize(("name", "hidden"), [("ptb_lstm_medium", 650), ("ptb_lstm_large", 1500)])
def test_a_step_of_the_language_models_is_eight_square_products_a_layer_and_the_logits(
    name: str, hidden: int
) -> None:
    module = import_module("workloads.networks.lstm")
    for steps in (1, 35):
        net = getattr(module, name)(batch=2, steps=steps)
        assert net.macs == 2 * steps * (2 * 8 * hidden**2 + 10_000 * hidden)


def test_deepspeech2_has_the_parameters_of_its_modules_in_torch() -> None:
    nn = pytest.importorskip("torch.nn")
    hidden = 800
    modules = [
        *(nn.Conv2d(1, 32, (41, 11)), nn.BatchNorm2d(32), nn.Conv2d(32, 32, (21, 11)), nn.BatchNorm2d(32)),
        nn.GRU(32 * 41, hidden, bidirectional=True),
        *(nn.GRU(hidden, hidden, bidirectional=True) for _ in range(4)),
        *(nn.BatchNorm1d(hidden) for _ in range(5)),
        nn.Linear(hidden, 29, bias=False),
    ]
    net = workloads.load("deepspeech2")
    assert net.parameters == sum(p.numel() for module in modules for p in module.parameters())
    assert net.graph.tensors[net.graph.outputs[0]].shape == (250, 1, 29)


def test_diabnn_edge_is_a_sparse_h_lstm() -> None:
    net = workloads.load("diabnn_edge")
    assert (
        net.macs == 15 * 4 * 96 * (299 + 96 + 96) + 96 * 3
    )  # Dai, Yin, Jha, arXiv 1805.11797: two layers a gate
    weights = [net.weight("h_lstm", role) for role in ("input", "recurrent", "gate")]
    assert {weight.known for weight in weights} == {"assumed"}
    assert net.effectual_macs == 15 * sum(weight.nonzeros for weight in weights) + 96 * 3


def test_rotary_turns_pairs() -> None:
    from workloads.operations import Rotary

    graph = workloads.Graph("pairs")
    odd = graph.input("odd", (1, 3, 5))
    with pytest.raises(workloads.ShapeError, match=r"rotary 'turn': 5 channels"):
        graph.add(Rotary("turn"), odd)


@pytest.mark.published
@pytest.mark.parametrize(("name", "total"), [("nasnet_mobile", 5_326_716), ("resnet152_v2", 60_380_648)])
def test_totals_of_keras_are_ours_and_two_statistics_a_normalised_channel(name: str, total: int) -> None:
    net = workloads.load(name)
    assert net.parameters + 2 * normalised_channels(net) == total


@pytest.mark.parametrize(
    ("name", "rank", "weights"),
    [
        ("resnet110_cifar10", 2, 1_719_856),  # convolutions and the classifier, without norms and bias
        ("vgg16_cifar10", 4, 14_710_464),  # convolutions: Kundu et al., IEEE TC 2020
        ("vgg19_cifar100", 2, 20_070_080),
    ],
)
def test_cifar_networks_have_the_weights_that_pruning_starts_from(name: str, rank: int, weights: int) -> None:
    held = workloads.load(name).graph.weights.values()
    assert sum(w.size for w in held if w.name.endswith(".weight") and len(w.shape) >= rank) == weights


@pytest.mark.parametrize("name", EVERY)
def test_every_network_is_built_and_evaluates(name: str) -> None:
    net = workloads.load(name)
    table = net.table()
    metrics = hwmodels.evaluate(deduplicate(table)[0], hwmodels.pack(hwmodels.load("edge_32x32")))
    assert metrics.feasible[0] or metrics.limit[0] > 0
    if metrics.feasible[0]:
        assert metrics.macs[0] == net.macs


@pytest.mark.parametrize("name", EVERY)
def test_a_bigger_batch_does_more_work_with_the_same_weights(name: str) -> None:
    one, three = workloads.load(name), workloads.load(name, batch=3)
    assert three.macs == 3 * one.macs
    assert three.parameters == one.parameters
    grown = one.table(batch=3)
    assert (grown.macs * grown.repeats).sum() == three.macs
