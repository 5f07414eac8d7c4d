"""Kills, flipped bits, foreign parts and mutants, with a fresh seed: what `docs/reliability.md` states.

`python -m tests.benchmarks reliability` takes some minutes; the tests do a little of the same each time.
"""

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.dse import breaking
from tests.dse.test_killed import Forge

KILLS: Final = 1000
FLIPS: Final = 1000
FOREIGN: Final = 200
MUTANTS: Final = 100_000


def main() -> None:
    """Print what was done, and that nothing gave way; the first that does ends it with its seed."""
    chance, seed = breaking.fresh()
    print(f"seed {seed}")
    _run("flipped bits", lambda folder: breaking.flips(folder, FLIPS, chance), FLIPS)
    _run(
        "foreign, misplaced, cut or edited parts",
        lambda folder: breaking.foreign(folder, FOREIGN, chance),
        FOREIGN,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _run("mutants", lambda folder: breaking.mutants(folder, MUTANTS, chance), MUTANTS)
    forge = Forge()
    try:
        _run("kills", lambda folder: breaking.kills(forge, folder, KILLS, chance), KILLS)
    finally:
        forge.close()


def _run(what: str, of: Callable[[Path], Any], count: int) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        said = of(Path(folder))
    spent, wall = time.process_time() - cpu, time.perf_counter() - begun
    more = f" ({said})" if said is not None else ""
    print(f"{count:,} {what}: all as promised{more}; {spent:.0f} CPU-s, {wall:.0f} s", flush=True)


if __name__ == "__main__":
    main()
