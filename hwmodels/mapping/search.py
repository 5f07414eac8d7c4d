"""The optimal mapper: the best mapping of a mapspace, and the certificate that none is better."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import inf, prod
from typing import NamedTuple

from hwmodels.kernels.nest.search import EDP, LATENCY, objective_of
from hwmodels.mapping.aim import Aim, within
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.certificate import OBJECTIVES, Certificate, MapperResult, Objective, Outcome
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.exhaustive import exhaust, find_quickly
from hwmodels.mapping.lattice import applies, plain
from hwmodels.mapping.lattice_limits import free, quick
from hwmodels.mapping.lattice_parts import search_lattice
from hwmodels.mapping.lattice_search import LatticeSearch
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.mapspace import FactorSpace, Mapspace
from hwmodels.mapping.pack import pack_architecture
from hwmodels.mapping.problem import MappingError, Problem
from hwmodels.mapping.roundings import NEAR, Rounding, axes_of, least_cycles, roundings
from hwmodels.mapping.rules import Reuse, Rules
from hwmodels.mapping.uneven import Storage, chained_spaces, fold
from hwmodels.mapping.watch import LookingWatch, Watch
from hwmodels.mapping.why_not import explain
from workloads.errors import shown

_One = Callable[[Mapspace, Aim, Rules, Watch, float], Outcome]
_Way = Callable[
    [Mapspace, Sequence[Mapspace], Aim, Rules, Watch, float], tuple[list[Outcome], Mapping | None]
]
LARGE = 10**6  # tilings of a constrained space from which on the lattice search is the quicker one
LOOKS = 128  # at the clock, while mappings as quick as the best are searched for one that takes less energy
FEW = 16  # choices of operands kept, and of their order, that are searched without a quick descent before


def map_problem(
    problem: Problem,
    architecture: Architecture,
    objective: Objective = "edp",
    *,
    constraints: Constraints | None = None,
    factors: FactorSpace = "perfect",
    storage: Storage | None = None,
    rules: Rules | None = None,
    watch: Watch | None = None,
) -> MapperResult:
    """Find the best mapping of a problem onto an architecture.

    Parameters
    ----------
    problem, architecture
        What is computed, and where.
    objective
        What to minimise: `latency` (cycles), `energy` (pJ) or `edp` (pJ x cycles). Of mappings as quick as
        each other, under `latency`, the one that takes the least energy (`Certificate.thriftiest`).
    constraints
        What a mapping must obey; by default anything that fits.
    factors
        `perfect` or `ceil`: see `Mapspace`; `aligned`: perfect ones of the nest, and of its sizes rounded up
        to the edges of the array (`hwmodels.mapping.roundings`), whose best is then cut at the true ones and
        taken where it is better.
    storage
        `uneven`: every operand of a level is stored at a loop of its own (`LevelMapping.depths`); `even`: the
        operands of a level share one tile, as in Timeloop. By default uneven where the lattice search covers
        that space, else even; the certificate names which.
    rules
        Switches of the engine; by default the physical ones.
    watch
        A time limit, and news while the search runs; by default it runs to its end.

    Returns
    -------
    MapperResult
        The optimum of the mapspace, its evaluation, and the certificate; where the time was up before, the
        best mapping found, and a certificate that says so (`optimal` is False).

    Raises
    ------
    MappingError
        If no mapping fits: the level, the operand, the words needed, the words there are, and the capacity
        that would do (`hwmodels.mapping.why_not.explain`). If the time was up before any was found.

    Examples
    --------
    >>> from hwmodels.mapping import StorageLevel, matrix_product
    >>> register = StorageLevel(name="register", capacity_words=3, read_pj=1, fill_pj=1, update_pj=1)
    >>> dram = StorageLevel(name="DRAM", read_pj=100, fill_pj=100, update_pj=100)
    >>> machine = Architecture(name="small", levels=(register, dram), macs=1)
    >>> result = map_problem(matrix_product(m=2, k=8, n=2), machine, "energy")
    >>> print(result.mapping.levels[1].temporal[-1][0], result.certificate.optimal)
    K True

    """
    if objective not in OBJECTIVES:
        raise MappingError(f"objective must be one of {', '.join(OBJECTIVES)}, got {shown(objective)}")
    if storage not in (None, "even", "uneven"):
        raise MappingError(f"storage must be 'even' or 'uneven', got {shown(storage)}")
    rules, watch, constraints = rules or Rules(), watch or Watch(), constraints or Constraints()
    nests = [Rounding(problem, saves=True)]
    if factors == "aligned":
        nests += roundings(problem, architecture, constraints)
    split: FactorSpace = "perfect" if factors == "aligned" else factors
    plans = []
    for nest, saves in nests:
        space = Mapspace(
            problem=rules.seen(nest), architecture=architecture, constraints=constraints, factors=split
        )
        plans.append(_plan(space, storage, rules, saves=saves))
    return _search(plans, objective, factors, rules, watch)


def search_exhaustively(
    space: Mapspace, objective: Objective, rules: Rules, watch: Watch | None = None
) -> MapperResult:
    """Search any even space, dimension by dimension (`hwmodels.mapping.exhaustive`)."""
    space = replace(space, problem=rules.seen(space.problem))
    plan = _Plan(space, [space], "even", partial(_one_by_one, way=exhaust))
    return _search([plan], objective, space.factors, rules, watch or Watch())


def search_as_lattice(
    space: Mapspace, objective: Objective, rules: Rules, watch: Watch | None = None
) -> MapperResult:
    """Search an even space as a lattice of tile extents, which it has to be (`hwmodels.mapping.lattice`)."""
    space = replace(space, problem=rules.seen(space.problem))
    way: _Way = partial(_one_by_one, way=_search_lattice) if plain(space) else _together
    plan = _Plan(space, [space], "even", way)
    return _search([plan], objective, space.factors, rules, watch or Watch())


class _Plan(NamedTuple):
    """A space, the even ones that make it up, and how they are searched."""

    space: Mapspace
    parts: Sequence[Mapspace]
    storage: Storage
    way: _Way
    saves: bool = True  # steps, over the nest that it is a rounding of


class _Hunt(NamedTuple):
    """What became of a space: its best mapping, if one beats what was known, and what that costs."""

    plan: _Plan
    outcomes: Sequence[Outcome]
    mapping: Mapping | None
    value: float


def _plan(space: Mapspace, storage: Storage | None, rules: Rules, *, saves: bool) -> _Plan:
    if storage is None:
        covered = all(quick(part) and _covered(part, rules) for part in chained_spaces(space))
        storage = "uneven" if covered else "even"
    parts = list(chained_spaces(space)) if storage == "uneven" else [space]
    way: _Way = _one_by_one
    if not all(map(plain, parts)) and all(_searched_so(part, rules) for part in parts):
        way = _together
    return _Plan(space, parts, storage, way, saves)


def _search(
    plans: Sequence[_Plan], objective: Objective, factors: FactorSpace, rules: Rules, watch: Watch
) -> MapperResult:
    """Search spaces of a nest, the first of them, and of its roundings."""
    space, aim = plans[0].space, float(OBJECTIVES[objective])
    hunts = _hunts(plans, aim, rules, watch)
    outcomes = [outcome for hunt in hunts for outcome in hunt.outcomes]
    ended = all(outcome.ended for outcome in outcomes)
    own = hunts[0]
    chosen = _chosen(hunts, aim, rules)
    if chosen.mapping is None:
        if ended:
            chains = [space.chains(dimension) for dimension in space.problem.dimensions]
            raise MappingError(explain(space, chains, space.keeps()))
        raise MappingError(
            f"{space.problem.name}: no mapping that fits was found within {watch.seconds:g} s, and the "
            f"search of {watch.represented:,} mappings has not ended; allow more time, or constrain the "
            f"mapspace"
        )
    best, thriftiest = chosen.mapping, objective != "latency"
    if not thriftiest and ended:
        best, thriftiest = _thriftiest(chosen.plan, best, rules, watch)
    pruned: dict[str, int] = {}
    for outcome in outcomes:
        for rule, count in outcome.pruned.items():
            pruned[rule] = pruned.get(rule, 0) + count
    value = chosen.value if chosen is own else _cost(space, best, aim, rules)
    return MapperResult(
        mapping=best,
        evaluation=evaluate(space.problem, space.architecture, best, rules),
        certificate=Certificate(
            objective=objective,
            storage=own.plan.storage,
            factors=factors,
            represented=sum(outcome.represented for outcome in outcomes),
            costed=sum(outcome.costed for outcome in outcomes),
            pruned=pruned,
            best=value,
            bound=min((value, *(_bound(hunt, space, aim) for hunt in hunts))),
            optimal=ended,
            left=sum(outcome.left for outcome in outcomes),
            thriftiest=thriftiest,
        ),
    )


def _hunts(plans: Sequence[_Plan], aim: Aim, rules: Rules, watch: Watch) -> list[_Hunt]:
    """Search spaces one after another, each for something better than those before.

    Padding takes its time, but what it moves and multiplies costs no energy: a mapping of a rounding is
    priced at the share of its energy that is not padding's.
    """
    hunts: list[_Hunt] = []
    refusal: MappingError | None = None
    below = inf
    for plan in plans:
        if hunts and not plan.saves and _near(hunts[0], rules):
            continue
        share = 1.0 if aim == LATENCY else plans[0].space.problem.macs / plan.space.problem.macs
        try:
            hunt = _hunt(plan, aim, rules, watch, below / share)
        except MappingError as refused:  # its sizes do not fit, those of another may
            refusal, hunt = refusal or refused, _Hunt(plan, (), None, below)
        if hunt.mapping is not None:
            below = hunt.value * share
        hunts.append(hunt)
    if refusal is not None and not any(hunt.outcomes for hunt in hunts):
        raise refusal
    return hunts


def _near(own: _Hunt, rules: Rules) -> bool:
    """Whether the best mapping of a nest takes hardly more cycles than any takes at least."""
    if own.mapping is None:
        return False
    space = own.plan.space
    rates = pack_architecture(space.architecture).rates[-1:]
    axes = axes_of(space.problem, space.architecture, space.constraints)
    least = float(least_cycles(space.problem, axes, rates)[0])
    return evaluate(space.problem, space.architecture, own.mapping, rules).cycles <= NEAR * least


def _hunt(plan: _Plan, aim: Aim, rules: Rules, watch: Watch, below: float) -> _Hunt:
    """Search the even spaces that make up one for a mapping that costs less than is known."""
    space = plan.space
    outcomes, known = plan.way(space, plan.parts, aim, rules, watch, below)
    found = _found(space, plan.parts, outcomes, known)
    best = min(found, key=lambda mapping: _cost(space, mapping, aim, rules), default=None)
    value = inf if best is None else _cost(space, best, aim, rules)
    return _Hunt(plan, outcomes, best, value) if value < below else _Hunt(plan, outcomes, None, below)


def _chosen(hunts: Sequence[_Hunt], aim: Aim, rules: Rules) -> _Hunt:
    """The last that found something, with its last tiles cut; the first where that costs no more."""
    first = hunts[0]
    last = next((hunt for hunt in reversed(hunts) if hunt.mapping is not None), first)
    if last is first or first.mapping is None:
        return last
    assert last.mapping is not None
    cut = _cost(first.plan.space, last.mapping, aim, rules)
    return last if cut < first.value else first


def _bound(hunt: _Hunt, space: Mapspace, aim: Aim) -> float:
    """What mappings of a space cost at least once they are cut, where its search was not ended.

    Of every count at least the share (D - 1) / (D' - 1) of each rounded size is left.
    """
    least = min((outcome.bound for outcome in hunt.outcomes), default=inf)
    sizes = zip(space.problem.bounds, hunt.plan.space.problem.bounds, strict=True)
    share = prod((size - 1) / (rounded - 1) for size, rounded in sizes if size != rounded)
    return float(least * (share * share if aim == EDP else share))


def _found(
    space: Mapspace, parts: Sequence[Mapspace], outcomes: Sequence[Outcome], known: Mapping | None
) -> list[Mapping]:
    """Mappings that searches found, in the space that the parts make up."""
    found = [
        _folded(space, part, outcome.mapping)
        for part, outcome in zip(parts, outcomes, strict=True)
        if outcome.mapping is not None
    ]
    return found if known is None else [known, *found]


def _thriftiest(plan: _Plan, best: Mapping, rules: Rules, watch: Watch) -> tuple[Mapping, bool]:
    """Of the mappings as quick as the best one that which takes the least energy; whether it surely is.

    It is searched for as long as there is time, and for no more looks than `LOOKS`. A search may have ended
    on its own when its time was up: then none is left.
    """
    left = watch.left()
    if left <= 0.0:
        return best, False
    space = plan.space
    aim = within(float(evaluate(space.problem, space.architecture, best, rules).cycles))
    again = LookingWatch(seconds=left, most=LOOKS)
    outcomes, known = plan.way(space, plan.parts, aim, rules, again, _cost(space, best, aim, rules))
    found = _found(space, plan.parts, outcomes, known)
    least = min([best, *found], key=lambda mapping: _cost(space, mapping, aim, rules))
    return least, all(outcome.ended for outcome in outcomes)


def _folded(space: Mapspace, part: Mapspace, mapping: Mapping) -> Mapping:
    """A mapping of one of the even spaces that make up a space, in that space."""
    return mapping if part is space else fold(space.architecture, part.architecture, mapping)


def _cost(space: Mapspace, mapping: Mapping, aim: Aim, rules: Rules) -> float:
    evaluation = evaluate(space.problem, space.architecture, mapping, rules)
    return float(objective_of(aim, float(evaluation.cycles), evaluation.energy_pj))


def _covered(space: Mapspace, rules: Rules) -> bool:
    """Whether the lattice search covers a space: it knows no windows that lose their overlap."""
    windows = any(len(rank) > 1 for operand in space.problem.operands for rank in operand.ranks)
    return applies(space) and not (windows and rules.reuse is Reuse.NOTHING)


def _searched_so(space: Mapspace, rules: Rules) -> bool:
    """Whether the lattice search covers a space, which is free or large: it is the quicker one then."""
    if not _covered(space, rules):
        return False
    tilings = prod(space.chain_count(dimension) for dimension in space.problem.dimensions)
    return free(space) or tilings * len(space.keeps()) > LARGE


def _best_way(space: Mapspace, aim: Aim, rules: Rules, watch: Watch, best: float) -> Outcome:
    """Search a space as a lattice where that is quicker."""
    way = _search_lattice if _searched_so(space, rules) else exhaust
    return way(space, aim, rules, watch, best)


def _one_by_one(
    space: Mapspace,
    parts: Sequence[Mapspace],
    aim: Aim,
    rules: Rules,
    watch: Watch,
    best: float,
    way: _One = _best_way,
) -> tuple[list[Outcome], Mapping | None]:
    """Search spaces one after another, each for something better than `best` and those before."""
    outcomes: list[Outcome] = []
    for part in parts:
        outcomes.append(way(part, aim, rules, watch, best))
        mapping = outcomes[-1].mapping
        if mapping is not None:
            best = _cost(space, _folded(space, part, mapping), aim, rules)
    return outcomes, None


def _together(
    space: Mapspace, parts: Sequence[Mapspace], aim: Aim, rules: Rules, watch: Watch, best: float
) -> tuple[list[Outcome], Mapping | None]:
    """Search spaces with levels on both sides of the array; many of them, from a mapping found quickly."""
    known: Mapping | None = None
    if best == inf and sum(len(part.keeps()) for part in parts) > FEW:
        known, best = find_quickly(space, aim, rules, watch)
    outcomes = search_lattice(parts, aim, rules, watch, best)
    if best == inf and not all(outcome.ended for outcome in outcomes):
        known, _ = find_quickly(space, aim, rules, watch)
    return outcomes, known


def _search_lattice(space: Mapspace, aim: Aim, rules: Rules, watch: Watch, best: float) -> Outcome:
    """Search a space that is a lattice of tile extents (`hwmodels.mapping.lattice`)."""
    search, keeps = LatticeSearch(space, aim, rules, watch), space.keeps()
    search.best[0] = best
    for dimension in () if free(space) else space.problem.dimensions:
        space.chains(dimension)  # refuses constraints that leave no way
    orders = prod(space.order_count(level) for level in range(len(space.architecture.levels)))
    tilings = prod(space.chain_count(dimension) for dimension in space.problem.dimensions)
    represented = tilings * len(keeps) * orders
    best_keep = None
    for keep in keeps:
        if search.run(keep):
            best_keep = keep
    if search.stopped:  # a quick descent may know better
        other = exhaust(space, aim, rules, watch, float(search.best[0]))
        if other.mapping is not None:
            return other
        bound = other.bound
    else:
        watch.represented += represented
        bound = inf
    costed, pruned = search.pruned(keeps, tilings, orders, ended=not search.stopped)
    if search.stopped:
        del pruned["bound"]
    return Outcome(
        mapping=None if best_keep is None else search.mapping(best_keep),
        represented=represented,
        costed=costed,
        pruned=pruned,
        ended=not search.stopped,
        bound=bound,
    )


__all__ = ["Certificate", "MapperResult", "Objective", "map_problem", "search_exhaustively"]
