"""Weights packed a few bits each, in blocks that share a scale and a zero point (domain com.microsoft)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Array, Constant
from workloads.importers.onnx.handlers.elementwise import UNARY
from workloads.importers.onnx.handlers.movement import pick_rows
from workloads.importers.onnx.handlers.normalisation import normalised
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Elementwise, Linear
from workloads.shapes import Shape, size

_FLOAT_ZEROS = (0, 8)
"""Codes of a four-bit float (E2M1, and bitsandbytes' FP4) that are zero, with either sign."""
_NORMAL_ZERO = 7
"""The code of NF4 that is zero (Dettmers et al., QLoRA, NeurIPS 2023, appendix E)."""


class Packing(NamedTuple):
    """How a weight is packed.

    Attributes
    ----------
    bits
        Of an element, a divisor of 8; the first elements lie in the low bits of a byte.
    block
        Elements along the last axis that share a scale and a zero point; 0 if all of a row do.
    floats
        Whether elements are four-bit floats (E2M1), which have no zero point.

    """

    bits: int
    block: int = 0
    floats: bool = False


def low_bits_first(values: Array, bits: int) -> Array:
    """Return the elements of bytes along the last axis.

    Examples
    --------
    >>> low_bits_first(np.array([[0x21, 0x43]], np.uint8), 4).tolist()
    [[1, 2, 3, 4]]

    """
    apart = values[..., None] >> (bits * np.arange(8 // bits, dtype=np.uint8))
    plain: Array = (apart & ((1 << bits) - 1)).reshape(*values.shape[:-1], -1)
    return plain


def unpacked(
    node: NodeView, packed: Constant | None, shape: Shape, packing: Packing, point: Constant | None = None
) -> Constant:
    """Return the elements, of the shape given, of a weight that is stored packed along its last axis."""
    bits, block, floats = packing
    if packed is None or packed.bits != 8 or bits not in (1, 2, 4, 8):
        which = "a weight" if packed is None else f"its weight {packed.source!r}"
        node.refuse(f"{which} must be a constant of bytes, 1, 2, 4 or 8 bits an element, got {bits}")
    lead, cols = shape[:-1], shape[-1]
    rows = size(lead)
    if packed.elements % rows or packed.elements // rows * (8 // bits) < cols:
        node.refuse(f"its weight {packed.source!r} has shape {packed.shape}, too small for {shape}")

    def load() -> Array:
        plain = low_bits_first(packed.load().reshape(*lead, -1), bits)[..., :cols]
        return np.where(plain == _FLOAT_ZEROS[1], 0, plain) if floats else plain

    def zeros() -> Array:
        if floats or point is None:
            return np.array(0 if floats else 1 << (bits - 1), dtype=np.uint8)
        values = point.load()
        if not block:
            values = low_bits_first(values, bits) if values.dtype == np.uint8 else values
            return np.asarray(values.reshape(*lead, 1))
        values = values.reshape(*lead, -1)
        values = low_bits_first(values, bits) if values.dtype == np.uint8 else values
        return np.asarray(values[..., : -(-cols // block)].repeat(block, axis=-1)[..., :cols])

    layout = (*packed.layout, "unpacked")
    return Constant(packed.source, tuple(shape), load, bits, layout, zero=zeros, valueless=packed.valueless)


def product(
    node: NodeView, builder: Builder, tensor: str, places: tuple[int, int, int], rows: int, name: str
) -> str:
    """Add a linear layer; `places` are the inputs that are its packed weight, zero points, and bias."""
    weight, point, bias = (builder.constant(node, place) for place in places)
    shape = (rows, node.integer("K", 0))
    packing = Packing(node.integer("bits", 4), node.integer("block_size", 32))
    if min(shape) < 1 or packing.block < 1:
        node.refuse(f"N, K and block_size must be positive, got {rows}, {shape[1]} and {packing.block}")
    weights = {"weight": builder.weight(unpacked(node, weight, shape, packing, point))}
    if bias is not None:
        weights["bias"] = builder.weight(bias)
    return builder.step(Linear(name, rows, bias=bias is not None), tensor, weights=weights)


@handles("MatMulNBits")
def packed_product(node: NodeView, builder: Builder) -> None:
    """Add a linear layer whose weights are packed."""
    tensor, rows = builder.tensor(node).name, node.integer("N", 0)
    builder.bind(node.outputs[0], product(node, builder, tensor, (1, 3, 5), rows, node.name))


@handles("MatMulNBitsMlp")
def packed_gate(node: NodeView, builder: Builder) -> None:
    """Add two layers of one input, normalised where asked for; the first, activated, times the second."""
    tensor, rows = _normalised_first(node, builder, 1), node.integer("N", 0)
    gate = product(node, builder, tensor, (3, -1, 5), rows, f"{node.name}/gate")
    up = product(node, builder, tensor, (6, -1, 8), rows, f"{node.name}/up")
    function = node.text("activation", "silu")
    known = {"silu": "silu", "swish": "silu", "gelu": "gelu"} | {a.lower(): f for a, f in UNARY.items()}
    if function.lower() not in known:
        node.refuse(f"activation {function!r} is not known")
    gate = builder.step(Elementwise(f"{node.name}/activation", known[function.lower()]), gate)
    builder.emit(node, Elementwise(node.name, "mul"), gate, up)


@handles("MatMulNBitsQkv")
def packed_heads(node: NodeView, builder: Builder) -> None:
    """Add three layers of one normalised input: queries, keys, values."""
    tensor = _normalised_first(node, builder, 3)
    for i, what in enumerate(("query", "key", "value")):
        rows, places = node.integer("Nkv" if i else "Nq", 0), (3 + 3 * i, -1, 5 + 3 * i)
        builder.bind(node.outputs[i], product(node, builder, tensor, places, rows, f"{node.name}/{what}"))


def _normalised_first(node: NodeView, builder: Builder, place: int) -> str:
    """Return the input, behind a residual sum (input 1) and an RMS norm (input 2) where they are given."""
    tensor = builder.tensor(node).name
    if node.input(1):
        tensor = builder.step(Elementwise(f"{node.name}/skip", "add"), tensor, builder.flowing(node, 1))
        if len(node.outputs) > place and node.outputs[place]:
            builder.bind(node.outputs[place], tensor)
    if not node.input(2):
        return tensor
    result = f"{node.name}/normalised"
    inner = node.rewritten("SimplifiedLayerNormalization", node.inputs[:3], [result], f"{node.name}/norm")
    normalised(inner, builder, tensor, (2, -1), rms=True)
    return builder.tensors[result]


@handles("MatMulBnb4")
def product_of_codes(node: NodeView, builder: Builder) -> None:
    """Add a linear layer whose weights are codes of four bits, FP4 or NF4, two a byte."""
    packed, shape = builder.constant(node, 1), (node.integer("N", 0), node.integer("K", 0))
    if packed is None or min(shape) < 1 or packed.elements < -(-size(shape) // 2):
        node.refuse(f"its weight {node.input(1)!r} must be a constant of N x K = {shape} codes, two a byte")
    normal = node.integer("quant_type", 1) == 1

    def load() -> Array:
        swapped = packed.load().reshape(-1)
        codes = low_bits_first((swapped << 4) | (swapped >> 4), 4)[: size(shape)].reshape(shape)
        return codes if normal else np.where(codes == _FLOAT_ZEROS[1], 0, codes)

    zero: Callable[[], Array] = lambda: np.array(_NORMAL_ZERO if normal else 0, np.uint8)  # noqa: E731
    layout = (*packed.layout, "unpacked")
    weight = Constant(packed.source, shape, load, 4, layout, zero=zero, valueless=packed.valueless)
    if not node.integer("transB", 1):
        node.refuse("transB=0 is not known: codes are those of N rows of K")
    weights = {"weight": builder.weight(weight)}
    builder.emit(node, Linear(node.name, shape[0], bias=False), builder.tensor(node).name, weights=weights)


@handles("GatherBlockQuantized")
def packed_rows(node: NodeView, builder: Builder) -> None:
    """Add rows picked of a constant table of few bits, and their scaling."""
    table, point = builder.constant(node, 0), builder.constant(node, 3)
    if table is None:
        node.refuse(f"its table {node.input(0)!r} must be a constant")
    bits, block = node.integer("bits", 4), node.integer("block_size", 128)
    rank = len(table.shape)
    along = node.integer("quantize_axis", 1) % max(1, rank)
    if table.bits == 8 and (table.valueless or table.load().dtype == np.uint8):
        if bits not in (2, 4, 8) or along != rank - 1:
            node.refuse(
                f"bytes hold 2, 4 or 8 bits along the last axis, got bits={bits}, quantize_axis={along}"
            )
        shape = (*table.shape[:-1], table.shape[-1] * (8 // bits))
        table = unpacked(node, table, shape, Packing(bits, block), point)
    elif point is not None:
        plain, given = table, point

        def zeros() -> Array:
            cut = tuple(slice(0, length) for length in plain.shape)
            return np.asarray(given.load().repeat(block, axis=along)[cut])

        table = Constant(plain.source, plain.shape, plain.load, plain.bits, plain.layout, zero=zeros)
    picked = f"{node.name}/codes"
    inner = node.rewritten("Gather", node.inputs[:2], [picked], f"{node.name}/rows")
    pick_rows(inner, builder, table, node.integer("gather_axis", 0))
    builder.emit(node, Elementwise(node.name, "dequantize"), builder.tensors[picked])
