"""Mutants of whatever comes in from outside, for a given time, with a fresh seed.

`python -m tests.explore [SECONDS] [BORDER...]` prints the seed and how many cases each border took. What one
takes wrong is made smaller and written to `tests/explore/found/BORDER-HASH`, where the suite takes it in in
every run.
"""

import hashlib
import random
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from tests.explore.borders import BORDERS, reduced, wrong

FOUND = Path(__file__).parent / "found"


def explored(seconds: float, names: list[str], seed: int) -> dict[str, str]:
    """Draw cases until the time is over; return what was found, by file."""
    chance, found, taken = random.Random(seed), {}, Counter()
    kinds: set[tuple[str, str]] = set()
    end = time.monotonic() + seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < end:
            name = chance.choice(names)
            case = BORDERS[name].make(chance)
            taken[name] += 1
            problem = wrong(name, case)
            if problem and (name, problem.partition(":")[0]) not in kinds:
                kinds.add((name, problem.partition(":")[0]))
                case = reduced(name, case)
                file = f"{name}-{hashlib.sha256(case).hexdigest()[:8]}"
                (FOUND / file).write_bytes(case)
                found[file] = problem
    print(", ".join(f"{name} {count:,}" for name, count in sorted(taken.items())))
    return found


def main(arguments: list[str]) -> int:
    """Explore, and say what was found."""
    seconds = float(arguments[0]) if arguments else 600.0
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    found = explored(seconds, arguments[1:] or sorted(BORDERS), seed)
    for file, problem in found.items():
        print(f"{file}: {problem}")
    print(
        f"{len(found)} kinds of case are taken wrong"
        if found
        else "every case was answered or refused in one line"
    )
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
