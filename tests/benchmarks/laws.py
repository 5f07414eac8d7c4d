"""The laws over thousands of random pairs of network and machine; what breaks one is shrunk and printed.

`python -m tests.benchmarks.laws [PAIRS] [LAW]` draws with a fresh seed, which it prints.
"""

import random
import sys
import time
from collections import Counter
from functools import partial
from typing import Any, Final

from hypothesis import HealthCheck, given, seed, settings

from tests.laws.test_laws import DRAWN, hold

PAIRS: Final = 10_000
SLOW: Final = {"added_values_change_no_front": 0.05, "levels": 0.02}
"""Share of the pairs of a law, or of a kind of machine, whose every pair takes long."""

RULES: Final = partial(
    settings, deadline=None, database=None, derandomize=False, suppress_health_check=list(HealthCheck)
)


def main(pairs: int = PAIRS, only: str = "") -> bool:
    """Draw pairs for every law; say of each how many held, and what broke it."""
    start = random.SystemRandom().randrange(1 << 32)
    print(f"seed {start}")
    return not held(pairs, start, only)[1]


def held(pairs: int, start: int, only: str = "") -> tuple[Counter[str], list[str]]:
    """Draw so many pairs or more over all laws.

    Returns
    -------
    pairs, problems
        Kind of machine -> pairs drawn; and what broke a law, shrunk.

    """
    wanted = [key for key in DRAWN if only in "/".join(key)]
    shares = {key: SLOW.get(key[0], SLOW.get(key[1], 1.0)) for key in wanted}
    drawn, problems = Counter[str](), []
    for (law, kind), share in shares.items():
        each = max(1, -(-round(pairs * share) // max(1, int(sum(shares.values())))))
        begun = time.process_time()
        problem = _broken(law, kind, each, start)
        said = f"broken: {problem}" if problem else "held"
        drawn[kind] += each
        problems += [problem] if problem else []
        print(f"{law}, {kind}: {each:,} pairs {said} ({time.process_time() - begun:.0f} CPU-s)", flush=True)
    return drawn, problems


def _broken(law: str, kind: str, pairs: int, start: int) -> str:
    """What breaks a law, shrunk; "" where nothing does."""

    def one(drawn: Any) -> None:
        hold(law, drawn)

    try:
        seed(start)(RULES(max_examples=pairs)(given(DRAWN[law, kind])(one)))()
    except Exception as problem:
        return "\n".join([str(problem), *getattr(problem, "__notes__", [])])
    return ""


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(not main(int(arguments[0]) if arguments else PAIRS, arguments[1] if len(arguments) > 1 else ""))
