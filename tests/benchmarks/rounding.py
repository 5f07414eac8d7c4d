"""How fast the bit-true datapath rounds: multiply-accumulates per CPU-second on a matrix product."""

import time

import numpy as np

from hwmodels import rounding
from hwmodels.rounding import FixedPoint

SIZES = (256, 512, 256)  # m, k, n


def macs_per_cpu_second(mode: str, round_each: int | None, repeats: int = 5) -> float:
    """Best of `repeats` products of <4, 16> words."""
    rng = np.random.default_rng(0)
    m, k, n = SIZES
    a, b = rng.integers(-(2**16), 2**16, (m, k)), rng.integers(-(2**14), 2**14, (k, n))
    best = float("inf")
    for _ in range(repeats + 1):  # the first one compiles
        start = time.process_time()
        rounding.matmul_words(a, b, FixedPoint(4, 16), mode, round_each=round_each)
        best = min(best, time.process_time() - start)
    return m * k * n / best


def main() -> None:
    """Print one line per way of rounding."""
    print("bit-true <4, 16> matrix product, rounded MACs per CPU-second")
    for mode in ("truncate", "nearest", "stochastic"):
        for round_each in (1, 16, None):
            every = "once per output" if round_each is None else f"every {round_each} products"
            print(f"  {mode:<10} {every:<18} {macs_per_cpu_second(mode, round_each):.2e}")


if __name__ == "__main__":
    main()
