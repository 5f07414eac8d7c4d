"""Faults planted one by one in the kernels: which does no test of theirs notice?

`python -m tests.mutants [COUNT] [SEED]`, or `make mutants`, which installs cosmic-ray first: its
operators make the faults (another operator, comparison or number, a loop that never runs, ...). A place
in the code is drawn, then one of the faults that it can have. Each fault is planted in a copy of the
project, and the oracles of its module run there: first uncompiled, and where they notice nothing
compiled, with all of the module's tests. What survives is printed with its line.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT: Final = Path(__file__).resolve().parents[1]
COUNT: Final = 200
LONGEST_S: Final = 900

LEFT_OUT: Final = ("Decorator", "Exception", "Shift", "Bit", "Pow", "Is", "Variable", "Invert", "UAdd")
"""Faults that no kernel can have, or that the types already refuse."""

ORACLES: Final = {
    "hwmodels/kernels/two_level": (
        "tests/hwmodels/test_tiling.py tests/hwmodels/test_systolic.py tests/hwmodels/test_evaluate.py "
        "tests/hwmodels/test_sparse.py tests/hwmodels/test_members.py tests/dse_search/test_bounds.py",
        "tests/hwmodels tests/machines tests/dse_search tests/laws",
    ),
    "hwmodels/kernels/nest": (
        "tests/mapping/test_engine.py tests/mapping/test_uneven.py tests/mapping/test_window.py",
        "tests/mapping tests/mapping_machines tests/interop",
    ),
    "hwmodels/kernels/template": ("tests/hwmodels/test_template.py", "tests/hwmodels tests/dse_search"),
    "hwmodels/kernels/accounting": ("tests/hwmodels/test_account.py", "tests/hwmodels tests/mapping"),
    "hwmodels/kernels/fusion": ("tests/fusion/test_capacity.py", "tests/fusion"),
    "hwmodels/kernels/rounding.py": ("tests/components/test_datapath.py", "tests/components"),
    "hwmodels/packing.py": (
        "tests/hwmodels/test_packed_memory.py tests/hwmodels/test_evaluate.py",
        "tests/hwmodels tests/machines",
    ),
}
"""Oracles and all tests of a folder or file: the first run uncompiled, the second compiled."""


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


def noticed(fault: Fault, tree: Path) -> bool:
    """Whether a test fails once the fault stands in the tree, which is mended afterwards."""
    file = tree / fault.file
    stands = file.read_text()
    oracles, tests = next(of for name, of in ORACLES.items() if fault.file.startswith(name))
    file.write_text(fault.planted())
    try:
        return not passes(tree, oracles, compiled=False) or not passes(tree, tests, compiled=True)
    finally:
        file.write_text(stands)


def passes(tree: Path, tests: str, *, compiled: bool) -> bool:
    """Whether tests of a tree pass in time."""
    switches = {
        "NUMBA_DISABLE_JIT": "0" if compiled else "1",
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    try:
        run = subprocess.run(
            command, cwd=tree, env=os.environ | switches, capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def main(count: int = COUNT, seed: int | None = None) -> None:
    """Plant faults one after another; print those that survive."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print(f"seed {seed}", flush=True)
    survived, begun = [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(
            ROOT, tree, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "runs", "build")
        )
        for number, fault in enumerate(drawn(count, random.Random(seed)), 1):
            seen = noticed(fault, tree)
            survived += [] if seen else [fault]
            said = "noticed" if seen else "SURVIVED"
            print(f"{number}: {fault.file}:{fault.line} {fault.operator}: {said}", flush=True)
    print(f"{len(survived)} of {number} faults survived; {(time.perf_counter() - begun) / 60:.0f} minutes")
    for fault in survived:
        lines = zip((ROOT / fault.file).read_text().splitlines(), fault.planted().splitlines(), strict=False)
        before, after = next((old, new) for old, new in lines if old != new)
        print(f"{fault.file}:{fault.line}\n-{before}\n+{after}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
