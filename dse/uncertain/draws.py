"""Samples of a technology: one factor a constant, common to all designs of a sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self
from zlib import crc32

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.uncertain.table import PER_MEMORY, Uncertainty

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Draws:
    """Factors on the constants of the technology.

    Attributes
    ----------
    memories
        Names of the main memories.
    factors
        Quantity -> shape (1, n_samples), or (n_memories, n_samples) where each main memory has its own.

    """

    memories: tuple[str, ...]
    factors: dict[str, FloatArray]

    @classmethod
    def of(cls, rows: Sequence[Uncertainty], memories: Sequence[str], samples: int, seed: int) -> Self:
        """Draw samples.

        Every constant has a random stream of its own, from the seed and its name. So what one is worth in a
        sample depends neither on the others' uncertainties nor on how many samples follow, and a constant
        twice as uncertain moves the same way, further.
        """
        drawn: dict[str, list[FloatArray]] = {}
        for row in rows:
            drawn.setdefault(row.quantity, []).append(_factor(row, samples, seed))
        return cls(tuple(memories), {name: np.stack(factors) for name, factors in drawn.items()})

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(next(iter(self.factors.values())).shape[1])

    def at(self, samples: slice) -> "Draws":
        """Some of the samples."""
        return Draws(self.memories, {name: factor[:, samples] for name, factor in self.factors.items()})

    def factor(self, quantity: str, memory: IntArray) -> FloatArray:
        """Factor of a quantity for designs with some main memories, shape (n_designs or 1, n_samples)."""
        factors = self.factors[quantity]
        return factors[memory] if quantity in PER_MEMORY else factors

    def of_designs(self, memory: IntArray) -> Callable[[str], FloatArray]:
        """Factor of any quantity for designs with some main memories; see `factor`."""
        return partial(self.factor, memory=memory)

    def frame(self) -> "pandas.DataFrame":
        """Factors, one row a sample, one column a constant."""
        columns: dict[str, FloatArray] = {}
        for quantity, factors in self.factors.items():
            if quantity in PER_MEMORY:
                for memory, factor in zip(self.memories, factors, strict=True):
                    columns[f"{quantity}[{memory}]"] = factor
            else:
                columns[quantity] = factors[0]
        return pandas.DataFrame(columns, index=pandas.RangeIndex(self.samples, name="sample"))


def _factor(row: Uncertainty, samples: int, seed: int) -> FloatArray:
    stream = np.random.default_rng([seed, crc32(row.name.encode())])
    if row.distribution == "uniform":
        return 1.0 + row.value * (2.0 * stream.random(samples) - 1.0)
    spread = np.sqrt(np.log1p(row.value**2))  # of the logarithm
    factor: FloatArray = np.exp(spread * stream.standard_normal(samples))
    return factor
