"""Count sets of nests, kept for the life of a process, and the best mapping of one machine by them."""

from functools import lru_cache
from math import comb, factorial, prod
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np

from hwmodels.counts.form import LETTERS, Form, form_of
from hwmodels.counts.lattice import CutLattice, cut_lattice, laid_out, plain, seen, slid, spreads_over
from hwmodels.counts.making import Found, Grid, Part, Sides, cut_sides, met, spread_columns
from hwmodels.counts.scan import best_vectors, configs_of, vectors_of, words_by_level
from hwmodels.counts.store import read_set, warn_of_size, write_set
from hwmodels.counts.windows import SlidSides, met_slid, slid_sides
from hwmodels.counts.witness import Cut, mapping_of_cut
from hwmodels.kernels.counts.scan import Vectors
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.certificate import OBJECTIVES, Certificate, MapperResult, Objective
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.lattice import prime_powers
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.mapspace import FactorSpace
from hwmodels.mapping.pack import pack_problem
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.rules import Reuse, Rules

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

    def cut(self, row: int, across: int, down: int) -> Cut:
        """The cuts of a vector on an array."""
        found = self.found
        extents = [int(extent) for extent in self.table.extents[found.spread[row]]]
        along = laid_out(extents, across, down)
        assert along is not None
        return Cut(
            inside=tuple(map(int, found.inside[row])),
            outside=tuple(map(int, found.outside[row])),
            spread=int(found.spread[row]),
            along_x=along,
            run=int(found.run[row]),
            path=tuple(map(int, found.path[row])),
        )


_MOST_SIDES: Final = 64
_SIDES: Final[dict[Any, Sides | SlidSides]] = {}
_SETS: Final[dict[Any, dict[tuple[int, int], CountSet]]] = {}  # by nest, form and grid; by edges
_HELD: Final = [0]  # bytes of all of them
_MAKING: Final[dict[Any, Lock]] = {}
_LOCK: Final = Lock()


def forget() -> None:
    """Drop the sets that this process holds, not those on disk."""
    with _LOCK:
        _SETS.clear()
        _SIDES.clear()
        _HELD[0] = 0


def covered(problem: Problem, rules: Rules, form: Form) -> bool:
    """Whether count sets of a form cover a nest: W, I and O, with sliding windows where one pad keeps all."""
    if "".join(operand.name for operand in problem.operands) != LETTERS:
        return False
    try:
        pack_problem(problem)
    except MappingError:  # more than the engine counts exactly: it says so
        return False
    nest = _seen(problem, rules)
    if not nest.dimensions:
        return False
    return plain(nest) or (form.pads == 1 and slid(nest, rules.reuse))


def grid_of(architectures: list[Architecture], form: Form) -> Grid:
    """The capacities of some machines."""
    sizes = [
        tuple(sorted({float(each.levels[level].usable_words) for each in architectures}))
        for level in range(form.pads + 1)
    ]
    return Grid(tuple(sizes[:-1]), sizes[-1])


def count_set(problem: Problem, rules: Rules, form: Form, edges: tuple[int, int], grid: Grid) -> CountSet:
    """The count set of a nest on an array of some edges, made where it is not kept.

    Warns
    -----
    CountsWarning
        If it takes more than `MOST_BYTES`: it is used without being held. See `hwmodels.counts.store`, too.

    """
    nest = _seen(problem, rules)
    reuse = Reuse.OVERLAP if plain(nest) else rules.reuse  # only windows tell
    about = (nest.dimensions, nest.bounds, nest.operands, reuse, form, grid)
    edges = (min(edges), max(edges))  # an array on its side takes the same spreads
    with _LOCK:
        making = _MAKING.setdefault(about, Lock())
    with making:
        made = _SETS.get(about, {}).get(edges)
        if made is None:
            made = _made(cut_lattice(nest, reuse), about, edges)
            _hold(about, edges, made)
        return made


@lru_cache(maxsize=1024)
def _seen(problem: Problem, rules: Rules) -> Problem:
    return seen(problem, rules)


def _hold(about: Any, edges: tuple[int, int], made: CountSet) -> None:
    if made.nbytes > MOST_BYTES:
        warn_of_size(made.nbytes, MOST_BYTES, "held in memory")
        return
    with _LOCK:
        if _HELD[0] + made.nbytes > MOST_BYTES:
            _SETS.clear()
            _HELD[0] = 0
        _SETS.setdefault(about, {})[edges] = made
        _HELD[0] += made.nbytes


def _made(table: CutLattice, about: tuple[Any, ...], edges: tuple[int, int]) -> CountSet:
    form, grid = about[-2:]
    shared = prod(grid.shape) > 1  # a set of one machine is made as quickly as it is read
    key = (*about[:-1], edges)
    found = read_set(key, grid) if shared else None
    if found is None:
        sides = _SIDES.get(about) or (slid_sides if table.slides else cut_sides)(table, form, grid)
        with _LOCK:
            if len(_SIDES) >= _MOST_SIDES:
                _SIDES.clear()
            _SIDES[about] = sides
        spreads = spread_columns(table, form, spreads_over(table.extents, *edges))
        parts = _parts(table, about, edges)
        if isinstance(sides, SlidSides):
            found = met_slid(table, sides, spreads, grid, parts)
        else:
            found = met(table, sides, spreads, grid, parts)
        if shared:
            write_set(key, grid, found)
    words, lanes = words_by_level(table, form, found)
    return CountSet(table, form, grid, found, words, lanes)


def _parts(table: CutLattice, about: Any, edges: tuple[int, int]) -> list[Part]:
    """The largest arrays within one of some edges whose sets are held."""
    within = {
        other: made
        for other, made in _SETS.get(about, {}).items()
        if other[0] <= edges[0] and other[1] <= edges[1]
    }
    return [
        Part(spreads_over(table.extents, *mine), made.found)
        for mine, made in within.items()
        if not any(mine != other and mine[0] <= other[0] and mine[1] <= other[1] for other in within)
    ]


def best_mapping(
    problem: Problem,
    architecture: Architecture,
    objective: Objective,
    constraints: Constraints,
    factors: FactorSpace,
    rules: Rules,
) -> MapperResult | None:
    """Best uneven mapping of a nest by its count set; None where no set covers it or nothing fits.

    Of a nest with roundings see `hwmodels.counts.rounded.best_mapping_cut`.
    """
    form = form_of(architecture, constraints, factors, rules)
    if form is None or not covered(problem, rules, form):
        return None
    grid = grid_of([architecture], form)
    feeds = architecture.levels[-2]
    edges = (feeds.fanout_x, feeds.fanout_y)
    made = count_set(problem, rules, form, edges, grid)
    blocks, macros = structure_of(architecture)
    row = best_vectors(
        made.found, made.vectors(blocks, macros), made.macs, configs_of([architecture]),
        np.zeros(1, dtype=np.int64), OBJECTIVES[objective],
    )[0]  # fmt: skip
    if row < 0:
        return None
    mapping = mapping_of_cut(rules.seen(problem), architecture, form, made.table, made.cut(row, *edges))
    represented = mappings(problem, form, architecture)
    return certified(
        problem, architecture, mapping, (objective, factors), rules, (represented, len(made.found.rows))
    )


def structure_of(architecture: Architecture) -> tuple[Ints, Floats]:
    """Words of an access, and macros, of each level."""
    levels = architecture.levels
    return (
        np.array([level.block_words for level in levels], dtype=np.int64),
        np.array([level.instances / level.cluster for level in levels]),
    )


def certified(
    problem: Problem,
    architecture: Architecture,
    mapping: Mapping,
    asked: tuple[Objective, FactorSpace],
    rules: Rules,
    counted: tuple[int, int],
) -> MapperResult:
    """A mapping with its certificate; `counted` are the mappings represented, and the vectors of them."""
    objective, factors = asked
    represented, costed = counted
    evaluation = evaluate(problem, architecture, mapping, rules)
    best = {
        "latency": float(evaluation.cycles),
        "energy": evaluation.energy_pj,
        "edp": evaluation.edp_pj_cycles,
    }[objective]
    return MapperResult(
        mapping=mapping,
        evaluation=evaluation,
        certificate=Certificate(
            objective=objective,
            storage="uneven",
            factors=factors,
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
