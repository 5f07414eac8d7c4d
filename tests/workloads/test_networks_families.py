"""U-Net, Whisper and Mamba: shapes and sizes as printed, counts of modules with random weights."""

import pytest

import workloads
from workloads import Graph
from workloads.networks import mamba
from workloads.networks import whisper as sizes
from workloads.operations import SelectiveScan


def counted(module, *arguments):
    """MACs that PyTorch counts, and the parameters."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*arguments)
    return counter.get_total_flops() // 2, sum(p.numel() for p in module.parameters())


@pytest.mark.published
def test_unet_has_the_maps_of_its_figure():
    net = workloads.load("unet")
    shapes = {
        name: net.graph.tensors[f"{name}.conv2.relu"].shape[1:3] for name in ("down0", "down1", "down2")
    }
    shapes |= {
        name: net.graph.tensors[f"{name}.conv2.relu"].shape[1:3] for name in ("down3", "down4", "up3", "up0")
    }
    assert shapes == {
        "down0": (64, 568),
        "down1": (128, 280),
        "down2": (256, 136),
        "down3": (512, 64),
        "down4": (1024, 28),
        "up3": (512, 52),
        "up0": (64, 388),
    }
    assert net.graph.tensors[net.graph.outputs[0]].shape == (1, 2, 388, 388)
    kinds = [operation.kind for operation in net.operations]
    assert len([kind for kind in kinds if kind.endswith("convolution")]) == 23  # "23 convolutional layers"


@pytest.mark.parametrize("padded", [True, False])
def test_unet_counts_as_a_module_does(padded):
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    nn = torch.nn

    def pair(inputs, filters):
        return nn.Sequential(
            *(nn.Conv2d(inputs, filters, 3, padding=int(padded)), nn.ReLU()),
            *(nn.Conv2d(filters, filters, 3, padding=int(padded)), nn.ReLU()),
        )

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            widths = (6, 12, 24)
            self.down = nn.ModuleList(pair(i, o) for i, o in zip((3, 6, 12), widths, strict=True))
            self.grow = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[:-1])
            self.up = nn.ModuleList(pair(2 * w, w) for w in widths[:-1])
            self.last = nn.Conv2d(6, 5, 1)

        def forward(self, x):
            skipped = []
            for i, stage in enumerate(self.down):
                x = stage(nn.functional.max_pool2d(x, 2) if i else x)
                skipped.append(x)
            for i in (1, 0):
                x = self.grow[i](x)
                more = skipped[i].shape[-1] - x.shape[-1]
                cut = nn.functional.pad(skipped[i], [-(more // 2), -(more - more // 2)] * 2)
                x = self.up[i](torch.cat([cut, x], 1))
            return self.last(x)

    net = workloads.load(
        "unet", resolution=60, channels=3, classes=5, width=6, depth=2, padded=padded, batch=2
    )
    assert (net.macs, net.parameters) == counted(UNet(), torch.randn(2, 3, 60, 60))


@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "released", "printed"),
    [
        ("whisper_tiny", 37_184_640, 39),
        ("whisper_base", 71_825_920, 74),
        ("whisper_small", 240_582_912, 244),
        ("whisper_medium", 762_321_920, 769),
        ("whisper_large", 1_541_384_960, 1550),
    ],
)
def test_whisper_has_the_released_weights(name, released, printed):
    """Released weights without the encoder's fixed positions; Table 1 prints millions, up to 5 % more."""
    net = workloads.load(name, context=4)
    assert net.parameters == released
    assert 0.95 < released / (printed * 1e6) <= 1.0


def test_whisper_counts_as_a_module_does(monkeypatch):
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    nn = torch.nn
    monkeypatch.setitem(sizes.SIZES, "whisper_tiny", (2, 24, 3))

    class Attended(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.q, self.v, self.out = (nn.Linear(width, width) for _ in range(3))
            self.k = nn.Linear(width, width, bias=False)

        def forward(self, x, known, cached=None):
            k, v = (self.k(known), self.v(known)) if cached is None else cached
            split = (z.unflatten(-1, (3, -1)).transpose(1, 2) for z in (self.q(x), k, v))
            q, k, v = split
            return self.out(((q @ k.transpose(2, 3)).softmax(-1) @ v).transpose(1, 2).flatten(2))

    class Layer(nn.Module):
        def __init__(self, width, crossed):
            super().__init__()
            self.own, self.cross = Attended(width), Attended(width) if crossed else None
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if crossed else 2))
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x, sound=None, cached=None):
            y = self.norms[0](x)
            if cached is None:
                x = x + self.own(y, y)
            else:  # the new token's keys and values join those before it
                new = (
                    torch.cat([old, made(y)], 1)
                    for old, made in zip(cached[0], (self.own.k, self.own.v), strict=True)
                )
                x = x + self.own(y, y, tuple(new))
            if self.cross is not None:
                x = x + self.cross(self.norms[1](x), sound, None if cached is None else cached[1])
            return x + self.mlp(self.norms[-1](x))

    class Whisper(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList([nn.Conv1d(80, 24, 3, padding=1), nn.Conv1d(24, 24, 3, 2, 1)])
            self.encoder = nn.ModuleList(Layer(24, False) for _ in range(2))
            self.decoder = nn.ModuleList(Layer(24, True) for _ in range(2))
            self.norms = nn.ModuleList(nn.LayerNorm(24) for _ in range(2))
            self.words, self.places = nn.Embedding(51865, 24), nn.Embedding(448, 24)

        def forward(self, spectrum, ids, caches=(None, None)):
            x = spectrum
            if x is not None:
                for conv in self.convs:
                    x = nn.functional.gelu(conv(x))
                x = x.transpose(1, 2)
                for layer in self.encoder:
                    x = layer(x)
                x = self.norms[0](x)
            y = self.words(ids) + self.places.weight[: ids.shape[1]]
            for layer, cached in zip(self.decoder, caches, strict=True):
                y = layer(y, x, cached)
            return self.norms[1](y)[:, -1] @ self.words.weight.T

    module = Whisper()
    read = workloads.load("whisper_tiny", batch=2, context=5, frames=20)
    ids = torch.randint(51865, (2, 5))
    assert (read.macs, read.parameters) == counted(module, torch.randn(2, 80, 20), ids)
    write = workloads.load("whisper_tiny", phase="decode", batch=2, context=5, frames=20)
    caches = [[(torch.randn(2, 4, 24),) * 2, (torch.randn(2, 10, 24),) * 2]] * 2
    assert write.macs == counted(module, None, ids[:, :1], caches)[0]
    assert read.cache_bytes() == write.cache_bytes() == 2 * 2 * (5 + 10) * 24 * 2 * 2
    with pytest.raises(workloads.WorkloadError, match="whisper_tiny: frames must be even, got 7"):
        workloads.load("whisper_tiny", frames=7)
    with pytest.raises(
        workloads.WorkloadError, match=r"whisper_tiny: context must be an integer in 1 .. 448, got 449"
    ):
        workloads.load("whisper_tiny", context=449)


@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "released"),
    [
        ("mamba_130m", 129_135_360),
        ("mamba_370m", 371_516_416),
        ("mamba_790m", 793_204_224),
        ("mamba_1_4b", 1_372_178_432),
        ("mamba_2_8b", 2_768_345_600),
    ],
)
def test_mamba_has_the_released_weights(name, released):
    for phase in ("prefill", "decode"):
        assert workloads.load(name, phase=phase, context=8).parameters == released
    digits = name.removeprefix("mamba_").replace("_", ".")
    assert released == pytest.approx(float(digits[:-1]) * {"m": 1e6, "b": 1e9}[digits[-1]], rel=0.025)


def scanned(x, step, decay, into, out, skip, h):
    """A selective scan token by token (Gu and Dao, equation 2), with the multiplications of each token."""
    import torch

    results = []
    for t in range(x.shape[1]):
        a = torch.exp(step[:, t, :, None] * decay)
        h = a * h + (step[:, t] * x[:, t])[:, :, None] * into[:, t, None]
        results.append((h * out[:, t, None]).sum(-1) + skip * x[:, t])
    return torch.stack(results, 1), h


def test_mamba_counts_as_a_module_does(monkeypatch):
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    nn = torch.nn
    monkeypatch.setitem(mamba.MAMBAS, "mamba_130m", (2, 32))

    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.rand(32))

        def forward(self, x):
            return nn.functional.rms_norm(x, (32,), self.weight)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.into = Norm(), nn.Linear(32, 128, bias=False)
            self.conv = nn.Conv1d(64, 64, 4, groups=64)
            self.parts, self.step = nn.Linear(64, 2 + 32, bias=False), nn.Linear(2, 64)
            self.decay, self.skip = nn.Parameter(-torch.rand(64, 16)), nn.Parameter(torch.rand(64))
            self.out = nn.Linear(64, 32, bias=False)

        def forward(self, x, cached):
            y, gate = self.into(self.norm(x)).chunk(2, -1)
            seen = nn.functional.pad(y.transpose(1, 2), (3, 0)) if cached is None else cached[0]
            y = nn.functional.silu(self.conv(seen)).transpose(1, 2)
            low, into, out = self.parts(y).split([2, 16, 16], -1)
            h = y.new_zeros(y.shape[0], 64, 16) if cached is None else cached[1]
            step = nn.functional.softplus(self.step(low))
            y, _ = scanned(y, step, self.decay, into, out, self.skip, h)
            return x + self.out(y * nn.functional.silu(gate))

    class Mamba(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.norm = nn.Embedding(50280, 32), Norm()
            self.layers = nn.ModuleList(Layer() for _ in range(2))

        def forward(self, ids, caches=(None, None)):
            x = self.words(ids)
            for layer, cached in zip(self.layers, caches, strict=True):
                x = layer(x, cached)
            return self.norm(x[:, -1]) @ self.words.weight.T

    read = workloads.load("mamba_130m", batch=3, context=7)
    ids = torch.randint(50280, (3, 7))
    assert (read.macs, read.parameters) == counted(Mamba(), ids)
    write = workloads.load("mamba_130m", batch=3, phase="decode")
    caches = [(torch.randn(3, 64, 4), torch.randn(3, 64, 16))] * 2
    assert write.macs == counted(Mamba(), ids[:, :1], caches)[0]
    assert read.cache_bytes() == write.cache_bytes() == 2 * 3 * 64 * (4 + 16) * 2
    assert workloads.load("mamba_130m", context=7, batch=6).cache_bytes() == 2 * read.cache_bytes()
    # Of each token, channel and state: exp(step A) (4), B (step x), a h + b (2), C h and its sum (2).
    row = next(
        row
        for row, name in zip(read.table().vector_ops, read.row_names, strict=True)
        if name.endswith("scan")
    )
    assert row == 3 * 7 * 64 * (16 * (4 + 1 + 2 + 2) + 3)
    step = workloads.load("mamba_130m", batch=3, context=7, layers=1).training()
    frame = step.summary()
    assert frame.vector_ops["layers.0.mixer.scan.gradient"] == 3 * 7 * 64 * (16 * (7 + 3 + 2 * 6) + 8)
    assert "layers.0.mixer.scan.decay.update" in frame.index


def test_scans_that_do_not_fit_are_refused():
    graph = Graph("scan")
    x, step = graph.input("x", (2, 5, 8)), graph.input("step", (2, 5, 8))
    into, out = graph.input("B", (2, 5, 4)), graph.input("C", (2, 5, 4))
    other, states = graph.input("other", (2, 6, 8)), graph.input("states", (2, 8, 5))
    y, after = graph.add_many(SelectiveScan("scan"), x, step, into, out)
    assert (graph.tensors[y].shape, graph.tensors[after].shape) == ((2, 5, 8), (2, 8, 4))
    for inputs, message in (
        ((x, other, into, out), r"steps of \(2, 6, 8\), x of"),
        ((other, other, into, out), r"B of \(2, 5, 4\) and C of \(2, 5, 4\) for 2 sequences of 6 tokens"),
        ((x, step, into, out, states), r"states of \(2, 8, 5\), expected \(2, 8, 4\)"),
    ):
        with pytest.raises(workloads.ShapeError, match=message):
            graph.add_many(SelectiveScan("bad"), *inputs)
    for sizes_, message in (
        ({"phase": "both"}, "mamba_130m: phase must be one of prefill, decode, got 'both'"),
        ({"context": 2**21}, "mamba_130m: context must be an integer in 1 "),
        ({"layers": 10**6}, "mamba_130m: layers make 25,000,000 operations"),
    ):
        with pytest.raises(workloads.WorkloadError, match=message):
            workloads.load("mamba_130m", **sizes_)
