"""Count sets of nests, kept for the life of a process, and the best mapping of one machine by them."""

from functools import lru_cache
from math import comb, factorial, prod
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np

from hwmodels.counts.form import LETTERS, Form, form_of
from hwmodels.counts.lattice import CutLattice, cut_lattice, laid_out, plain, seen, spreads_over
from hwmodels.counts.making import Found, Grid, Sides, cut_sides, met, spread_columns
from hwmodels.counts.scan import best_vectors, configs_of, vectors_of, words_by_level
from hwmodels.counts.store import read_set, write_set
from hwmodels.counts.witness import Cut, mapping_of_cut
from hwmodels.kernels.counts.scan import Vectors
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.certificate import OBJECTIVES, Certificate, MapperResult, Objective
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import Rules, evaluate
from hwmodels.mapping.lattice import prime_powers
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.pack import pack_problem
from hwmodels.mapping.problem import MappingError, Problem

MOST_BYTES: Final = 1 << 30
"""Memory that the sets of a process take at most."""


class CountSet(NamedTuple):
    """Fronts of one nest on one array, over a grid of capacities."""

    table: CutLattice
    form: Form
    grid: Grid
    found: Found
    words: Floats  # (N, L, 3, O)
    lanes: Floats  # (N,)
    edges: tuple[int, int]  # of the array

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.found.nbytes + self.words.nbytes

    @property
    def macs(self) -> float:
        """Multiply-accumulates."""
        return float(self.table.problem.macs)

    def vectors(self, blocks: Ints, macros: Floats) -> Vectors:
        """Accesses on levels of some blocks and macros."""
        return vectors_of(self.words, self.lanes, self.macs / self.lanes, blocks, macros)

    def cut(self, row: int) -> Cut:
        """The cuts of a vector."""
        found = self.found
        extents = [int(extent) for extent in self.table.extents[found.spread[row]]]
        along = laid_out(extents, *self.edges)
        assert along is not None
        return Cut(
            inside=tuple(map(int, found.inside[row])),
            outside=tuple(map(int, found.outside[row])),
            spread=int(found.spread[row]),
            along_x=along,
            run=int(found.run[row]),
        )


_MOST_SIDES: Final = 64
_SIDES: Final[dict[Any, Sides]] = {}
_SETS: Final[dict[Any, CountSet]] = {}
_MAKING: Final[dict[Any, Lock]] = {}
_LOCK: Final = Lock()


def covered(problem: Problem, rules: Rules) -> bool:
    """Whether count sets cover a nest: W, I and O, whose words move one at a time (no sliding windows)."""
    if "".join(operand.name for operand in problem.operands) != LETTERS:
        return False
    try:
        pack_problem(problem)
    except MappingError:  # more than the engine counts exactly: it says so
        return False
    nest = seen(problem, rules)
    return bool(nest.dimensions) and plain(nest)


@lru_cache(maxsize=256)
def _table(nest: Problem) -> CutLattice:
    return cut_lattice(nest)


def grid_of(architectures: list[Architecture], form: Form) -> Grid:
    """The capacities of some machines."""
    sizes = [
        tuple(sorted({float(each.levels[level].usable_words) for each in architectures}))
        for level in range(form.pads + 1)
    ]
    return Grid(tuple(sizes[:-1]), sizes[-1])


def count_set(problem: Problem, rules: Rules, form: Form, edges: tuple[int, int], grid: Grid) -> CountSet:
    """The count set of a nest on an array of some edges (across, down), made where it is not kept."""
    nest = seen(problem, rules)
    about = (nest.dimensions, nest.bounds, nest.operands, form, grid)
    key = (*about, edges)
    with _LOCK:
        making = _MAKING.setdefault(key, Lock())
    with making:
        if key not in _SETS:
            made = _made(_table(nest), about, edges)
            with _LOCK:
                if sum(each.nbytes for each in _SETS.values()) > MOST_BYTES:
                    _SETS.clear()
                _SETS[key] = made
        return _SETS[key]


def _made(table: CutLattice, about: tuple[Any, ...], edges: tuple[int, int]) -> CountSet:
    form, grid = about[-2:]
    shared = prod(grid.shape) > 1  # a set of one machine is made as quickly as it is read
    found = read_set((*about, edges)) if shared else None
    if found is None:
        sides = _SIDES.get(about) or cut_sides(table, form, grid)
        with _LOCK:
            if len(_SIDES) >= _MOST_SIDES:
                _SIDES.clear()
            _SIDES[about] = sides
        spreads = spreads_over(table.extents, *edges)
        found = met(table, sides, spread_columns(table, form, spreads), grid)
        if shared:
            write_set((*about, edges), found)
    words, lanes = words_by_level(table, form, found)
    return CountSet(table, form, grid, found, words, lanes, edges)


def best_mapping(
    problem: Problem,
    architecture: Architecture,
    objective: Objective,
    constraints: Constraints,
    factors: str,
    rules: Rules,
) -> MapperResult | None:
    """Best uneven mapping of a nest by its count set; None where no set covers it or nothing fits."""
    form = form_of(architecture, constraints, factors, rules)
    if form is None or not covered(problem, rules):
        return None
    grid = grid_of([architecture], form)
    feeds = architecture.levels[-2]
    made = count_set(problem, rules, form, (feeds.fanout_x, feeds.fanout_y), grid)
    blocks, macros = structure_of(architecture)
    row = best_vectors(
        made.found, made.vectors(blocks, macros), made.macs, configs_of([architecture]),
        np.zeros(1, dtype=np.int64), OBJECTIVES[objective],
    )[0]  # fmt: skip
    if row < 0:
        return None
    mapping = mapping_of_cut(rules.seen(problem), architecture, form, made.table, made.cut(row))
    return _certified(problem, architecture, mapping, objective, rules, form, len(made.found.rows))


def structure_of(architecture: Architecture) -> tuple[Ints, Floats]:
    """Words of an access, and macros, of each level."""
    levels = architecture.levels
    return (
        np.array([level.block_words for level in levels], dtype=np.int64),
        np.array([level.instances / level.cluster for level in levels]),
    )


def _certified(
    problem: Problem,
    architecture: Architecture,
    mapping: Mapping,
    objective: Objective,
    rules: Rules,
    form: Form,
    costed: int,
) -> MapperResult:
    evaluation = evaluate(problem, architecture, mapping, rules)
    best = {
        "latency": float(evaluation.cycles),
        "energy": evaluation.energy_pj,
        "edp": evaluation.edp_pj_cycles,
    }[objective]
    represented = mappings(problem, form, architecture)
    return MapperResult(
        mapping=mapping,
        evaluation=evaluation,
        certificate=Certificate(
            objective=objective,
            storage="uneven",
            factors="perfect",
            represented=represented,
            costed=costed,
            pruned={"bound": represented - costed},
            best=best,
            bound=best,
        ),
    )


def mappings(problem: Problem, form: Form, architecture: Architecture) -> int:
    """Uneven mappings of a nest: of every order of depths, all factor chains and loop orders."""
    kept = [members.bit_count() for members in form.members] + [len(LETTERS)]
    depth = sum(kept) + 1
    feeds = architecture.levels[-2]
    slots = depth + (feeds.fanout_x > 1) + (feeds.fanout_y > 1)
    chains = prod(
        comb(power + slots - 1, slots - 1) for bound in problem.bounds for _, power in prime_powers(bound)
    )
    orders = factorial(len(problem.dimensions)) ** depth
    return int(prod(map(factorial, kept)) * chains * orders)
