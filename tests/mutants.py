"""Faults planted one by one in the kernels: which does no test of theirs notice?

`python -m tests.mutants [COUNT] [SEED] [STAGES]`, or `make mutants`, which installs cosmic-ray first: its
operators make the faults (another operator, comparison or number, a loop that never runs, ...). A place in
the code is drawn, then one of the faults that it can have.

The oracles of the kernels run once, uncompiled, on a few examples each, while coverage notes which test
reaches which line. Then every fault is planted in a fork of that process, in the functions that are there
already, and the tests that reach its line run, the quickest first, until one fails: on few examples, then on
more. What they leave is planted in a copy of the project, where all tests of the subject run compiled. What
survives is printed with its line, at once.
"""

import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

import coverage
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from hypothesis import Phase, settings

ROOT: Final = Path(__file__).resolve().parents[1]
COUNT: Final = 200
STAGES: Final = ("few examples", "more examples", "compiled")
EXAMPLES: Final = (6, 40)
"""Examples of a property: nearly every fault is noticed by a few, most of the others by more."""

LONGEST_S: Final = 1800
"""Of the compiled tests of a subject."""

SPENT_S: Final = 10.0
"""CPU seconds in which no other test begins; what a fault's other tests notice, they do compiled."""

ENDLESS_S: Final = 20.0
"""CPU seconds that an uncompiled test may take beyond ten times its own: a loop no longer ends."""

MEMORY_BYTES: Final = 4 << 30

LEFT_OUT: Final = ("Decorator", "Exception", "Shift", "Bit", "Pow", "Is", "Variable", "Invert", "UAdd")
"""Faults that no kernel can have, or that the types already refuse."""


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


def sources() -> list[Path]:
    """Files in which faults are planted."""
    names = ((ROOT / name) for name in ORACLES)
    return [path for name in names for path in ([name] if name.suffix else sorted(name.rglob("*.py")))]


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
    places = [place for file in sources() for place in faults(file)]
    return [chance.choice(place) for place in chance.sample(places, min(count, len(places)))]


def plant(fault: Fault) -> bool:
    """Give this process's functions and constants the fault; whether anything became another."""
    name = fault.file.removesuffix(".py").replace("/", ".")
    module = sys.modules[name]
    fresh: dict[str, Any] = {"__name__": name, "__file__": module.__file__}
    exec(compile(fault.planted(), str(module.__file__), "exec"), fresh)  # what the module would have been
    other = False
    for key, new in fresh.items():
        old = module.__dict__.get(key)
        if isinstance(old, FunctionType) and old.__module__ == name:
            other |= unlike(old.__code__, new.__code__) or old.__defaults__ != new.__defaults__
            old.__code__, old.__defaults__ = new.__code__, new.__defaults__
        elif isinstance(old, int | float | str) and old != new and not key.startswith("__"):
            other = True
            for reader in list(sys.modules.values()):
                if getattr(reader, "__dict__", {}).get(key) is old:
                    setattr(reader, key, new)
    return other


def unlike(one: CodeType, two: CodeType) -> bool:
    """Whether two codes differ in more than where they stand."""
    consts = [[c for c in code.co_consts if not isinstance(c, CodeType)] for code in (one, two)]
    return one.co_code != two.co_code or repr(consts[0]) != repr(consts[1])


class Reached(NamedTuple):
    """What the oracles do without a fault."""

    seconds: dict[str, float]  # test -> CPU seconds
    lines: dict[str, dict[int, set[str]]]  # file -> line -> tests


class Bench:
    """A pytest that has collected the oracles, and takes a fault at a time in a fork of itself."""

    def __init__(self, work: Callable[["Bench"], None]) -> None:
        """Remember what to do once all tests are known."""
        self._work = work
        self._failed = False
        self.items: dict[str, pytest.Item] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do the work in place of running the tests."""
        assert not session.testsfailed, "an oracle cannot be imported"
        self.items = {item.nodeid: item for item in session.items}
        self._work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what failed, in the fork that runs it."""
        self._failed |= report.failed

    def runs(self, name: str, following: str | None = None) -> bool:
        """Whether a test passes; what it shares with the one that follows stays."""
        self._failed = False
        item = self.items[name]
        item.config.hook.pytest_runtest_protocol(
            item=item, nextitem=self.items[following] if following else None
        )
        return not self._failed

    def reached(self) -> Reached:
        """Run every oracle on few examples, alone, noting the lines that it reaches."""
        self.limit(EXAMPLES[0])
        files = [str(path) for path in sources()]
        seconds = {}
        watch = coverage.Coverage(data_file=None, include=files, config_file=False)
        watch.start()
        for name in self.items:
            watch.switch_context(name)
            begun = time.process_time()
            assert self.runs(name), f"without a fault this fails: {name}"
            seconds[name] = time.process_time() - begun
        watch.stop()
        data = watch.get_data()
        lines = {
            str(Path(file).relative_to(ROOT)): {
                line: {name for name in tests if name}
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return Reached(seconds, lines)

    def limit(self, most: int) -> None:
        """Give properties so many examples at most."""
        for item in self.items.values():
            function = getattr(item, "obj", None)
            function = getattr(function, "__func__", function)
            own = getattr(function, "_hypothesis_internal_use_settings", None)
            if own is not None:
                first = function.__dict__.setdefault("_whole", own)
                function._hypothesis_internal_use_settings = settings(
                    first,
                    max_examples=min(first.max_examples, most),
                    phases=(Phase.explicit, Phase.generate),
                )


def forked(what: Callable[[], Any]) -> Any:
    """What a function returns in a fork of this process; None where the fork is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        said = os.dup(2)
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        try:
            with os.fdopen(writing, "wb") as out:
                pickle.dump(what(), out)
        except BaseException as problem:  # a fork must not go on as its parent does
            os.write(said, f"{type(problem).__name__}: {problem}\n".encode())
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as back:
        answer = back.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status <= 0, "the bench itself fails"
    return pickle.loads(answer) if status == 0 else None


def tests_of(fault: Fault, reached: Reached) -> list[str]:
    """Tests that reach a fault's line, or where no test does its file's, the quickest first."""
    lines = reached.lines.get(fault.file, {})
    tests = lines.get(fault.line) or set().union(*lines.values())
    return sorted(tests, key=lambda name: (reached.seconds[name], name))


def noticed(bench: Bench, fault: Fault, reached: Reached, killers: Counter[str]) -> str:
    """In a fork: how the oracles notice a fault, uncompiled; "" for not at all."""
    if not plant(fault):  # outside functions and constants: no fork of this process can have it
        return ""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    tests = sorted(tests_of(fault, reached), key=lambda name: -killers[name])
    for stage, examples in zip(STAGES, EXAMPLES, strict=False):
        bench.limit(examples)
        begun = time.process_time()
        for name, following in zip(tests, [*tests[1:], None], strict=False):
            allowed = ENDLESS_S + 10 * reached.seconds[name] * examples / EXAMPLES[0]
            signal.setitimer(signal.ITIMER_VIRTUAL, allowed)  # it kills
            passed = bench.runs(name, following)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if not passed:
                return f"{stage}\n{name}"
            if time.process_time() - begun > SPENT_S:
                break
    return ""


def noticed_compiled(fault: Fault, tree: Path) -> str:
    """The same in a copy of the project, compiled, with all tests of the subject."""
    file = tree / fault.file
    oracles = next(of for name, of in ORACLES.items() if fault.file.startswith(name))
    file.write_text(fault.planted())
    try:
        return "" if passes(tree, oracles.all.split()) else STAGES[2]
    finally:
        shutil.copy2(ROOT / fault.file, file)


def passes(tree: Path, tests: Sequence[str]) -> bool:
    """Whether tests of a tree pass, compiled, in time."""
    switches = {
        "NUMBA_DISABLE_JIT": "0",
        "PYTHONPATH": os.pathsep.join([str(tree), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
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


def main(count: int = COUNT, seed: int | None = None, stages: int = len(STAGES)) -> None:
    """Plant faults one after another, each held against so many kinds of runs; print those that survive."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print(f"seed {seed}", flush=True)
    quick = sorted({name for oracles in ORACLES.values() for name in oracles.quick.split()})

    def work(bench: Bench) -> None:
        begun, spent = time.perf_counter(), _cpu()
        reached = forked(bench.reached)
        print(f"{len(bench.items):,} oracles, {_cpu() - spent:.0f} CPU-s to see what they reach", flush=True)
        survivors, killers = list[Fault](), Counter[str]()
        for number, fault in enumerate(drawn(count, random.Random(seed)), 1):
            answer = forked(lambda fault=fault: noticed(bench, fault, reached, killers))
            how, _, test = ("no end", "", "") if answer is None else answer.partition("\n")
            killers[test] += 1
            survivors += [] if how else [fault]
            alone = "" if tests_of(fault, reached) else ", reached by none of them"
            said = f"noticed ({how}) {test}" if how else f"left{alone}\n{change(fault)}"
            print(f"{number}: {fault.file}:{fault.line} {fault.operator}: {said}", flush=True)
        if stages == len(STAGES):
            survivors = compiled(survivors)
        print(f"{len(survivors)} of {count} faults survived")
        print(f"{(_cpu() - spent) / 60:.0f} CPU-minutes, {(time.perf_counter() - begun) / 60:.0f} minutes")

    os.chdir(ROOT)
    os.environ |= {
        "NUMBA_DISABLE_JIT": "1",
        "HYPOTHESIS_PROFILE": "faults",
    }  # nothing of ours is imported yet
    quiet = ["-q", "-s", "--no-header", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    pytest.main([*quiet, *quick], plugins=[Bench(work)])


def compiled(left: list[Fault]) -> list[Fault]:
    """Of faults that the quick oracles leave, those that all tests of their subject leave, too."""
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".venv", ".git", "runs", "build"))
        for fault in left:
            by = noticed_compiled(fault, tree)
            survivors += [] if by else [fault]
            said = f"noticed ({by})" if by else "SURVIVED"
            print(f"{fault.file}:{fault.line} {fault.operator}: {said}\n{change(fault)}", flush=True)
    return survivors


def change(fault: Fault) -> str:
    """The line of a fault before and after."""
    lines = zip((ROOT / fault.file).read_text().splitlines(), fault.planted().splitlines(), strict=False)
    before, after = next((old, new) for old, new in lines if old != new)
    return f"-{before}\n+{after}"


def _cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    every = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in every)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
