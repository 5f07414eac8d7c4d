"""Built-in networks of other sizes: counts as printed, names that read back, refusals in one line."""

import pytest

import workloads
from workloads.networks.registry import parameters

HOWARD = "Howard et al., arXiv 1704.04861, Tables 6 and 7"
SLIM = "tensorflow/models, research/slim/nets/mobilenet/README.md, table of MobileNet-v2 checkpoints"
TORCHVISION = "torchvision 0.28, meta of the weights: num_params, _ops (in billions of MACs)"
HE = "He et al., CVPR 2016, Table 6"
HUGGING = "sizes of the released weights: bert-large-uncased, gpt2-medium, gpt2-large, gpt2-xl"

# Parameters and MACs: (value, half a unit of the last digit printed), a whole unit where the source cuts it.
PRINTED = [
    ("mobilenet_v1", {"width": 0.75}, (2.6e6, 0.05e6), (325e6, 0.5e6), HOWARD),
    ("mobilenet_v1", {"width": 0.5}, (1.3e6, 0.05e6), (149e6, 0.5e6), HOWARD),
    ("mobilenet_v1", {"width": 0.25}, (0.5e6, 0.05e6), (41e6, 0.5e6), HOWARD),
    ("mobilenet_v1", {"resolution": 192}, (4.2e6, 0.05e6), (418e6, 0.5e6), HOWARD),
    ("mobilenet_v1", {"resolution": 160}, (4.2e6, 0.05e6), (290e6, 1e6), HOWARD),
    ("mobilenet_v1", {"resolution": 128}, (4.2e6, 0.05e6), (186e6, 0.5e6), HOWARD),
    ("mobilenet_v2", {"width": 1.4}, (6.06e6, 0.06e6), (582e6, 0.5e6), SLIM),
    ("mobilenet_v2", {"width": 1.3}, (5.34e6, 0.06e6), (509e6, 0.5e6), SLIM),
    ("mobilenet_v2", {"width": 0.75}, (2.61e6, 0.06e6), (209e6, 0.5e6), SLIM),
    ("mobilenet_v2", {"width": 0.5}, (1.95e6, 0.06e6), (97e6, 0.5e6), SLIM),
    ("mobilenet_v2", {"width": 0.5, "resolution": 160}, (1.95e6, 0.06e6), (50e6, 0.5e6), SLIM),
    ("mobilenet_v2", {"width": 0.35}, (1.66e6, 0.06e6), (59e6, 0.5e6), SLIM),
    ("mobilenet_v2", {"width": 0.35, "resolution": 96}, (1.66e6, 0.06e6), (11e6, 1e6), SLIM),
    ("resnet34", {}, (21_797_672, 0), (3.664e9, 0.5e6), TORCHVISION),
    ("resnet101", {}, (44_549_160, 0), (7.801e9, 0.5e6), TORCHVISION),
    ("resnet18", {"blocks": (3, 4, 6, 3)}, (21_797_672, 0), (3.664e9, 0.5e6), TORCHVISION),
    ("resnet50", {"blocks": (3, 4, 23, 3)}, (44_549_160, 0), (7.801e9, 0.5e6), TORCHVISION),
    ("resnet50", {"inner": 2}, (68_883_240, 0), (11.398e9, 0.5e6), TORCHVISION),
    ("resnet101", {"inner": 2}, (126_886_696, 0), (22.753e9, 0.5e6), TORCHVISION),
    ("resnet50", {"inner": 2, "groups": 32}, (25_028_904, 0), (4.23e9, 0.5e6), TORCHVISION),
    ("resnet101", {"inner": 4, "groups": 32}, (88_791_336, 0), (16.414e9, 0.5e6), TORCHVISION),
    ("vgg11", {}, (132_863_336, 0), (7.609e9, 0.5e6), TORCHVISION),
    ("vgg13", {}, (133_047_848, 0), (11.308e9, 0.5e6), TORCHVISION),
    ("vgg16", {"convolutions": (1, 1, 2, 2, 2)}, (132_863_336, 0), (7.609e9, 0.5e6), TORCHVISION),
    ("vit_b16", {"patch": 32}, (88_224_232, 0), (4.409e9, 0.5e6), TORCHVISION),
    ("vit_b16", {"layers": 24, "width": 1024, "heads": 16}, (304_326_632, 0), (61.555e9, 0.5e6), TORCHVISION),
    (
        "vit_b16",
        {"layers": 24, "width": 1024, "heads": 16, "patch": 32},
        (306_535_400, 0),
        (15.378e9, 0.5e6),
        TORCHVISION,
    ),
    ("resnet20_cifar10", {"blocks": (5, 5, 5)}, (0.46e6, 0.005e6), None, HE),
    ("resnet20_cifar10", {"blocks": (7, 7, 7)}, (0.66e6, 0.005e6), None, HE),
    ("resnet20_cifar10", {"blocks": (18, 18, 18)}, (1_727_962, 0), None, HE),
    ("bert_base", {"layers": 24, "width": 1024, "heads": 16}, (335_141_888, 0), None, HUGGING),
    ("gpt2_decode", {"layers": 24, "width": 1024, "heads": 16}, (354_823_168, 0), None, HUGGING),
    ("gpt2_prefill", {"layers": 36, "width": 1280, "heads": 20}, (774_030_080, 0), None, HUGGING),
    ("gpt2_decode", {"layers": 48, "width": 1600, "heads": 25}, (1_557_611_200, 0), None, HUGGING),
]


@pytest.mark.published
@pytest.mark.parametrize(("name", "sizes", "parameters", "macs", "source"), PRINTED, ids=str)
def test_counts_of_other_sizes_are_those_printed(name, sizes, parameters, macs, source):
    net = workloads.load(name, **sizes)
    assert net.parameters == pytest.approx(parameters[0], abs=parameters[1], rel=0), source
    if macs is not None:
        assert net.macs == pytest.approx(macs[0], abs=macs[1], rel=0), source


def test_perceptrons_and_lstms_by_formula():
    net = workloads.load("mlp", features=7, hidden=[11, 5], classes=3)
    assert (net.parameters, net.macs) == (7 * 11 + 11 + 11 * 5 + 5 + 5 * 3 + 3, 7 * 11 + 11 * 5 + 5 * 3)
    assert workloads.load("mlp_har", hidden=(4,)).macs == 561 * 4 + 4 * 6
    assert workloads.load("lenet_300_100", hidden=(9, 8, 7)).macs == 784 * 9 + 9 * 8 + 8 * 7 + 7 * 10
    net = workloads.load("ptb_lstm_medium", hidden=12, layers=3, words=100, steps=5)
    assert net.parameters == 100 * 12 + 3 * 4 * (2 * 144 + 12) + 100 * 12 + 100
    assert net.macs == 5 * (3 * 4 * 2 * 144 + 100 * 12)
    assert (
        workloads.load("ptb_lstm_large", hidden=12, cell="gru", steps=1).macs == 2 * 3 * 2 * 144 + 12 * 10_000
    )


@pytest.mark.parametrize("name", workloads.names())
def test_defaults_given_are_the_network_itself(name):
    net = workloads.load(name, **parameters(name))
    assert net.name == name
    assert net == workloads.load(name)


def test_names_carry_the_sizes_and_read_back():
    net = workloads.load("resnet18", width=0.5, blocks=[1, 1, 1, 1])
    assert net.name == "resnet18(blocks=(1,1,1,1),width=0.5)"
    again = workloads.load(net.name)
    assert (again, again.name) == (net, net.name)
    assert workloads.load("resnet18( width = 0.5 )", blocks=(1, 1, 1, 1)) == net
    assert workloads.load("mobilenet_v2(width=1.0)").name == "mobilenet_v2"


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        (
            "resnet18",
            {"widht": 2},
            "network 'resnet18' has no parameter 'widht'; there are: blocks, widths, width, resolution,",
        ),
        ("lenet5", {"width": 2}, "network 'lenet5' has no parameter 'width'; there are: none"),
        ("mobilenet_v2", {"width": 0}, "mobilenet_v2: width must be a positive number, got 0"),
        ("mobilenet_v2", {"width": "half"}, "mobilenet_v2: width must be a positive number, got 'half'"),
        ("resnet50", {"blocks": (3, 4, 6)}, "resnet50: widths must be 3 integers, got (64, 128, 256, 512)"),
        ("resnet50", {"blocks": 3}, "resnet50: blocks must be integers, got 3"),
        ("resnet50", {"classes": 2.5}, "resnet50: classes must be an integer of at least 1, got 2.5"),
        ("resnet50", {"resolution": True}, "resnet50: resolution must be an integer of at least 1, got True"),
        ("vit_b16", {"patch": 15}, "vit_b16: patch must divide resolution 224, got 15"),
        ("bert_base", {"heads": 7}, "bert_base: heads must divide width 768, got 7"),
        ("vgg16", {"resolution": 16}, "maxpool 'pool5': spatial axis 0: a window of 2 does not fit 1 "),
        ("vgg16(width=0.5)", {"width": 1}, "width: given twice, in 'vgg16(width=0.5)' and beside it"),
        (
            "vgg16(width",
            {},
            "network 'vgg16(width': write sizes as in mobilenet_v2(width=0.5, resolution=160)",
        ),
        (
            "vgg16(width=a)",
            {},
            "network 'vgg16(width=a)': write sizes as in mobilenet_v2(width=0.5, resolution=160)",
        ),
        ("vgg6(width=1)", {}, "unknown network 'vgg6'; nearest: vgg16, "),
        ("resnet18", {"dims": {"n": 2}}, "dims: 'resnet18' is no file, give its sizes by name"),
        ("net.onnx", {"width": 2}, "width: 'net.onnx' is a file, only built-in networks have sizes"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(name, sizes, message):
    with pytest.raises(workloads.WorkloadError) as caught:
        workloads.load(name, **sizes)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_renaming_changes_the_name_alone():
    net = workloads.load("lenet5")
    other = net.rename("my net")
    assert (other.name, net.name, other, other.source) == ("my net", "lenet5", net, net.source)
    for bad in ("", " ", "a\nb", 3):
        with pytest.raises(ValueError, match="name must be a printable text, got"):
            net.rename(bad)


def test_assumed_densities():
    dense = workloads.load("gpt2_decode", layers=2, width=96)
    net = dense.sparsify("n_m")
    half = net.assume(weights=0.25, activations=0.5)
    table = half.table()
    nests = table.kind == workloads.Kind.NEST
    assert half.mask("h.0.attn.c_proj") is None
    assert half.weight("h.0.attn.c_proj").known == "assumed"
    assert half.weight("wte").density == 0.25  # shared with the logits: a product
    assert half.weight("wpe").density == 1.0
    assert (table.input_density[nests] == 0.5).sum() >= 8
    tensors = half.graph.tensors
    assert {t.density for t in tensors.values() if t.name not in ("tokens", "positions")} == {0.5}
    assert tensors["tokens"].density == tensors["positions"].density == 1.0
    assert half.assume(weights=1, activations=1) == dense
    assert net.assume() == net
    assert net.assume(activations=0.5).mask("h.0.attn.c_proj") is not None
    for bad in (0, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"weights: density must be in \(0, 1\], got"):
            net.assume(weights=bad)
    with pytest.raises(ValueError, match=r"activations: density must be in \(0, 1\], got -1"):
        net.assume(activations=-1)


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        (
            "resnet18",
            {"blocks": (2, 2, 10**9, 2)},
            "resnet18: blocks make 14,000,000,084 operations; at most",
        ),
        (
            "resnet20_cifar10",
            {"blocks": (10**7,), "widths": (16,)},
            "resnet20_cifar10: blocks make 100,000,000 ",
        ),
        ("vgg16_cifar10", {"convolutions": (10**7,), "widths": (16,)}, "vgg16_cifar10: convolutions make "),
        (
            "vgg16",
            {"convolutions": (10**7,), "widths": (16,)},
            "vgg16: convolutions make 20,000,000 operations",
        ),
        (
            "gpt2_decode",
            {"layers": 10**12},
            "gpt2_decode: layers make 20,000,000,000,000 operations; at most",
        ),
        (
            "llama3_8b",
            {"layers": 10**9},
            "llama3_8b: layers make 45,000,000,000 operations; at most 1,000,000 ",
        ),
        (
            "ptb_lstm_large",
            {"layers": 10**9},
            "ptb_lstm_large: layers make 1,000,000,000 operations; at most",
        ),
    ],
)
def test_networks_too_large_are_refused_before_they_are_built(name, sizes, message):
    with pytest.raises(workloads.WorkloadError) as caught:
        workloads.load(name, **sizes)
    assert str(caught.value).startswith(message)


def test_schemes_that_would_not_fit_in_memory_are_refused(monkeypatch):
    net = workloads.load("llama3_405b", phase="decode", context=1)
    with pytest.raises(
        workloads.WorkloadError, match=r"ranking weights needs \d+ GB of memory, .* GB are free"
    ):
        net.sparsify("n_m")
    assert net.sparsify("uniform", density=0.1).nonzero_parameters < 0.2 * net.parameters
    monkeypatch.setattr("workloads.limits.free_memory_bytes", lambda: None)
    assert workloads.load("lenet5").sparsify("n_m", n=1, m=2).weight("fc1").density == 0.5
