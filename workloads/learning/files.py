"""Data sets in files: MNIST's IDX, CIFAR's batches, images in a folder a class (Tiny ImageNet), arrays."""

import gzip
import struct
import zipfile
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError, WorkloadError, shown
from workloads.plain_files import read_plain

Raw = tuple[NDArray[Any], NDArray[Any]]

_IMAGES: Final = (".png", ".jpg", ".jpeg", ".bmp")
_BROKEN: Final = (OSError, EOFError, KeyError, ValueError, struct.error, zlib.error, zipfile.BadZipFile)


class DataError(WorkloadError):
    """A data set cannot be read, or not be split as asked."""


def read(path: Path) -> Raw:
    """Read a file or a folder in one of the forms that `load_data` names."""
    if path.suffix == ".npz":
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                return held["inputs"], held["labels"]
        except (*_BROKEN, TypeError) as error:  # a lone array is no archive
            raise DataError(f"data {path}: needs arrays 'inputs' and 'labels' ({error})") from None
    images, labels = sorted(path.glob("*images*idx3*")), sorted(path.glob("*labels*idx1*"))
    if images or labels:
        for lone in {_twin(one) for one in (*images, *labels)} - {*images, *labels}:
            raise DataError(f"data {lone}: is missing beside {_twin(lone).name}")
        pairs = [(_idx(one), _idx(_twin(one))) for one in images]
        inputs = np.concatenate([inputs for inputs, _ in pairs])
        return inputs[:, None], np.concatenate([labels for _, labels in pairs])
    batches = sorted(path.glob("*.bin"))
    if batches:
        return _cifar(batches)
    found = _by_class(path / "train" if (path / "train").is_dir() else path)
    if found:
        return _pictures(path, [*found, *_annotated(path / "val")])
    raise DataError(
        f"data {path}: holds no IDX images (*images*idx3*), no CIFAR batches (*.bin) and no folder of "
        f"images ({', '.join(_IMAGES)}) a class"
    )


def _twin(path: Path) -> Path:
    """Return the labels that belong to a file of images, and the other way round."""
    ours, theirs = ("images", "labels") if "images" in path.name else ("labels", "images")
    dims = ("idx3", "idx1") if ours == "images" else ("idx1", "idx3")
    return path.with_name(path.name.replace(ours, theirs).replace(*dims))


def _by_class(path: Path) -> list[tuple[Path, str]]:
    """Return images with the name of the folder, below the path, that they lie in."""
    return [
        (file, folder.name)
        for folder in sorted(path.iterdir())
        if folder.is_dir()
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in _IMAGES
    ]


def _annotated(path: Path) -> list[tuple[Path, str]]:
    """Return Tiny ImageNet's validation images: a line of val_annotations.txt is file, class, box."""
    listed = path / "val_annotations.txt"
    if not listed.exists():
        return []
    rows = [line.split("\t") for line in listed.read_text().splitlines() if line]
    if any(len(row) < 2 for row in rows):
        raise DataError(f"data {listed}: a line is no file and class with a tab between them")
    return [(path / "images" / row[0], row[1]) for row in rows]


def _pictures(path: Path, found: list[tuple[Path, str]]) -> Raw:
    """Read images of one size, as three colours each."""
    try:
        opened = import_module("PIL.Image").open
    except ImportError:
        raise DataError(f"data {path}: images are read by the package Pillow: pip install pillow") from None
    pieces: list[NDArray[np.uint8]] = []
    for file, _ in found:
        try:
            with opened(file) as image:
                pieces.append(np.asarray(image.convert("RGB"), dtype=np.uint8))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"data {file}: no image ({error})") from None
        if pieces[-1].shape != pieces[0].shape:
            sizes = ["x".join(map(str, one.shape[:2])) for one in (pieces[-1], pieces[0])]
            raise DataError(f"data {file}: {sizes[0]} pixels, those before are {sizes[1]}")
    return np.stack(pieces).transpose(0, 3, 1, 2), np.array([label for _, label in found])


def _idx(path: Path) -> NDArray[np.uint8]:
    """Read MNIST's format: two zero bytes, type 8 (bytes), dimensions, their lengths, the elements."""
    try:
        content = gzip.decompress(read_plain(path)) if path.suffix == ".gz" else read_plain(path)
        zero, kind, dims = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{dims}I", content[4 : 4 + 4 * dims])
        if (zero, kind) != (0, 8):
            raise InputError(f"starts with {shown(content[:4])}")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dims).reshape(shape)
    except _BROKEN as error:
        raise DataError(f"data {path}: no IDX file of bytes ({error})") from None


def _cifar(batches: list[Path]) -> Raw:
    """Read CIFAR's binary batches: one label byte (CIFAR-100: two, the fine one last), 3,072 pixels."""
    coarse = int(not any(path.stem.startswith(("data_batch", "test_batch")) for path in batches))
    length = 1 + coarse + 3072
    pieces = []
    for path in batches:
        held = np.frombuffer(read_plain(path), np.uint8)
        if held.size == 0 or held.size % length:
            raise DataError(f"data {path}: {held.size} bytes are no whole number of images of {length}")
        pieces.append(held.reshape(-1, length))
    held = np.concatenate(pieces)
    return held[:, length - 3072 :].reshape(-1, 3, 32, 32), held[:, length - 3073]
