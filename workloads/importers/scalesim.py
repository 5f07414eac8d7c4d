"""SCALE-Sim topologies: CSV files of convolutions, or of matrix products (M, N, K), v1 to v3."""

import csv
import re
from os import PathLike, fspath
from typing import TYPE_CHECKING, Literal

from workloads.errors import NetworkImportError, shown
from workloads.importers.layers import Layers, convolution, product
from workloads.importers.texts import read_text, stem, whole

if TYPE_CHECKING:
    from workloads.network import Network

_CONVOLUTION = (
    "ifmap height",
    "ifmap width",
    "filter height",
    "filter width",
    "channels",
    "num filter",
    "strides",
)
_PRODUCT = ("M", "N", "K")
_RATIO = re.compile(r"\s*(\d{1,6})\s*:\s*(\d{1,6})\s*")


def read(path: str | PathLike[str]) -> "Network":
    """Read a topology; see `workloads.from_scalesim`."""
    name = fspath(path)
    lines = _lines(read_text(path, "scalesim_topology"))
    if not lines:
        raise NetworkImportError(f"{name}: is empty")
    header = [cell.lower().replace("_", " ") for cell in lines[0][1]]
    products = sorted(header[1:4]) == ["k", "m", "n"]
    if not products and not any("ifmap" in cell for cell in header):
        raise NetworkImportError(
            f"{name}: line {lines[0][0]}: names no columns of a SCALE-Sim topology: "
            "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
            "Strides; or Layer, M, N, K"
        )
    layers = Layers(stem(path), name)
    for number, cells in lines[1:]:
        where = f"{name}: line {number}"
        if not any(cells[1:]):
            continue  # a heading between layers
        named, ordered = _headings(header, cells), _ordered(header, cells, products)
        (_product if products else _convolution)(layers, where, named, ordered)
    return layers.network()


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Lines that hold something: number and cells, parted by what parts the headings; quotes keep a comma."""
    rows = [row.rstrip(",; \t\r") for row in text.splitlines()]
    header = next(filter(None, rows), "")
    mark = max(",;", key=header.count)
    cells = [_cells(row, mark) for row in rows]
    return [(number, row) for number, row in enumerate(cells, start=1) if any(row)]


def _cells(row: str, mark: str) -> list[str]:
    """Cells of a line; a quote left open is a letter."""
    quoting: Literal[0, 3] = csv.QUOTE_NONE if row.count('"') % 2 else csv.QUOTE_MINIMAL
    read = csv.reader([row.replace("\t", mark)], delimiter=mark, skipinitialspace=True, quoting=quoting)
    return [cell.strip().strip('"').strip() for cell in next(read, [])]


def _headings(header: list[str], cells: list[str]) -> list[str]:
    """Headings of a line's cells: SCALE-Sim goes by the place, and needs none for those that may follow."""
    beyond = cells[len(header) :]
    return [*header, *("sparsity" if ":" in cell else "stride width" for cell in beyond)]


def _ordered(header: list[str], cells: list[str], products: bool) -> list[str]:
    """A line's cells in SCALE-Sim's order, as their headings say; as they are where those are other words."""
    wanted = [field.lower() for field in (_PRODUCT if products else _CONVOLUTION)]
    places = [next((i for i, one in enumerate(header) if _means(one, field)), -1) for field in wanted]
    if -1 in places or len(cells) <= max(places):
        return cells
    return [cells[0], *(cells[place] for place in places), *cells[1 + len(wanted) :]]


def _means(heading: str, field: str) -> bool:
    plain = heading.removesuffix("s")
    return plain in (field.removesuffix("s"), "stride height" if field == "strides" else field)


def _numbers(where: str, fields: tuple[str, ...], cells: list[str]) -> list[int]:
    if len(cells) <= len(fields):
        raise NetworkImportError(
            f"{where}: has {len(cells)} columns, but a name and {', '.join(fields)} are needed"
        )
    return [whole(where, field, cell) for field, cell in zip(fields, cells[1:], strict=False)]


def _product(layers: Layers, where: str, header: list[str], cells: list[str]) -> None:
    m, n, k = _numbers(where, _PRODUCT, cells)
    operation = product(layers.unique(cells[0]), n)
    layers.add(where, operation, (1, m, k))
    _pattern(layers, where, operation.name, header, cells)


def _convolution(layers: Layers, where: str, header: list[str], cells: list[str]) -> None:
    height, width, r, s, channels, filters, stride = _numbers(where, _CONVOLUTION, cells)
    across = stride
    if len(header) > 8 and "stride" in header[8]:
        across = whole(where, "stride width", cells[8] if len(cells) > 8 else "")
    if r > height or s > width:
        raise NetworkImportError(
            f"{where}: a filter of {r} x {s} is larger than its ifmap of {height} x {width}; padding "
            "counts as ifmap there"
        )
    batch = _of(header, cells, "batch")
    images = whole(where, "batch size", batch) if batch else 1
    depthwise = "DP" in cells[0]  # SCALE-Sim's mark: each channel is convolved by itself
    groups = channels if depthwise else 1
    operation = convolution(
        layers.unique(cells[0]), (height, width), (r, s), (stride, across), filters * groups, groups
    )
    layers.add(where, operation, (images, channels, height, width))
    _pattern(layers, where, operation.name, header, cells)


def _of(header: list[str], cells: list[str], word: str) -> str:
    """The cell under the heading that has a word in it; "" where there is none."""
    for heading, cell in zip(header, cells, strict=False):
        if word in heading:
            return cell
    return ""


def _pattern(layers: Layers, where: str, name: str, header: list[str], cells: list[str]) -> None:
    """Note the N:M of v3's column, non-zeros in each run of the weights."""
    given = _of(header, cells, "sparsity")
    if not given:
        return
    found = _RATIO.fullmatch(given)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise NetworkImportError(
            f"{where}: sparsity must be N:M with N at most M, such as 2:4, got {shown(given[:40])}"
        )
    if found[1] != found[2]:
        layers.patterns[name] = int(found[1]), int(found[2])
