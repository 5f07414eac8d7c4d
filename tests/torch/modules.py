"""Modules for importer tests."""

import torch
from torch import nn

import workloads


class Basic(nn.Module):
    """A residual block, written as torchvision writes it."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        shortcut = nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
        self.downsample = nn.Sequential(*shortcut) if stride != 1 or channels != width else None

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """ResNet-18 at its default sizes."""

    def __init__(self, widths=(64, 128, 256, 512), classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = (widths[0], *widths)
        for i, width in enumerate(widths):
            blocks = Basic(before[i], width, 2 if i else 1), Basic(width, width, 1)
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[-1], classes)
        self.stages = len(widths)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for i in range(self.stages):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Small(nn.Module):
    """Convolutions of three kinds and a classifier."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, 2, 1, groups=8, bias=False)
        self.fc = nn.Linear(8 * 4 * 4, 10)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(x)))
        x = torch.nn.functional.max_pool2d(x, 2)
        x = torch.relu(self.depthwise(x))
        return torch.softmax(self.fc(x.flatten(1)), -1)


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args):
        return self.function(self, *args)


class Tokens(nn.Module):
    """A class token and positions in front of an encoder, as in a vision transformer."""

    def __init__(self, width=8, patches=9, classes=5):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Embedding(patches + 4, width)
        self.encoder = nn.TransformerEncoderLayer(width, 2, 2 * width, batch_first=True, norm_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.positions(torch.arange(x.shape[1]))
        return self.head(self.encoder(x)[:, 0])


class Windows(nn.Module):
    """Attention in windows with a bias looked up by relative position, as in a Swin transformer."""

    def __init__(self, width=8, side=2, heads=2):
        super().__init__()
        self.side, self.heads = side, heads
        self.qkv = nn.Linear(width, 3 * width)
        self.table = nn.Parameter(torch.randn((2 * side - 1) ** 2, heads))
        places = torch.cartesian_prod(torch.arange(side), torch.arange(side))
        apart = places[:, None] - places[None] + side - 1
        self.register_buffer("index", apart[..., 0] * (2 * side - 1) + apart[..., 1])

    def forward(self, x):
        n, rows, cols, width = x.shape
        w = self.side
        x = torch.roll(x, (-1, -1), (1, 2)).view(n, rows // w, w, cols // w, w, width)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(-1, w * w, width)
        qkv = self.qkv(x).reshape(-1, w * w, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        bias = self.table[self.index.view(-1)].view(w * w, w * w, -1).permute(2, 0, 1)
        scores = qkv[0] @ qkv[1].transpose(-2, -1) + bias.unsqueeze(0)
        return (scores.softmax(-1) @ qkv[2]).transpose(1, 2).reshape(n, rows, cols, width)


def traffic(module, inputs, **options):
    """Return elements read and written, and MACs."""
    network = workloads.from_torch(module, inputs, **options)
    table = network.table()
    read = int(table.read_elements.sum() + table.weight_elements.sum())
    return read, int(table.write_elements.sum()), network.macs
