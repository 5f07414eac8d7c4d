"""Published results of pruning: densities layer by layer, sizes of whole networks, each with its source.

A zero in a table is a zero: at 1000x, magnitude pruning leaves layers of VGG-16 no weight at all.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError


@dataclass(frozen=True, slots=True)
class LayerDensity:
    """One layer of a published table; None where the source does not say.

    Attributes
    ----------
    layer
        Name of the operation in the built-in network, or in the source where there is none.
    elements
        Weights of the layer, zero or not.
    weight_density, input_density, output_density
        Fractions that are not zero, in [0, 1].
    weight_bits, index_bits
        Bits of a stored weight and of its relative index.
    source, status
        Where the numbers come from; "published" throughout.

    """

    layer: str
    elements: int | None
    weight_density: float
    input_density: float | None
    output_density: float | None
    weight_bits: int | None
    index_bits: int | None
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class NetworkCount:
    """Published size of a compressed network; `flops` count a MAC as two, `error_pct` is the top-1 error."""

    parameters: int
    flops: int | None
    error_pct: float | None
    source: str
    status: str


def tables(network: str | None = None) -> list[tuple[str, str]]:
    """List the (network, table) pairs there are, of one network or of all.

    Examples
    --------
    >>> tables("alexnet")
    [('alexnet', 'han-2015'), ('alexnet', 'deep-compression'), ('alexnet', 'nvidia')]

    """
    return [key for key in _densities() if network in (None, key[0])]


def layers(network: str, table: str) -> tuple[LayerDensity, ...]:
    """Return the layers of a published table in the order of the network.

    Raises
    ------
    SparsityError
        If there is no such table; lists those of the network.

    Examples
    --------
    >>> layers("resnet50", "str-90.23")[0].weight_density
    0.402

    """
    found = _densities().get((network, table))
    if found is None:
        known = ", ".join(name for _, name in tables(network)) or "none"
        raise SparsityError(f"published: no table {shown(table)} for {shown(network)}; there are: {known}")
    return found


def counts(network: str) -> dict[str, NetworkCount]:
    """Return the published sizes of a network by the method that reached them.

    Examples
    --------
    >>> counts("lenet5")["nest"].parameters
    5800

    """
    return {method: count for (name, method), count in _counts().items() if name == network}


@cache
def _densities() -> dict[tuple[str, str], tuple[LayerDensity, ...]]:
    found: dict[tuple[str, str], list[LayerDensity]] = {}
    for row in _rows("layer_densities.csv"):
        layer = LayerDensity(
            layer=row["layer"],
            elements=_int(row["elements"]),
            weight_density=float(row["weight_density"]),
            input_density=_float(row["input_density"]),
            output_density=_float(row["output_density"]),
            weight_bits=_int(row["weight_bits"]),
            index_bits=_int(row["index_bits"]),
            source=row["source"],
            status=row["status"],
        )
        found.setdefault((row["network"], row["table"]), []).append(layer)
    return {key: tuple(value) for key, value in found.items()}


@cache
def _counts() -> dict[tuple[str, str], NetworkCount]:
    return {
        (row["network"], row["method"]): NetworkCount(
            int(row["parameters"]), _int(row["flops"]), _float(row["error_pct"]), row["source"], row["status"]
        )
        for row in _rows("network_counts.csv")
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    with files("workloads").joinpath("data", name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _int(text: str) -> int | None:
    return int(text) if text else None


def _float(text: str) -> float | None:
    return float(text) if text else None
