"""The long run behind `docs/reliability.md`: kills, flips, foreign parts, mutants, laws, a large store.

`make long`, or `python -m tests.benchmarks.reliability [SHARE] [PART ...]`: a share of the full scale, by
default all of it, and parts by name, by default all. It prints its seed, what each part does, and at the end
the table that the page shows. The tests do a little of the same each time; planted faults are `make mutants`.
"""

import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.benchmarks import laws, store
from tests.dse import breaking
from tests.dse.test_killed import Forge
from tests.explore.borders import BORDERS, SLOW_S, wrong

LARGE_MIB: Final = 2048
RARE: Final = {"torch": 0.1}
"""Share of the mutants of a border whose every case takes long."""


class Part(NamedTuple):
    """Something that is done so many times."""

    times: int
    of: Callable[[int, random.Random], tuple[str, str]]  # count, chance -> what was done, result


def _flips(count: int, chance: random.Random) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        breaking.flips(Path(folder), count, chance)
    return (
        f"{count:,} single bits flipped, in any file of a store",
        "every store ended bit-identical, one line named the file",
    )


def _foreign(count: int, chance: random.Random) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        breaking.foreign(Path(folder), count, chance)
    return (
        f"{count:,} parts replaced by those of other sweeps or ranges, cut, or edited with pandas",
        "the same",
    )


def _kills(count: int, chance: random.Random) -> tuple[str, str]:
    forge = Forge()
    try:
        with tempfile.TemporaryDirectory() as folder:
            deaths, stores = breaking.kills(forge, Path(folder), count, chance)
    finally:
        forge.close()
    return (
        f"{deaths:,} kills at random moments, over {stores:,} stores of sweeps and searches",
        "each store ended bit-identical",
    )


def _mutants(count: int, chance: random.Random) -> tuple[str, str]:
    """Fail on the first that is taken wrong, with what it was."""
    shares = {name: RARE.get(name, 1.0) for name in sorted(BORDERS)}
    whole, done = sum(shares.values()), 0
    at_most_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of all that this process ran before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, share in shares.items():
            for _ in range(-(-round(count * share) // round(whole))):
                case = BORDERS[name].make(chance)
                problem = wrong(name, case)
                assert not problem, (name, problem, case)
                done += 1
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_most_kib) / 1024
    assert grown_mib < LARGE_MIB, f"{grown_mib:,.0f} MiB"
    return (
        f"{done:,} mutants over {len(shares)} borders: {', '.join(shares)}",
        f"no traceback, none over {SLOW_S:g} CPU-s or 2 GB, no line over 300 characters",
    )


def _laws(count: int, chance: random.Random) -> tuple[str, str]:
    pairs, problems = laws.held(count, chance.randrange(1 << 32))
    assert not problems, problems
    kinds = ", ".join(f"{number:,} of {kind}" for kind, number in pairs.items())
    return f"{sum(pairs.values()):,} random pairs of network and machine ({kinds})", "no law broken"


def _verified(count: int, chance: random.Random) -> tuple[str, str]:
    taken = store.times(count, reading=False)
    assert taken.verifying_s <= store.TARGET_VERIFYING_S
    size = f"{taken.parts:,} parts, {taken.mib:,.0f} MiB"
    return f"a store of {taken.rows:,} rows verified ({size})", f"{taken.verifying_s:.1f} CPU-s to verify"


PARTS: Final = {
    "flips": Part(1_000, _flips),
    "foreign": Part(200, _foreign),
    "kills": Part(1_000, _kills),
    "mutants": Part(100_000, _mutants),
    "laws": Part(10_000, _laws),
    "verifying": Part(10_000_000, _verified),
}


def main(share: float = 1.0, wanted: tuple[str, ...] = ()) -> None:
    """Do the parts one after another; the first that gives way ends it."""
    chance, seed = breaking.fresh()
    print(f"seed {seed}, {share:g} of the full scale", flush=True)
    rows = []
    for name in wanted or PARTS:
        part = PARTS[name]
        begun = time.perf_counter(), _cpu()
        what, result = part.of(max(1, round(part.times * share)), chance)
        spent = _cpu() - begun[1]
        rows.append(f"| {what} | {result} ({spent:,.0f} CPU-s in all) |")
        print(f"{name}: {time.perf_counter() - begun[0]:,.0f} s\n{rows[-1]}", flush=True)
    print("\n| what was done | result |\n|---|---|", *rows, sep="\n")


def _cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    every = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in every)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(float(arguments[0]) if arguments else 1.0, tuple(arguments[1:]))
