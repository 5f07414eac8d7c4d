"""The optimal mapper over zeros: every mapping of a mapspace costed with its formats, gating and skipping."""

from dataclasses import dataclass, replace
from math import inf, prod

import numpy as np

from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    Factors,
    Floats,
    Ints,
    MappingColumns,
    Small,
    count_columns,
    metric_columns,
    work_columns,
)
from hwmodels.kernels.nest.search import objective_of, set_floor
from hwmodels.kernels.zeros.columns import (
    RANK_COUNT,
    Choices,
    Ground,
    Progress,
    Room,
    ShareColumns,
    memo_columns,
    scratch_columns,
)
from hwmodels.kernels.zeros.search import REFUSALS, UNSUPPORTED, cost_rows, least_cost, search_zeros
from hwmodels.mapping.aim import ranked, value_of
from hwmodels.mapping.certificate import OBJECTIVES, Objective, Outcome
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.exhaustive import ExhaustiveSearch, mapping_of
from hwmodels.mapping.incumbent import THOROUGH, Descent, Generation
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import blank_mappings, pack_architecture, pack_mappings
from hwmodels.mapping.problem import MappingError, Operand
from hwmodels.mapping.rules import Rules
from hwmodels.mapping.watch import Watch
from hwmodels.mapping.why_not import explain
from hwmodels.zeros.columns import (
    least_prices,
    pack_shares,
    pack_zeros,
    roomy_fanout,
)
from hwmodels.zeros.model import SparseModel

LARGE = 10**6  # tilings of a space that is worth an incumbent before the search
TRIES = 200  # mappings looked at for a reason why none is costed
_CHUNK = 2.0**14  # mappings costed or cut off between looks at the clock


@dataclass(slots=True, kw_only=True)
class CappedWatch(Watch):
    """A watch that also ends a search after so many chunks of it, whatever the processor.

    One that has found nothing goes on for as many times as many.
    """

    most: float = inf
    chunks: int = 0

    def over(self) -> bool:
        """Whether the time or the chunks are up."""
        most = self.most if self.best < inf else self.most * self.most
        return self.chunks >= most or Watch.over(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroSpace(Mapspace):
    """A mapspace in which the sequence of an operand's loops matters where its format gives it to ranks.

    `sequenced` names such operands with the outermost level that stores them so. Every loop matters at the
    `leading` innermost levels: there leaders of blocks lie along the innermost one.
    """

    sequenced: tuple[tuple[str, int], ...] = ()
    leading: int = 0

    def orders(
        self,
        level: int,
        inside: tuple[Operand, ...],
        *,
        same_stride: bool,
        traced: tuple[Operand, ...] = (),
    ) -> tuple[Ints, Small]:
        """Loop orders of a level that can matter; see `Mapspace.orders`."""
        own = tuple(self.problem.operand(name) for name, outermost in self.sequenced if level <= outermost)
        if level < self.leading:
            every = tuple(((dimension, 1),) for dimension in self.problem.dimensions)
            own = (*own, Operand(name="every loop", ranks=every))
        # `super()` does not find its class under slots
        return Mapspace.orders(self, level, inside, same_stride=same_stride, traced=(*traced, *own))


def zero_space(model: SparseModel, constraints: Constraints) -> ZeroSpace:
    """The mapspace of a sparse model: packed lanes leave room for more loops than there are instances."""
    levels = []
    for level in model.architecture.levels:
        across, down = roomy_fanout((level.fanout_x, level.fanout_y), model.spread(level.name))
        levels.append(replace(level, fanout_x=across, fanout_y=down))
    outermost: dict[str, int] = {}
    for (level_name, name), form in model.section.formats.items():
        dimensions = model.problem.operand(name).dimensions
        if any(rank.dimensions is None or not rank.dimensions >= dimensions for rank in form.ranks):
            index = model.architecture.index(level_name)
            outermost[name] = max(outermost.get(name, 0), index)
    return ZeroSpace(
        problem=model.problem,
        architecture=replace(model.architecture, levels=tuple(levels)),
        constraints=constraints,
        sequenced=tuple(sorted(outermost.items())),
        leading=_leading(model, constraints),
    )


def _leading(model: SparseModel, constraints: Constraints) -> int:
    """Levels from the inside at which the innermost loop decides what blocks save."""
    levels = model.architecture.levels
    found = 0
    for (name, operand), saving in model.section.optimizations.items():
        for i in range(model.architecture.index(name), len(levels)):
            if levels[i].block_words > 1 and not saving.spatial:
                found = max(found, i + 1)
            if operand in constraints.at(levels[i].name).keep:
                break
    return found


def exhaust_zeros(
    model: SparseModel,
    constraints: Constraints,
    objective: Objective,
    rules: Rules,
    watch: Watch,
    best: tuple[float, float] = (inf, inf),
    known: Mapping | None = None,
) -> tuple[Outcome, tuple[float, float]]:
    """Search the mapspace of a sparse model for something better than the best known.

    Parameters
    ----------
    model
        Problem, architecture, formats and savings; its mapping is not used.
    constraints, objective, rules, watch
        As of `hwmodels.zeros.choices.map_zeros`.
    best
        Cost of the best mapping known, and what decides between equal ones.
    known
        A mapping to begin with, such as the best of the dense machine.

    Returns
    -------
    Outcome, (float, float)
        The optimum, if it is better, and what became of every mapping: `pruned["unsupported"]` are those that
        the sparse model does not cost. Then the best.

    Raises
    ------
    MappingError
        If the constraints leave no way to split a dimension.

    """
    search = ZeroSearch(zero_space(model, constraints), objective, rules, model)
    search.best[:] = best
    first = known is not None and search.begin_with(known)
    outcome = search.all(watch)
    if first and outcome.mapping is None:
        outcome = outcome._replace(mapping=known)
    return outcome, (float(search.best[0]), float(search.best[1]))


def why_none(model: SparseModel, constraints: Constraints, outcome: Outcome, watch: Watch) -> str:
    """Say in one line why a search found no mapping."""
    name = model.problem.name
    if not outcome.ended:
        return (
            f"{name}: no mapping that fits was found within {watch.seconds:g} s, and the search of "
            f"{watch.represented:,} mappings has not ended; allow more time, or constrain the mapspace"
        )
    space = zero_space(model, constraints)
    chains, keeps = [space.chains(dimension) for dimension in model.problem.dimensions], space.keeps()
    if outcome.pruned["unsupported"] and (why := _refusal(space, model, chains, keeps)):
        return f"{name}: the sparse model costs none of the mappings that fit; of one it says: {why}"
    return explain(space, chains, keeps, model.words_held)


def _refusal(space: ZeroSpace, model: SparseModel, chains: list[Factors], keeps: list[Small]) -> str:
    """What the model says of the first mapping it refuses, of some drawn with a fixed seed; "" if of none."""
    random = np.random.default_rng(1)
    dims = len(space.problem.dimensions)
    plain = np.broadcast_to(np.arange(dims, dtype=np.int8), (len(space.architecture.levels), dims))
    for _ in range(TRIES):
        keep = keeps[int(random.integers(len(keeps)))]
        drawn = [int(random.integers(len(chain))) for chain in chains]
        factors = np.stack([chain[at] for chain, at in zip(chains, drawn, strict=True)])
        mapping = mapping_of(space, factors, plain, keep)
        try:
            replace(model, mapping=mapping).evaluate(evaluate(model.problem, space.architecture, mapping))
        except MappingError as error:
            return str(error)
    return ""


class ZeroSearch(ExhaustiveSearch):
    """Tables of one search over zeros."""

    def __init__(self, space: ZeroSpace, objective: Objective, rules: Rules, model: SparseModel) -> None:
        super().__init__(space, float(OBJECTIVES[objective]), rules)
        self.objective = objective
        self.model = model
        self.machine = pack_architecture(model.architecture)
        zeros, levels = pack_zeros(model), model.architecture.levels
        self.ground = Ground(
            problem=self.table,
            arch=self.machine,
            blocks=np.array([float(level.block_words) for level in levels]),
            word_bits=np.array([float(level.word_bits) for level in levels]),
            zeros=zeros,
            macros=np.array([at.instances / at.cluster if at.cluster > 1 else inf for at in levels]),
            within=np.array([level.name in model.within for level in levels], dtype=np.int64),
            fullest=np.array([level.name not in model.overbooked for level in levels], dtype=np.int64),
            leak_pj=float(self.machine.totals[2]) if model.leaks else 0.0,
            reuse=int(rules.reuse),
            touches=rules.touches,
        )
        self.room = Room(
            work=work_columns(self.depth, self.dims, self.table.rank_dims.shape[1]),
            counts=count_columns(self.depth, len(model.problem.operands)),
            memo=memo_columns(),
            scratch=scratch_columns(self.depth, self.dims, int(zeros.stored[:, :, RANK_COUNT].max())),
        )
        self.best = np.full(2, inf)
        self.tally = np.zeros((8, self.dims), dtype=np.int64)
        self.kept: dict[bytes, ShareColumns] = {}
        self.refused = 0  # choices of operands kept that the model does not cost

    def all(self, watch: Watch) -> Outcome:
        """Search every choice of operands kept."""
        keeps = self.space.keeps()
        watch.represented += self.represented(len(keeps))
        able = [keep for keep in keeps if self.learn(keep)]
        unknown = float(self.best[0]) == inf
        if able and unknown and len(able) * prod(map(len, self.chains)) > LARGE:
            self.descend(able, watch)
            able.sort(key=lambda keep: self.best_keep is None or bool((keep != self.best_keep).any()))
        ended = all(self.run(keep, watch) for keep in able)
        return self.outcome(len(keeps), ended=ended, bound=inf if ended else self.bound(able))

    def learn(self, keep: Small) -> bool:
        """Work out what a choice of operands kept leaves of the counts; whether the model costs it."""
        try:
            self.kept[keep.tobytes()] = pack_shares(self.model, keep)
        except MappingError:
            self.refused += 1
            return False
        return True

    def begin_with(self, mapping: Mapping) -> bool:
        """Take a mapping as the best known, if it is better; whether it is."""
        columns = pack_mappings(self.space.problem, self.space.architecture, [mapping])
        keep = columns.keep[0]
        if not self.learn(keep):
            return False
        cycles, energy = (float(one[0]) for one in self.cost(keep, columns, np.zeros(1, dtype=np.int64)))
        found = ranked(self.objective, cycles, energy)
        if not found < tuple(self.best):
            return False
        self.best[:] = found
        return True

    def descend(self, keeps: list[Small], watch: Watch) -> None:
        """Look for a good mapping by a quick random descent over mappings with zeros."""
        if self.descent is None:
            self.descent = _ZeroDescent(self, keeps)
        before = float(self.best[0])
        super().descend(keeps, watch)
        if float(self.best[0]) < before:
            self.best[1] = inf  # what it takes otherwise is not known

    def run(self, keep: Small, watch: Watch) -> bool:
        """Search with one choice of operands kept; whether it came to its end in time."""
        if watch.over() and self.chunks:
            return False
        shares, tables = self.kept[keep.tobytes()], self.choices(keep)
        rows = blank_mappings(self.space.problem, self.space.architecture, 1)
        rows.keep[0] = keep
        products = np.ones((self.dims + 1, tables.chain_facts.shape[1]))
        products[0] = tables.floor_facts.prod(axis=0)
        first = np.zeros(self.dims, dtype=np.int64)
        first[0] = self.chain_start[self.sequence[0]]
        for d in range(self.dims):
            set_floor(self.floor_extent, d, self.room.work.nest)
        progress = Progress(
            chain_at=first,
            choice=np.zeros((self.depth, 3), dtype=np.int64),
            products=products,
            best=self.best,
            best_chain=self.best_chain,
            best_order=np.zeros(self.depth, dtype=np.int64),
            tally=self.tally,
            place=np.zeros(1, dtype=np.int64),
        )
        while True:
            before = tuple(self.best)
            ended = bool(search_zeros(self.ground, shares, tables, rows, self.room, progress, _CHUNK))
            if tuple(self.best) < before:
                self.best_keep, self.best_orders = keep, tables.orders[progress.best_order]
            self._chunk_done(watch)
            if isinstance(watch, CappedWatch):
                watch.chunks += 1
            if ended or watch.over():
                return ended

    def choices(self, keep: Small) -> Choices:
        """What a search chooses from and bounds by, for one choice of operands kept."""
        chain_facts, floor_facts = self._facts(keep)
        order_start, orders = self._orders(keep)
        return Choices(
            least=least_prices(
                self.kept[keep.tobytes()],
                keep,
                self.ground.blocks,
                [level.cluster for level in self.model.architecture.levels],
            ),
            chains=self.flat,
            chain_start=self.chain_start,
            chain_facts=chain_facts,
            floor_facts=floor_facts,
            floor_extent=self.floor_extent,
            sequence=self.sequence,
            unique=self.sure.unique,
            order_start=order_start,
            orders=orders,
            objective=self.aim,
            min_parallelism=float(self.space.constraints.min_parallelism * self.space.architecture.macs),
        )

    def bound(self, keeps: list[Small]) -> float:
        """What any mapping costs at least: the floors of all dimensions together."""
        rows = blank_mappings(self.space.problem, self.space.architecture, 1)
        found = inf
        for keep in keeps:
            shares, tables = self.kept[keep.tobytes()], self.choices(keep)
            rows.keep[0] = keep
            root = tables.floor_facts.prod(axis=0)
            scratch = self.room.scratch
            steps, energy = least_cost(self.ground, shares, tables, root, -1, rows, scratch)
            found = min(found, float(objective_of(tables.objective, steps, energy)))
        return found

    def outcome(self, keeps: int, *, ended: bool, bound: float) -> Outcome:
        """What became of every mapping."""
        found = super().outcome(keeps, ended=ended, bound=bound)
        orders = prod(self.space.order_count(level) for level in range(self.depth))
        sizes = [len(self.chains[d]) for d in self.sequence]
        whole = sum(int(n) * prod(sizes[depth + 1 :]) for depth, n in enumerate(self.tally[UNSUPPORTED]))
        refusals = int(self.tally[REFUSALS].sum())
        found.pruned["orders"] -= refusals
        found.pruned["unsupported"] = (whole + self.refused * prod(sizes)) * orders + refusals
        return found

    def cost(self, keep: Small, columns: MappingColumns, rows: Ints) -> tuple[Floats, Floats]:
        """Cycles and energy [pJ] of some mappings with the same operands kept; inf where none is costed."""
        out = metric_columns(len(columns.factors))
        cost_rows(self.ground, self.kept[keep.tobytes()], columns, rows, self.room, out)
        fits = out.limit[rows] == 0
        return np.where(fits, out.cycles[rows], inf), np.where(fits, out.energy_pj[rows], inf)


class _ZeroDescent(Descent):
    """A descent over mappings with zeros."""

    def __init__(self, search: ZeroSearch, keeps: list[Small]) -> None:
        super().__init__(search.space, search.chains, keeps, search.aim, search.rules, looks=THOROUGH)
        self.search = search

    def costed(self, chain: Ints, keep: Ints, order: Ints) -> Generation:
        """Mappings with their values."""
        factors = np.stack([c[chain[:, d]] for d, c in enumerate(self.chains)], axis=3)
        orders = np.stack([table[order[:, level]] for level, table in enumerate(self.orders)], axis=1)
        columns = MappingColumns(
            factors=np.ascontiguousarray(factors, dtype=np.int32),
            order=np.ascontiguousarray(orders, dtype=np.int8),
            keep=np.ascontiguousarray(self.keeps[keep], dtype=np.int8),
        )
        value = np.full(len(chain), inf)
        for number in np.unique(keep):
            rows = np.flatnonzero(keep == number).astype(np.int64)
            cycles, energy = self.search.cost(self.keeps[number], columns, rows)
            value[rows] = value_of(self.aim, cycles, energy)
        lanes = factors[:, :, (ACROSS, DOWN)].prod(axis=(1, 2, 3), dtype=np.int64)
        wide = lanes >= self.space.constraints.min_parallelism * self.space.architecture.macs
        return Generation(chain, keep, order, np.where(wide, value, inf))
