"""MAESTRO's networks (.m): layers with their dimensions; dataflows beside them are read over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import TYPE_CHECKING

from workloads.errors import NetworkImportError, shown
from workloads.importers.layers import Layers
from workloads.importers.texts import LARGEST, read_text, stem
from workloads.operations import Convolution, Linear, TransposedConvolution
from workloads.operations.base import Operation

if TYPE_CHECKING:
    from workloads.network import Network

_TOKEN = re.compile(r"[A-Za-z_][\w.+-]*'?|\d*\.\d+|\d+|[{}(),:;]|\S")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_OPERANDS = ("Input", "Weight", "Output")
_BLOCKS = ("Stride", "Dimensions", "Density", "Dataflow")
_CONVOLUTIONS = ("CONV", "DSCONV", "NGCONV", "TRCONV", "FC")
_TYPES = (*_CONVOLUTIONS, "GEMM")


@dataclass(slots=True)
class _Layer:
    """A layer as the file has it."""

    name: str
    line: int
    kind: str = ""
    stride: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)  # of elements that are not zero


@dataclass(slots=True)
class _Tokens:
    """Words of a file with the lines they stand in."""

    file: str
    words: list[tuple[str, int]]
    at: int = 0
    constants: dict[str, int] = field(default_factory=dict)

    def fail(self, message: str) -> NetworkImportError:
        line = self.words[min(self.at, len(self.words) - 1)][1] if self.words else 1
        return NetworkImportError(f"{self.file}: line {line}: {message}")

    @property
    def word(self) -> str:
        """The word here; "" at the end."""
        return self.words[self.at][0] if self.at < len(self.words) else ""

    @property
    def line(self) -> int:
        return self.words[self.at][1]

    def next(self) -> str:
        word = self.word
        self.at += 1
        return word

    def expect(self, wanted: str) -> None:
        if self.word != wanted:
            raise self.fail(f"expected {shown(wanted)}, got {shown(self.word[:40])}")
        self.at += 1

    def number(self, what: str) -> int:
        """A number, or a constant of the file."""
        word = self.next()
        if word in self.constants:
            return self.constants[word]
        if not word.isascii() or not word.isdigit() or len(word) > 12 or not 1 <= int(word) <= LARGEST:
            self.at -= 1
            raise self.fail(f"{what} must be a whole number from 1 to {LARGEST:,}, got {shown(word[:40])}")
        return int(word)

    def skip_block(self) -> None:
        """Pass over a block in braces."""
        self.expect("{")
        depth = 1
        while depth:
            word = self.next()
            if not word:
                raise self.fail("ends within a block")
            depth += {"{": 1, "}": -1}.get(word, 0)


def read(path: str | PathLike[str]) -> "Network":
    """Read a network; see `workloads.from_maestro`."""
    name = fspath(path)
    tokens = _Tokens(name, list(_words(name, read_text(path, "maestro_network"))))
    layers = Layers(stem(path), name)
    while tokens.word:
        word = tokens.next()
        if word == "Constant":
            constant = tokens.next()
            tokens.constants[constant] = tokens.number(f"the constant {constant[:40]}")
            if tokens.word == ";":
                tokens.at += 1
        elif word == "Network":
            layers.graph.name = tokens.next()[:200] if tokens.word != "{" else layers.name
            tokens.expect("{")
            while tokens.word == "Layer":
                tokens.at += 1
                _add(layers, name, _layer(tokens))
            tokens.expect("}")
        else:
            tokens.at -= 1
            raise tokens.fail(f"expected Network or Constant, got {shown(word[:40])}")
    return layers.network()


def _words(name: str, text: str) -> Iterator[tuple[str, int]]:
    plain = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, line in enumerate(plain.splitlines(), start=1):
        for word in _TOKEN.findall(line):
            yield word, number


def _layer(tokens: _Tokens) -> _Layer:
    layer = _Layer(tokens.next()[:200], tokens.line if tokens.word else 1)
    tokens.expect("{")
    while tokens.word != "}":
        word = tokens.next()
        if word == "Type":
            tokens.expect(":")
            layer.kind = tokens.next()
        elif word == "Stride":
            layer.stride = _pairs(tokens)
        elif word == "Dimensions":
            layer.sizes = _pairs(tokens)
        elif word == "Density":
            layer.shares = _shares(tokens)
        elif word in _BLOCKS:
            tokens.skip_block()
        else:
            tokens.at -= 1
            raise tokens.fail(f"expected Type, {', '.join(_BLOCKS)} or '}}', got {shown(word[:40])}")
    tokens.at += 1
    return layer


def _pairs(tokens: _Tokens) -> dict[str, int]:
    """`{ K: 64, C: 3 }`; the colons and commas may be missing."""
    tokens.expect("{")
    found: dict[str, int] = {}
    while tokens.word != "}":
        key = tokens.next()
        if not key:
            raise tokens.fail("ends within a block")
        if tokens.word == ":":
            tokens.at += 1
        found[key] = tokens.number(key[:40])
        if tokens.word in (",", ";"):
            tokens.at += 1
    tokens.at += 1
    return found


def _shares(tokens: _Tokens) -> dict[str, float]:
    """`{ Input: 0.5 Weight: 0.25 Output: 1.0 }`; the colons and commas may be missing."""
    tokens.expect("{")
    found: dict[str, float] = {}
    while tokens.word != "}":
        key = tokens.next()
        if key not in _OPERANDS:
            tokens.at -= 1
            raise tokens.fail(f"Density is of {', '.join(_OPERANDS)}, got {shown(key[:40])}")
        if tokens.word == ":":
            tokens.at += 1
        word = tokens.next()
        if not re.fullmatch(r"\d{0,3}\.?\d{1,30}", word) or not 0 < float(word) <= 1:
            tokens.at -= 1
            raise tokens.fail(f"the density of {key} must be above 0 and at most 1, got {shown(word[:40])}")
        found[key] = float(word)
        if tokens.word in (",", ";"):
            tokens.at += 1
    tokens.at += 1
    return found


def _add(layers: Layers, file: str, layer: _Layer) -> None:
    where = f"{file}: layer {layer.name} (line {layer.line})"
    if layer.kind not in _TYPES:
        raise NetworkImportError(
            f"{where}: unknown Type {shown(layer.kind[:40])}; supported: {', '.join(_TYPES)}"
        )
    sizes = layer.sizes
    needed = ("M", "N", "K") if layer.kind == "GEMM" else ("K", "C", "R", "S", "Y", "X")
    missing = [key for key in needed if key not in sizes]
    if missing:
        raise NetworkImportError(f"{where}: Dimensions has no {', '.join(missing)}")
    name = layers.unique(layer.name)
    if layer.shares:
        layers.shares[name] = layer.shares
    if layer.kind == "GEMM":
        layers.add(where, Linear(name, sizes["N"], bias=False), (1, sizes["M"], sizes["K"]))
        return
    stride = layer.stride.get("Y", 1), layer.stride.get("X", 1)
    kernel = sizes["R"], sizes["S"]
    groups = sizes["C"] if layer.kind == "DSCONV" else sizes.get("G", 1)
    shape = (sizes.get("N", 1), sizes["C"], sizes["Y"], sizes["X"])
    operation: Operation
    try:
        if layer.kind == "TRCONV":
            operation = TransposedConvolution(name, sizes["K"], kernel=kernel, stride=stride, bias=False)
        else:
            filters = sizes["K"] * (groups if layer.kind in ("DSCONV", "NGCONV") else 1)
            operation = Convolution(name, filters, kernel=kernel, stride=stride, groups=groups, bias=False)
    except ValueError as error:
        raise NetworkImportError(f"{where}: {error}") from error
    layers.add(where, operation, shape)
