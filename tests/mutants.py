"""Faults planted one by one in the kernels: which does no test of theirs notice?

`python -m tests.mutants [COUNT] [SEED]`, or `make mutants`, which installs cosmic-ray first: its operators
make the faults (another operator, comparison or number, a loop that never runs, ...). A place in the code is
drawn, then one of the faults that it can have. Each is planted in a copy of the project, and tests run
there, from the cheapest on until one fails: the oracles of the module that was touched, uncompiled, on a few
examples each; the same on more of them; then compiled, with all tests of its subject and all examples. What
survives is printed with its line, at once.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT: Final = Path(__file__).resolve().parents[1]
COUNT: Final = 200
LONGEST_S: Final = 1800

LEFT_OUT: Final = ("Decorator", "Exception", "Shift", "Bit", "Pow", "Is", "Variable", "Invert", "UAdd")
"""Faults that no kernel can have, or that the types already refuse."""

FEW: Final = 6
MANY: Final = 40
"""Examples of a property: nearly every fault is noticed by a few, most of the others by more."""


class Oracles(NamedTuple):
    """Tests of a folder or file of kernels: those that are quick uncompiled, and all of the subject."""

    quick: str
    all: str


ORACLES: Final = {
    "hwmodels/kernels/two_level": Oracles(
        "tests/hwmodels/test_systolic.py tests/hwmodels/test_tiling.py tests/hwmodels/test_account.py "
        "tests/hwmodels/test_given.py tests/hwmodels/test_packed_memory.py tests/hwmodels/test_sparse.py "
        "tests/hwmodels/test_members.py tests/hwmodels/test_side_by_side.py tests/dse_search/test_bounds.py",
        "tests/hwmodels tests/machines tests/dse_search tests/laws",
    ),
    "hwmodels/kernels/nest": Oracles(
        "tests/mapping/test_golden.py tests/mapping/test_window.py tests/mapping/test_lattice.py "
        "tests/mapping/test_joined.py tests/mapping/test_search.py tests/mapping/test_engine.py "
        "tests/mapping/test_uneven.py",
        "tests/mapping tests/mapping_machines tests/interop",
    ),
    "hwmodels/kernels/zeros": Oracles(
        "tests/interop/test_sparseloop.py tests/interop/test_sparseloop_search.py",
        "tests/interop tests/sparsity tests/mapping_machines",
    ),
    "hwmodels/kernels/counts": Oracles("tests/counts/test_sets.py", "tests/counts"),
    "hwmodels/kernels/template": Oracles(
        "tests/hwmodels/test_template.py", "tests/hwmodels tests/dse_search"
    ),
    "hwmodels/kernels/accounting": Oracles("tests/hwmodels/test_account.py", "tests/hwmodels tests/mapping"),
    "hwmodels/kernels/fusion": Oracles("tests/fusion/test_capacity.py", "tests/fusion"),
    "hwmodels/kernels/rounding.py": Oracles("tests/components/test_datapath.py", "tests/components"),
    "hwmodels/packing.py": Oracles(
        "tests/hwmodels/test_packed_memory.py tests/hwmodels/test_evaluate.py",
        "tests/hwmodels tests/machines",
    ),
}
"""By folder or file."""


class Fault(NamedTuple):
    """One fault that a file can have."""

    file: str
    line: int
    operator: str
    occurrence: int

    def planted(self) -> str:
        """The file's text with the fault."""
        text = mutate_code((ROOT / self.file).read_text(), get_operator(self.operator)(), self.occurrence)
        assert text is not None
        return str(text)


def faults(file: Path) -> list[list[Fault]]:
    """All faults of a file, by place."""
    places = defaultdict(list)
    tree = get_ast(file.read_text())
    for name in operator_names():
        operator = get_operator(name)
        if any(word in name for word in LEFT_OUT) or operator.arguments():
            continue
        positions = (place for node in ast_nodes(tree) for place in operator().mutation_positions(node))
        for occurrence, place in enumerate(positions):
            places[place].append(Fault(str(file.relative_to(ROOT)), place[0][0], name, occurrence))
    return list(places.values())


def drawn(count: int, chance: random.Random) -> list[Fault]:
    """Faults at places drawn evenly, one a place."""
    files = [
        path
        for name in ORACLES
        for path in ([ROOT / name] if "." in name else sorted((ROOT / name).rglob("*.py")))
    ]
    places = [place for file in files for place in faults(file)]
    return [chance.choice(place) for place in chance.sample(places, min(count, len(places)))]


def noticed(fault: Fault, tree: Path, most: int) -> str:
    """Which tests fail once the fault stands in the tree, which is mended afterwards; "" for none."""
    file = tree / fault.file
    oracles = next(of for name, of in ORACLES.items() if fault.file.startswith(name))
    module = fault.file.removesuffix(".py").replace("/", ".")
    own = [name for name in oracles.quick.split() if module in (ROOT / name).read_text()]
    quick = tuple(dict.fromkeys([*own, *oracles.quick.split()]))
    assert sound(tree, tuple(sorted(quick))), f"without a fault they fail: {' '.join(quick)}"
    file.write_text(fault.planted())
    try:
        for what, tests, examples, compiled in (
            ("few examples", quick, FEW, False),
            ("more examples", quick, MANY, False),
            ("compiled", oracles.all.split(), 0, True),
        )[:most]:
            if not passes(tree, tests, examples, compiled=compiled):
                return what
        return ""
    finally:
        shutil.copy2(ROOT / fault.file, file)


@cache
def sound(tree: Path, tests: tuple[str, ...]) -> bool:
    """Whether tests pass where nothing was planted."""
    return passes(tree, tests, FEW, compiled=False)


def passes(tree: Path, tests: Sequence[str], examples: int, *, compiled: bool) -> bool:
    """Whether tests of a tree pass in time."""
    switches = {
        "NUMBA_DISABLE_JIT": "0" if compiled else "1",
        "HYPOTHESIS_PROFILE": "faults",
        "HYPOTHESIS_MOST_EXAMPLES": str(examples),
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",  # a fault may be as long and as old as what it replaces
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        run = subprocess.run(
            command, cwd=tree, env=os.environ | switches, capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def main(count: int = COUNT, seed: int | None = None, most: int = 3) -> None:
    """Plant faults one after another, each held against so many kinds of runs; print those that survive."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print(f"seed {seed}", flush=True)
    survived = number = 0
    begun, spent = time.perf_counter(), os.times()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".venv", ".git", "runs", "build"))
        for number, fault in enumerate(drawn(count, random.Random(seed)), 1):
            by = noticed(fault, tree, most)
            said = f"noticed ({by})" if by else "SURVIVED\n" + change(fault)
            survived += not by
            print(f"{number}: {fault.file}:{fault.line} {fault.operator}: {said}", flush=True)
    ended = os.times()
    cpu = ended.children_user + ended.children_system - spent.children_user - spent.children_system
    wall = time.perf_counter() - begun
    print(f"{survived} of {number} faults survived; {cpu / 60:.0f} CPU-minutes, {wall / 60:.0f} minutes")


def change(fault: Fault) -> str:
    """The line of a fault before and after."""
    lines = zip((ROOT / fault.file).read_text().splitlines(), fault.planted().splitlines(), strict=False)
    before, after = next((old, new) for old, new in lines if old != new)
    return f"-{before}\n+{after}"


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
