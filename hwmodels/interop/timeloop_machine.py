"""The architecture and the constraints of Timeloop's files as a machine that maps any convolution."""

import glob
from collections.abc import Mapping, Sequence
from os import PathLike, fspath

from hwmodels.interop.level_machine import level_machine
from hwmodels.interop.sparseloop_machine import level_sparsity, mac_sparsity
from hwmodels.interop.sparseloop_section import read_sparse
from hwmodels.interop.timeloop import CONSTRAINT_SECTIONS, sparse_section
from hwmodels.interop.timeloop_architecture import Machine, read_machine, read_tree
from hwmodels.interop.timeloop_constraints import read_constraints
from hwmodels.interop.timeloop_directives import Place
from hwmodels.interop.timeloop_files import TimeloopInputError, read_sections
from hwmodels.interop.timeloop_problem import CNN_DIMENSIONS, CNN_OPERANDS, read_problem
from hwmodels.level_sparsity import NO_MAC_ZEROS, LevelSparsity, MacSparsity
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import CONVOLUTION, NO_LIMIT, Constraints, Factors, LevelConstraints
from hwmodels.mapping.problem import Problem
from hwmodels.mapping.rules import TIMELOOP
from hwmodels.zeros.section import SparseSection
from workloads.errors import InputError
from workloads.grammar.arguments import MAPPING, PATH, PATHS, either, takes
from workloads.values import Value

_TENSORS = {"Weights": "W", "Inputs": "I", "Outputs": "O"}


@takes(paths=either(PATH, PATHS), values=MAPPING.or_none())
def from_timeloop(
    paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    values: Mapping[str, object] | None = None,
    built_in_fit: bool = False,
) -> LevelMachine:
    """Read a machine from Timeloop's files, grammars v0.1 to v0.4.

    Parameters
    ----------
    paths
        A path, a pattern ("arch/*.yaml") or several: the architecture, and component, constraint, ERT and ART
        files beside it. A problem among them only says how dimensions are called.
    values
        What names in templates (v0.4) stand for.
    built_in_fit
        Price a level whose ERT lists `access` but no read by Timeloop's built-in fit, as Timeloop 3.0.3 does.

    Returns
    -------
    LevelMachine
        Its levels with the files' prices and capacities, its constraints as `mapspace`, and Timeloop's rules;
        `assumptions` say what of the files is not used.

    Raises
    ------
    ValueError
        One line with the file, the key and what is supported.

    """
    files = _files(paths)
    sections, texts = read_sections(files, values)
    if texts:
        raise TimeloopInputError(f"{next(iter(texts))}: a mapping is no part of a machine; leave it out")
    if "architecture" not in sections and "arch" not in sections:
        raise TimeloopInputError(f"no section 'architecture' in these files: {', '.join(files)}")
    problem = _problem(sections)
    operands = tuple(operand.name for operand in problem.operands)
    tree = read_tree(sections, operands, problem.extents)
    machine = read_machine(tree, sections.get("ERT"), sections.get("ART"), built_in_fit=built_in_fit)
    place = Place(problem=problem, architecture=machine.architecture, spread=tree.spread, folded=tree.folded)
    given = [sections[s] for s in CONSTRAINT_SECTIONS if s in sections]
    constraints, notes = read_constraints(given, place, tree.directives)
    sparsity, unit = _zeros(sparse_section(sections, tree), problem, machine)
    return level_machine(
        machine.architecture,
        _renamed(_whole(constraints)),
        rules=TIMELOOP,
        where=files[0],
        source=f"Timeloop files {', '.join(files)}",
        assumptions=tuple(dict.fromkeys((*machine.notes, *notes))),
        sparsity=sparsity,
        mac_sparsity=unit,
    )


def _zeros(
    section: Value | None, problem: Problem, machine: Machine
) -> tuple[dict[str, LevelSparsity], MacSparsity]:
    """What levels and MACs do about zeros; nothing where the files say nothing."""
    if section is None:
        return {}, NO_MAC_ZEROS
    said = read_sparse(section, problem, machine.architecture)
    if said == SparseSection():
        return {}, NO_MAC_ZEROS
    try:
        levels = {
            level.name: level_sparsity(
                level.name,
                said,
                problem,
                _TENSORS,
                machine.metadata[level.name],
                machine.actions.get(level.name, {}),
            )
            for level in machine.architecture.levels
        }
    except InputError as wrong:
        raise section.fail(str(wrong)) from None
    return levels, mac_sparsity(said, machine.actions.get(machine.architecture.mac_name, {}))


def _files(paths: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[str]:
    """Paths, with patterns such as `arch/*.yaml` written out."""
    given = [fspath(path) for path in ([paths] if isinstance(paths, (str, PathLike)) else paths)]
    found: list[str] = []
    for path in given:
        matches = sorted(glob.glob(path)) if glob.has_magic(path) else [path]
        if not matches:
            raise TimeloopInputError(f"{path}: no file is called so")
        found += matches
    if not found:
        raise TimeloopInputError("no files were given")
    return found


def _problem(sections: Mapping[str, Value]) -> Problem:
    """A convolution without bounds, in the names that the files use: constraints are of no one layer."""
    output = "K"
    if "problem" in sections:
        own, _ = read_problem(sections["problem"], sections.get("shape"), sections.get("variables"))
        known = {*CNN_DIMENSIONS, "M", "G"}
        names = {operand.name for operand in own.operands}
        if not {*own.dimensions} <= known or names != {*_TENSORS}:
            raise sections["problem"].fail(
                "its constraints speak of another problem than a convolution; read the project with "
                "hwmodels.interop.timeloop.load"
            )
        output = "M" if "M" in own.dimensions else "K"
    elif _speaks_of_m(sections):
        output = "M"
    dimensions = (*(output if d == "K" else d for d in CNN_DIMENSIONS), "G")
    unit = dict.fromkeys(("Wstride", "Hstride", "Wdilation", "Hdilation"), 1)
    shape = {
        "shape": {
            "name": "convolution",
            "dimensions": list(dimensions),
            "coefficients": [{"name": name, "default": 1} for name in unit],
            "data-spaces": [
                {
                    "name": name,
                    "projection": [
                        [(output if term == "K" else term).split("*") for term in rank] for rank in ranks
                    ],
                    "read-write": written,
                }
                for name, ranks, written in CNN_OPERANDS
            ],
        },
        "instance": dict.fromkeys(dimensions, NO_LIMIT),
    }
    return read_problem(Value("", "problem", shape))[0]


def _speaks_of_m(sections: Mapping[str, Value]) -> bool:
    """Whether constraints name the output channels M, as the exercises do, and not K."""
    words: set[str] = set()

    def walk(raw: object, depth: int = 0) -> None:
        if depth > 100:
            return
        if isinstance(raw, dict):
            for key, value in raw.items():
                if key in ("permutation", "factors", "factors_only"):
                    words.update(str(value)[:500])
                walk(value, depth + 1)
        elif isinstance(raw, list):
            for value in raw:
                walk(value, depth + 1)

    for name in ("architecture", *CONSTRAINT_SECTIONS):
        if name in sections:
            walk(sections[name].raw)
    return "M" in words and "K" not in words


def _whole(constraints: Constraints) -> Constraints:
    """Without a factor that stands for a whole dimension: there it is 1 at every other place instead."""
    whole = [
        (level.level, kind, dimension)
        for level in constraints.levels
        for kind in ("temporal", "spatial")
        for dimension, count in getattr(level, kind).fixed.items()
        if count == NO_LIMIT
    ]
    levels = []
    for level in constraints.levels:
        groups = {}
        for kind in ("temporal", "spatial"):
            factors: Factors = getattr(level, kind)
            fixed = {d: n for d, n in factors.fixed.items() if n != NO_LIMIT}
            fixed |= {d: 1 for name, other, d in whole if (name, other) != (level.level, kind)}
            groups[kind] = Factors(fixed=fixed, least=factors.least, greatest=factors.greatest)
        levels.append(
            LevelConstraints(
                level=level.level,
                temporal=groups["temporal"],
                spatial=groups["spatial"],
                innermost=level.innermost,
                outermost=level.outermost,
                spatial_x=level.spatial_x,
                spatial_y=level.spatial_y,
                keep=level.keep,
                bypass=level.bypass,
            )
        )
    return Constraints(levels=tuple(levels), min_parallelism=constraints.min_parallelism)


def _renamed(constraints: Constraints) -> Constraints:
    """Constraints in the names of `hwmodels.mapping.convolution`; loops over groups are left free."""

    def dimensions(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(d for d in ("K" if n == "M" else n for n in names) if d in CONVOLUTION)

    def factors(given: Factors) -> Factors:
        def limits(counts: Mapping[str, int]) -> dict[str, int]:
            named = {("K" if d == "M" else d): n for d, n in counts.items()}
            return {d: n for d, n in named.items() if d in CONVOLUTION}

        return Factors(fixed=limits(given.fixed), least=limits(given.least), greatest=limits(given.greatest))

    def axis(names: frozenset[str] | None) -> frozenset[str] | None:
        return None if names is None else frozenset(dimensions(tuple(names)))

    levels = tuple(
        LevelConstraints(
            level=level.level,
            temporal=factors(level.temporal),
            spatial=factors(level.spatial),
            innermost=dimensions(level.innermost),
            outermost=dimensions(level.outermost),
            spatial_x=axis(level.spatial_x),
            spatial_y=axis(level.spatial_y),
            keep=frozenset(_TENSORS[name] for name in level.keep),
            bypass=frozenset(_TENSORS[name] for name in level.bypass),
        )
        for level in constraints.levels
    )
    return Constraints(levels=levels, min_parallelism=constraints.min_parallelism)
