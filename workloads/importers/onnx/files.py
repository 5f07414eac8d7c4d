"""Files into protobufs and arrays, with one-line errors; nothing outside the model's folder is opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, inliner, version_converter

from workloads.errors import NetworkImportError, shown
from workloads.importers.onnx.older import lifted
from workloads.plain_files import read_plain
from workloads.shapes import size

OLDEST_OPSET = 7

_PLAIN: dict[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.DOUBLE: np.dtype("<f8"),
    TensorProto.FLOAT16: np.dtype("<f2"),
    TensorProto.INT8: np.dtype("<i1"),
    TensorProto.INT16: np.dtype("<i2"),
    TensorProto.INT32: np.dtype("<i4"),
    TensorProto.INT64: np.dtype("<i8"),
    TensorProto.UINT8: np.dtype("<u1"),
    TensorProto.UINT16: np.dtype("<u2"),
    TensorProto.UINT32: np.dtype("<u4"),
    TensorProto.UINT64: np.dtype("<u8"),
    TensorProto.BOOL: np.dtype("?"),
}
"""Element types whose bytes NumPy reads as they are."""

_INTEGER_BITS: dict[int, int] = {
    TensorProto.INT8: 8,
    TensorProto.UINT8: 8,
    TensorProto.INT16: 16,
    TensorProto.UINT16: 16,
    TensorProto.INT32: 32,
    TensorProto.UINT32: 32,
    TensorProto.INT64: 64,
    TensorProto.UINT64: 64,
    TensorProto.BOOL: 8,
    TensorProto.INT4: 4,
    TensorProto.UINT4: 4,
}


def stored_bits(element_type: int) -> int:
    """Return the bits of an integer type; 0, the datapath's, for a floating-point type."""
    return _INTEGER_BITS.get(element_type, 0)


def load_model(path: Path) -> Any:
    """Read and parse a model, external data left where it is.

    Raises
    ------
    NetworkImportError
        If there is no such file, it is a folder, or it is no ONNX model this reader knows.

    """
    if path.is_dir():
        raise NetworkImportError(f"{path} is a folder, not an ONNX file")
    try:
        content = read_plain(path)
    except FileNotFoundError:
        raise NetworkImportError(f"there is no file {path}") from None
    except OSError as error:
        raise NetworkImportError(f"cannot read {path}: {error.strerror}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # protobuf's DecodeError, whatever package it comes from
        raise NetworkImportError(f"{path} is not an ONNX model, or is truncated") from None
    del content
    if not model.graph.node and not model.graph.output:
        raise NetworkImportError(f"{path} is not an ONNX model: it has no graph")
    if not all(isinstance(text, str) for text in _texts(model.graph)):  # protobuf hands other bytes through
        raise NetworkImportError(f"{path} is not an ONNX model, or is damaged: a name in it is not UTF-8")
    model = _modern(path, model)
    if model.functions:
        model = inline_functions(path, model)
    return model


def _modern(path: Path, model: Any) -> Any:
    """Return a model in an operator set this reader knows: older ones are converted by ONNX."""
    version = _opset(model)
    if 1 <= version < OLDEST_OPSET:
        try:
            model = version_converter.convert_version(model, OLDEST_OPSET)
        except Exception as error:  # the C++ side raises RuntimeError and others
            made = lifted(model)
            if made is None:
                raise NetworkImportError(
                    f"{path} uses operator set {version}; ONNX cannot convert it to {OLDEST_OPSET}: "
                    f"{first_line(error)}"
                ) from None
            model = made
    check_opset(path, model)
    return model


def _opset(model: Any) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return int(max(versions, default=0))


def _texts(graph: Any) -> Iterator[object]:
    """Yield every name in a graph."""
    yield graph.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for value in (*graph.input, *graph.output):
        yield value.name
        yield from (length.dim_param for length in value.type.tensor_type.shape.dim)
    for tensor in graph.initializer:
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))


def check_opset(path: Path, model: Any) -> int:
    """Return the version of the standard operators a model uses, if this reader knows it."""
    newest = onnx.defs.onnx_opset_version()
    version = _opset(model)
    if not OLDEST_OPSET <= version <= newest:
        raise NetworkImportError(
            f"{path} uses operator set {version}, known are {OLDEST_OPSET} to {newest}, and "
            f"older ones are converted"
        )
    return version


def inline_functions(path: Path, model: Any) -> Any:
    """Return the model with its own functions written out."""
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # the C++ side raises RuntimeError and others
        raise NetworkImportError(
            f"{path}: its functions cannot be written out: {first_line(error)}"
        ) from None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def printable(text: str) -> str:
    """Return a text on one line, whatever names from a file are in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tensor_shape(tensor: Any) -> tuple[int, ...]:
    """Return the shape of a stored tensor, dense or sparse, refusing negative lengths."""
    shape = tuple(int(length) for length in tensor.dims)
    if any(length < 0 for length in shape):
        name = getattr(tensor, "name", "") or tensor.values.name
        raise NetworkImportError(f"tensor {shown(name)}: negative length in its shape {shape}")
    return shape


def tensor_array(tensor: Any, folder: Path) -> NDArray[Any]:
    """Return a stored tensor's values; those in another file are mapped, not read.

    Raises
    ------
    NetworkImportError
        If bytes are missing, or lie outside the model's folder.

    """
    shape = tensor_shape(tensor)
    plain = _PLAIN.get(tensor.data_type)
    external = tensor.data_location == TensorProto.EXTERNAL
    try:
        if plain is not None and (external or tensor.HasField("raw_data")):
            data: Any = external_bytes(tensor, folder) if external else tensor.raw_data
            if len(data) != size(shape) * plain.itemsize:
                raise NetworkImportError(
                    f"tensor {shown(tensor.name)}: {len(data)} bytes, its shape {shape} takes "
                    f"{size(shape) * plain.itemsize}"
                )
            values: NDArray[Any] = np.frombuffer(data, dtype=plain)
            return values.reshape(shape)
        if external:
            copy = TensorProto()
            copy.CopyFrom(tensor)
            copy.ClearField("data_location")
            del copy.external_data[:]
            copy.raw_data = bytes(external_bytes(tensor, folder))
            tensor = copy
        array: NDArray[Any] = onnx.numpy_helper.to_array(tensor)
        return array.reshape(shape)
    except NetworkImportError:
        raise
    except Exception as error:  # whatever a damaged tensor makes the decoder raise
        raise NetworkImportError(f"tensor {shown(tensor.name)} cannot be read: {first_line(error)}") from None


def is_missing(tensor: Any, folder: Path, *, files: bool) -> bool:
    """Whether a stored tensor came without its values: no bytes, or (if `files`) a file that is not there."""
    if not size(tensor_shape(tensor)):
        return False
    if tensor.data_location == TensorProto.EXTERNAL:
        if not files:
            return False
        location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        target = (folder / location).resolve()
        return bool(location) and target.is_relative_to(folder.resolve()) and not target.exists()
    fields = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
    return not tensor.raw_data and not any(len(getattr(tensor, field)) for field in fields)


def external_bytes(tensor: Any, folder: Path) -> memoryview:
    """Map the bytes of a tensor that lie in another file beside the model."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    where = f"tensor {tensor.name!r}: external file {location!r}"
    root = folder.resolve()
    target = (root / location).resolve()
    if not location or Path(location).is_absolute() or not target.is_relative_to(root) or target == root:
        raise NetworkImportError(f"{where} is outside the model's folder")
    if not target.is_file():
        raise NetworkImportError(f"{where} is missing; weights='dense' reads the model without")
    offset, length = int(entries.get("offset", "0")), int(entries.get("length", "-1"))
    available = target.stat().st_size - offset
    if length == -1:
        length = available
    if offset < 0 or length < 0 or length > available:
        raise NetworkImportError(f"{where} has {available} bytes after {offset}, the tensor needs {length}")
    if length == 0:
        return memoryview(b"")
    mapped = np.memmap(target, dtype=np.uint8, mode="r", offset=offset, shape=(length,))
    return memoryview(mapped)  # type: ignore[arg-type]
