"""Modules of integers: torch.ao's eager and FX modes, before and after their conversion."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.ao import quantization
from torch.ao.quantization import quantize_fx
from torch.ao.quantization.fx import _decomposed  # noqa: F401  # registers its operators

import workloads
from tests.torch.modules import Function

pytestmark = pytest.mark.filterwarnings("ignore")
INPUT = torch.zeros(2, 3, 8, 8)


class Quantisable(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.leave = quantization.QuantStub(), quantization.DeQuantStub()
        self.c, self.act, self.l = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Linear(8, 10)
        self.sums = torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x):
        y = self.act(self.c(self.enter(x)))
        return self.leave(self.l(self.sums.add(y, y).mean((2, 3))))


def test_layers_of_integers_keep_their_width():
    plain = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
    dynamic = quantization.quantize_dynamic(plain)
    network = workloads.from_torch(dynamic, torch.zeros(2, 32))
    assert (network.macs, network.parameters) == (8_192, 4_096 + 96)
    assert [network.weight(o.name).bits for o in network.operations if o.kind == "linear"] == [8, 8]
    assert "quantized" in type(dynamic[0]).__module__  # as it was

    for layer, gates in ((nn.LSTM, 4), (nn.GRU, 3)):
        plain = nn.Sequential(layer(16, 32, bidirectional=True))
        sequence = quantization.quantize_dynamic(plain, {layer})
        network = workloads.from_torch(
            Function(lambda self, x: self.m(x)[0], m=sequence), torch.zeros(5, 2, 16)
        )
        assert network.macs == 2 * 5 * 2 * gates * 32 * 48
        assert network.parameters == sum(p.numel() for p in plain.parameters())
        assert network.table().weight_bits.max() == 8

    module = Quantisable().eval()
    module.qconfig = quantization.get_default_qconfig("x86")
    quantization.fuse_modules(module, [["c", "act"]], inplace=True)
    ready = quantization.prepare(module)
    ready(torch.rand(1, 3, 8, 8))
    static = workloads.from_torch(quantization.convert(ready), torch.zeros(1, 3, 8, 8))
    assert (static.macs, static.parameters) == (64 * 8 * 27 + 80, 8 * 27 + 8 + 80 + 10)
    assert [o.kind for o in static.operations] == ["convolution", "relu", "add", "reduce_mean", "linear"]


class Functions(nn.Module):
    """Layers, and functions of weights that no layer holds."""

    def __init__(self):
        super().__init__()
        self.c, self.n, self.l = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Linear(8, 10)
        self.w, self.b = nn.Parameter(torch.randn(10, 10)), nn.Parameter(torch.randn(10))

    def forward(self, x):
        y = F.relu(self.n(self.c(x)))
        y = torch.cat([y + F.hardswish(y), y * 2], 1)[:, :8]
        return F.linear(self.l(F.adaptive_avg_pool2d(y, 1).flatten(1)), self.w, self.b)


def prepared(mapping, *, training=False):
    module = Functions().train(training)
    call = quantize_fx.prepare_qat_fx if training else quantize_fx.prepare_fx
    ready = call(module, mapping, (INPUT,))
    ready(torch.rand(2, 3, 8, 8))
    return ready


WIDE = quantization.get_default_qconfig_mapping("x86")
DYNAMIC = quantization.QConfigMapping().set_global(quantization.default_dynamic_qconfig)
HALF = quantization.QConfigMapping().set_global(quantization.float16_dynamic_qconfig)


@pytest.mark.parametrize(
    ("mapping", "stage"),
    [
        *((WIDE, stage) for stage in ("prepared", "converted", "reference")),
        (DYNAMIC, "reference"),
        (HALF, "converted"),
    ],
)
def test_graphs_of_integers_do_the_same_work_at_every_stage(mapping, stage):
    module = prepared(mapping)
    if stage != "prepared":
        made = quantize_fx.convert_fx if stage == "converted" else quantize_fx.convert_to_reference_fx
        module = made(copy.deepcopy(module))
    network = workloads.from_torch(module, INPUT)
    assert network.macs == 2 * (64 * 8 * 27 + 80 + 100)
    assert network.parameters == 8 * 27 + 8 + 80 + 10 + 110  # normalisation is folded
    assert module(torch.rand(2, 3, 8, 8)).shape == (2, 10)  # as it was


def test_training_for_integers_counts_each_parameter_once_and_observes_nothing():
    module = prepared(quantization.get_default_qat_qconfig_mapping("x86"), training=True)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    network = workloads.from_torch(module, 100 * torch.ones(2, 3, 8, 8))
    assert network.macs == 2 * (64 * 8 * 27 + 80 + 100)
    assert network.parameters == sum(p.numel() for p in module.parameters())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


class Wrapped(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.enter, self.leave = quantization.QuantStub(), quantization.DeQuantStub()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.leave(self.layers(self.enter(x)))


@pytest.mark.parametrize(
    ("layers", "shape", "kinds"),
    [
        ((nn.Conv2d(3, 8, 3), nn.LeakyReLU(), nn.ELU()), (2, 3, 8, 8), ["convolution", "leaky_relu", "elu"]),
        ((nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8)), (2, 3, 8, 8), ["convolution", "groupnorm"]),
        (
            (nn.ConvTranspose2d(3, 8, 3), nn.Hardswish()),
            (2, 3, 8, 8),
            ["transposed_convolution", "hard_swish"],
        ),
        ((nn.Linear(16, 8), nn.LayerNorm(8)), (2, 16), ["linear", "layernorm"]),
    ],
)
def test_layers_of_integers_are_those_they_were_made_of(layers, shape, kinds):
    plain = Wrapped(*layers).eval()
    plain.qconfig = quantization.get_default_qconfig("qnnpack")
    ready = quantization.prepare(plain)
    ready(torch.rand(shape))
    networks = [workloads.from_torch(m, torch.zeros(shape)) for m in (ready, quantization.convert(ready))]
    assert [[o.kind for o in network.operations] for network in networks] == [kinds, kinds]
    assert networks[0].macs == networks[1].macs > 0
    assert networks[0].parameters == networks[1].parameters == sum(p.numel() for p in plain.parameters())


@pytest.mark.parametrize(("cell", "gates"), [(nn.LSTMCell, 4), (nn.RNNCell, 1)])
def test_cells_of_integers(cell, gates):
    dynamic = quantization.quantize_dynamic(nn.Sequential(cell(8, 16)), {cell})
    network = workloads.from_torch(dynamic, torch.zeros(3, 8))
    assert (network.macs, network.parameters) == (3 * gates * 16 * 24, gates * 16 * (24 + 2))


@pytest.mark.parametrize("layer", [nn.Embedding(50, 16), nn.EmbeddingBag(50, 16, mode="sum")])
def test_tables_of_integers(layer):
    layer.qconfig = quantization.float_qparams_weight_only_qconfig
    table = quantization.convert(quantization.prepare(nn.Sequential(layer)))
    network = workloads.from_torch(table, torch.zeros(2, 7, dtype=torch.long))
    assert (network.macs, network.parameters) == (0, 800)
    assert network.table().weight_bits.max() == 8


class Decomposed(nn.Module):
    """A layer as torch.export has it once it is quantised (PT2E, torchao): integers, scales, zero points."""

    def __init__(self, how):
        super().__init__()
        self.how, self.ops = how, torch.ops.quantized_decomposed
        self.register_buffer("w", torch.randint(-7, 7, (4, 64), dtype=torch.int8))
        self.register_buffer("scale", torch.rand(4, 2) if how == "token" else torch.rand(4))
        self.register_buffer("zero", torch.zeros_like(self.scale, dtype=torch.int64))

    def forward(self, x):
        ops, ends = self.ops, (-128, 127, torch.int8)
        if self.how == "token":  # activations row by row, weights of four bits in groups
            scale, zero = ops.choose_qparams_per_token_asymmetric(x, torch.int8)
            x = ops.quantize_per_token(x, scale, zero, *ends)
            x = ops.dequantize_per_token(x, scale, zero, *ends, torch.float32)
            held = self.w, self.scale, self.zero, -8, 7, torch.int8, 32, torch.float32
            return F.linear(x, ops.dequantize_per_channel_group(*held))
        if self.how == "dynamic":
            scale, zero = ops.choose_qparams.tensor(x, -128, 127, 1e-5, torch.int8)
            x = ops.dequantize_per_tensor.tensor(
                ops.quantize_per_tensor.tensor(x, scale, zero, *ends), scale, zero, *ends
            )
        else:
            x = ops.dequantize_per_tensor(ops.quantize_per_tensor(x, 0.1, 0, *ends), 0.1, 0, *ends)
        weight = ops.dequantize_per_channel(self.w, self.scale, self.zero, 0, *ends)
        return F.linear(x, weight)


@pytest.mark.parametrize(
    ("how", "before"),
    [
        ("static", ["quantize"]),
        ("dynamic", ["reduce_max", "reduce_min", "reshape", "reshape", "quantize"]),
        ("token", ["reduce_max", "reduce_min", "quantize"]),
    ],
)
@pytest.mark.parametrize("exported", [False, True])
def test_graphs_of_integers_as_torch_export_has_them(how, before, exported):
    module = Decomposed(how)
    x = torch.randn(3, 64)
    net = workloads.from_torch(torch.export.export(module, (x,)) if exported else module, x)
    assert net.macs == 3 * 4 * 64
    assert sorted(o.kind for o in net.operations) == sorted([*before, "linear"])
    weight = net.weight(net.operations[-1].name)
    assert (weight.bits, weight.nonzeros) == (8, int((module.w != 0).sum()))


def test_a_program_of_torch_export_and_its_module_are_read():
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, 4)).eval()
    program = torch.export.export(plain, (INPUT,))
    wanted = workloads.from_torch(plain, INPUT)
    for given in (program, program.module()):
        net = workloads.from_torch(given, INPUT)
        assert (net.macs, net.parameters) == (wanted.macs, wanted.parameters)


def test_a_module_spread_over_processes_is_the_one_inside():
    spread = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)  # no processes
    nn.Module.__init__(spread)
    spread.module = nn.Linear(8, 4)
    assert workloads.from_torch(spread, torch.zeros(3, 8)).macs == 96


def test_products_of_eight_bits():
    def scaled(self, a, b):
        one = torch.ones(())
        return torch._scaled_mm(a, b.t(), one, one, out_dtype=torch.bfloat16)

    bytes_ = torch.ones(32, 16, dtype=torch.int8), torch.ones(16, 8, dtype=torch.int8)
    assert workloads.from_torch(Function(lambda self, a, b: torch._int_mm(a, b)), bytes_).macs == 32 * 16 * 8
    floats = tuple(torch.ones(rows, 16).to(torch.float8_e4m3fn) for rows in (32, 8))
    assert workloads.from_torch(Function(scaled), floats).macs == 32 * 16 * 8


def test_a_search_halves_what_it_searches():
    net = workloads.from_torch(
        Function(lambda self, x: torch.bucketize(x, self.e), e=torch.arange(7.0)), torch.zeros(3, 5)
    )
    assert net.table().vector_ops.sum() == 3 * 15  # eight places between and beside seven ends
