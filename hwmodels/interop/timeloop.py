"""Timeloop projects: read the files of one, and run its mapping on our engine under its rules."""

import contextlib
from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, prod
from pathlib import Path

from hwmodels.interop.sparseloop_section import read_sparse
from hwmodels.interop.timeloop_architecture import read_machine, read_tree
from hwmodels.interop.timeloop_constraints import read_constraints
from hwmodels.interop.timeloop_directives import Place
from hwmodels.interop.timeloop_files import TimeloopInputError, read_sections
from hwmodels.interop.timeloop_mapping import parse_map_text, read_mapping
from hwmodels.interop.timeloop_problem import read_problem
from hwmodels.interop.timeloop_stream import Streamed, with_streams
from hwmodels.interop.timeloop_tree import Tree
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import Mapping, uniform, words_needed
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.rules import TIMELOOP, Rules
from hwmodels.mapping.search import Certificate, Objective, map_problem
from hwmodels.mapping.watch import Watch
from hwmodels.zeros.choices import map_zeros, read_choices, spelt
from hwmodels.zeros.counts import Key
from hwmodels.zeros.density import Density
from hwmodels.zeros.formats import NonZeros
from hwmodels.zeros.given import first_full, first_narrow, roomy
from hwmodels.zeros.model import SparseModel
from hwmodels.zeros.section import Metadata, Representation, SparseSection
from workloads.errors import shown
from workloads.values import Value

__all__ = ["TimeloopInputError", "TimeloopProject", "TimeloopResult", "load", "map_project", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeloopProject:
    """What a list of Timeloop files says."""

    problem: Problem
    architecture: Architecture
    mapping: Mapping | None  # None where the files give none
    streamed: tuple[Streamed, ...]  # levels, and operands that pass them without being kept
    constraints: Constraints
    densities: dict[str, Density]
    metadata: dict[str, Metadata]
    actions: dict[str, dict[str, float]]  # pJ by component and action
    sparse: Value | None  # the sparse optimisations, where there are any
    notes: tuple[str, ...]  # what a reader should know: prices that the files do not give, keys left out
    mapper: dict[str, object]  # options of Timeloop's mapper; they do not bind ours
    formats: Names[Key, Representation] | None = None  # in place of those of the sparse optimisations


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeloopResult:
    """What Timeloop's model prints, in its units."""

    cycles: int
    energy_uj: float
    edp_uj_mcycle: float
    utilisation: float
    levels: dict[str, dict[str, dict[str, float]]]  # level -> operand -> counts of one instance, energy in pJ
    mapping: str
    evaluation: Evaluation
    formats: dict[str, str] = field(default_factory=dict)  # "level.operand": ranks from the outermost


def load(
    files: Sequence[str | Path],
    *,
    values: Names[str, object] | None = None,
    built_in_fit: bool = False,
) -> TimeloopProject:
    """Read the files of a Timeloop project, in any grammar from v0.1 to v0.4.

    Parameters
    ----------
    files
        YAML files with the sections architecture, problem, ERT, ART, mapping, constraints, mapper, in any
        order and any split; a file ending in `.txt` is a mapping as Timeloop prints it. Files of the v0.4
        grammar may be Jinja templates, and what they include is found beside them.
    values
        What names in templates stand for, `{"architecture": "eyeriss_like"}`.
    built_in_fit
        Price a level whose ERT lists `access` but no read by Timeloop's built-in fit, as Timeloop 3.0.3
        does; by default its price of an access is used.

    Returns
    -------
    TimeloopProject
        Problem, architecture with energies and areas, mapping (if given) and constraints.

    Raises
    ------
    TimeloopInputError
        One line with the file, the key and what is supported.

    """
    sections, texts = read_sections(files, values)
    for needed in ("architecture", "problem"):
        if needed not in sections and not (needed == "architecture" and "arch" in sections):
            names = ", ".join(Path(file).name for file in files)
            raise TimeloopInputError(f"no section {shown(needed)} in these files: {names}")
    problem, densities = read_problem(sections["problem"], sections.get("shape"), sections.get("variables"))
    operands = tuple(operand.name for operand in problem.operands)
    tree = read_tree(sections, operands, problem.extents)
    machine = read_machine(tree, sections.get("ERT"), sections.get("ART"), built_in_fit=built_in_fit)
    place = Place(problem=problem, architecture=machine.architecture, spread=tree.spread, folded=tree.folded)
    mapping, streamed = _mapping(sections, texts, place, tree.directives)
    given = [sections[s] for s in CONSTRAINT_SECTIONS if s in sections]
    constraints, more = read_constraints(given, place, tree.directives)
    return TimeloopProject(
        problem=problem,
        architecture=machine.architecture,
        mapping=mapping,
        streamed=streamed,
        constraints=constraints,
        densities=densities,
        metadata=machine.metadata,
        actions=machine.actions,
        sparse=sparse_section(sections, tree),
        notes=tuple(dict.fromkeys((*machine.notes, *more))),
        mapper=_mapper(sections.get("mapper")),
    )


CONSTRAINT_SECTIONS = ("architecture_constraints", "mapspace_constraints", "mapspace", "constraints")


def _mapping(
    sections: Names[str, Value], texts: Names[str, str], place: Place, beside: Sequence[Value]
) -> tuple[Mapping | None, tuple[Streamed, ...]]:
    """The mapping that the files give: a section, or a text; where constraints leave one only, that one."""
    mapping: Mapping | None = None
    streamed: tuple[Streamed, ...] = ()
    if "mapping" in sections and sections["mapping"].raw != []:
        mapping, streamed = read_mapping(sections["mapping"], place, beside)
    for file, text in texts.items():
        if mapping is not None:
            raise TimeloopInputError(f"{file}: a mapping was already given")
        mapping = parse_map_text(file, text, place)
    if mapping is None and "constraints" in sections:
        targets = sections["constraints"].get("targets")
        with contextlib.suppress(TimeloopInputError):  # they leave something open: the mapper's work
            return read_mapping(targets, place, beside)
    return mapping, streamed


def sparse_section(sections: Names[str, Value], tree: Tree) -> Value | None:
    """The section of its own, or what a v0.4 architecture says beside its components."""
    if tree.sparse and "sparse_optimizations" in sections:
        raise sections["sparse_optimizations"].fail("the architecture has sparse optimisations of its own")
    if tree.sparse:
        first = tree.sparse[0]
        return replace(first, path="architecture", raw={"targets": [value.raw for value in tree.sparse]})
    return sections.get("sparse_optimizations")


def _mapper(section: Value | None) -> dict[str, object]:
    if section is None or section.raw is None:
        return {}
    return {key: value.raw for key, value in section.items()}


def model(
    project: TimeloopProject, rules: Rules = TIMELOOP, rounding: NonZeros = NonZeros.FIBER
) -> TimeloopResult:
    """Evaluate the mapping of a project, with its sparse optimisations where it has any.

    Parameters
    ----------
    project
        What `load` read; it must hold a mapping.
    rules
        Timeloop's by default: tiles that change their step fetch everything again, first touches read
        nothing. The Sparseloop artifact counts first touches.
    rounding
        How expected non-zeros are rounded: up for each fiber (Timeloop 3.0.3), or only in total (the
        artifact).

    Returns
    -------
    TimeloopResult
        Cycles, energy in uJ, energy-delay product in uJ x 10^6 cycles, utilisation, and the counts of one
        instance (the average over the instances in use) of each operand at each level that keeps it.

    Raises
    ------
    TimeloopInputError
        If there is no mapping, or the sparse optimisations do not follow the grammar.
    MappingError
        If the mapping does not fit: the limit is named. A compressed tile takes its expected non-zeros,
        rounded up. If a sparse optimisation is not supported.

    """
    if project.mapping is None:
        raise TimeloopInputError("no mapping in these files: give a section 'mapping' or a *.map.txt file")
    zeros = _sparse_model(project, project.mapping, rounding)
    wide = project.architecture if zeros is None else roomy(project.architecture, zeros)
    evaluation = evaluate(project.problem, wide, project.mapping, rules)
    held: list[Names[str, float]] = [
        words_needed(project.problem, project.mapping, i) for i in range(len(wide.levels))
    ]
    if zeros is not None:
        held = [zeros.words_held(level.name, words) for level, words in zip(wide.levels, held, strict=True)]
    limit = evaluation.limit or first_full(project.architecture, held)
    if not limit and zeros is not None:
        limit = first_narrow(project.architecture, zeros)
    if limit:
        raise MappingError(f"the mapping does not fit: {_excess(project, project.mapping, limit, held)}")
    if zeros is not None:
        _check_streams(project, zeros)
    evaluation = with_streams(
        evaluation, project.problem, project.architecture, project.mapping, project.streamed
    )
    if zeros is not None:
        return _with_zeros(project, zeros, evaluation)
    return result_of(project.problem, project.mapping, evaluation)


def _check_streams(project: TimeloopProject, zeros: SparseModel) -> None:
    """Refuse operands that stream through a level and have zeros: what of them passes is not costed."""
    for name, operand in project.streamed:
        kept = zeros.mapping.levels[project.architecture.index(name)].keep
        if operand not in kept and zeros.zeros(project.problem.operand(operand)).share < 1.0:
            raise MappingError(f"stream of {operand} at {name} is not supported: it has zeros")


def _sparse_model(project: TimeloopProject, mapping: Mapping, rounding: NonZeros) -> SparseModel | None:
    if project.sparse is None and project.formats is None:
        return None
    section = SparseSection()
    if project.sparse is not None:
        section = read_sparse(project.sparse, project.problem, project.architecture)
    if project.formats is not None:
        section = replace(section, formats=dict(project.formats))
    return SparseModel(
        problem=project.problem,
        architecture=project.architecture,
        mapping=mapping,
        densities=project.densities,
        metadata=project.metadata,
        actions=project.actions,
        section=section,
        rounding=rounding,
    )


def _with_zeros(project: TimeloopProject, zeros: SparseModel, dense: Evaluation) -> TimeloopResult:
    """Apply the sparse optimisations to a dense evaluation."""
    mapping = zeros.mapping
    sparse = zeros.evaluate(dense)
    result = result_of(
        project.problem,
        mapping,
        replace(
            dense,
            cycles=sparse.cycles,
            bound=sparse.bound,
            utilisation=sparse.computes / (project.architecture.macs * sparse.cycles),
            entries=sparse.entries,
            energy_pj=sparse.energy_pj,
            energy_by_component_pj=sparse.energy_by_component_pj,
        ),
    )
    for (level, operand), form in zeros.section.formats.items():
        result.formats[f"{level}.{operand}"] = spelt(form)
    for (level, operand), counts in sparse.counts.items():
        shown = result.levels[level][operand]
        for name in ("reads", "fills", "updates", "saved_reads", "saved_updates"):
            shown[name] = getattr(counts, name) / shown["instances"]
        shown["metadata_bits"] = (counts.read_bits + counts.fill_bits + counts.update_bits) / shown[
            "instances"
        ]
        shown["energy_pj"] = sparse.energy_by_operand_pj[level, operand]
    return result


def _excess(project: TimeloopProject, mapping: Mapping, limit: str, held: Sequence[Names[str, float]]) -> str:
    """Say by how much a mapping exceeds a limit, such as "buffer capacity" or "buffer fanout X"."""
    name, kind = limit.split(" ", 1)
    index = project.architecture.index(name)
    level, loops = project.architecture.levels[index], mapping.levels[index]
    if kind != "capacity":
        across = kind == "fanout X"
        spread = prod(count for _, count in (loops.spatial_x if across else loops.spatial_y))
        there = level.fanout_x if across else level.fanout_y
        return f"it exceeds {limit}: its spatial loops there need {spread} instances, but there are {there}"
    needed = held[index]
    words = sum(needed.values())
    largest = max(needed, key=lambda operand: needed[operand])
    enough = ceil(words * level.multiple_buffering)
    return (
        f"it exceeds {limit}: {largest} alone needs {_bytes(needed[largest], level):,} bytes and all "
        f"operands there {_bytes(words, level):,}, but {_bytes(level.usable_words, level):,} can be used; "
        f"a capacity of {_bytes(enough, level):,} bytes would do"
    )


def _bytes(words: float, level: StorageLevel) -> int:
    return ceil(words * level.word_bits / 8)


def map_project(
    project: TimeloopProject,
    objective: Objective = "edp",
    rules: Rules = TIMELOOP,
    watch: Watch | None = None,
    *,
    formats: Names[str, Sequence[str]] | None = None,
) -> tuple[TimeloopResult, Certificate]:
    """Find the best mapping of a project under its constraints.

    Parameters
    ----------
    project
        What `load` read; a mapping in it is not used.
        With sparse optimisations every mapping is costed with its formats, gating and skipping.
    objective
        `latency`, `energy` or `edp`.
    rules
        Timeloop's by default.
    watch
        A time limit, and news while the search runs; by default it runs to its end.
    formats
        Candidates to store operands in, in place of the files' own: `{"DRAM.Inputs": ["none", "UOP-RLE"]}`,
        ranks from the outermost. Each combination is searched; `formats` of the result is the best.

    Returns
    -------
    TimeloopResult, Certificate
        The optimum, and the proof that no mapping of the constrained mapspace is better; where the time was
        up before, the best mapping found, and a certificate whose `optimal` is False.

    Raises
    ------
    MappingError
        If no mapping fits: level, operand, bytes needed, bytes there are, and the capacity that would do.
        If the sparse model costs none of those that do: why not the first.
    TimeloopInputError
        If the sparse optimisations do not follow the grammar.

    """
    if formats and project.formats is None and project.sparse is None:
        project = replace(project, formats={})
    zeros = _sparse_model(project, uniform(project.architecture, project.problem), NonZeros.FIBER)
    if zeros is not None:
        choices = read_choices(formats or {}, zeros)
        best = map_zeros(zeros, objective, project.constraints, rules, watch or Watch(), choices)
        given = replace(project, mapping=best.mapping, formats=best.formats, streamed=())
        return model(given, rules), best.certificate
    found = map_problem(
        project.problem,
        project.architecture,
        objective,
        constraints=project.constraints,
        storage="even",
        rules=rules,
        watch=watch,
    )
    return result_of(project.problem, found.mapping, found.evaluation), found.certificate


def result_of(problem: Problem, mapping: Mapping, evaluation: Evaluation) -> TimeloopResult:
    """Put an evaluation into Timeloop's units."""
    levels: dict[str, dict[str, dict[str, float]]] = {}
    for counts in evaluation.counts:
        levels.setdefault(counts.level, {})[counts.operand] = {
            "reads": counts.reads / counts.instances,
            "fills": counts.fills / counts.instances,
            "updates": counts.updates / counts.instances,
            "tile_words": counts.tile_words,
            "instances": counts.instances,
            "energy_pj": counts.energy_pj,
        }
    energy_uj = evaluation.energy_pj * 1e-6
    return TimeloopResult(
        cycles=evaluation.cycles,
        energy_uj=energy_uj,
        edp_uj_mcycle=energy_uj * evaluation.cycles * 1e-6,
        utilisation=evaluation.utilisation,
        levels=levels,
        mapping=mapping.render(problem),
        evaluation=evaluation,
    )
