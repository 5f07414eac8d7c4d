"""Search of any mapspace, dimension by dimension, with bounds (`hwmodels.kernels.nest.search`)."""

from functools import cached_property
from heapq import heappop, heappush
from math import inf, prod

import numpy as np

from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    TEMPORAL,
    Factors,
    Floats,
    Ints,
    Small,
    count_columns,
    work_columns,
)
from hwmodels.kernels.nest.floors import bound_chains, floor_of
from hwmodels.kernels.nest.search import (
    BOUND,
    CAPACITY,
    COSTED,
    FANOUT_LIMIT,
    PARALLELISM,
    ROUNDING,
    TILINGS,
    Chains,
    Costing,
    Orders,
    Progress,
    Sure,
    place_chain,
    search_tilings,
    set_floor,
)
from hwmodels.mapping.aim import Aim
from hwmodels.mapping.certificate import Outcome
from hwmodels.mapping.incumbent import THOROUGH, Descent
from hwmodels.mapping.lattice import touched
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import blank_mappings, pack_architecture, pack_problem
from hwmodels.mapping.problem import Operand
from hwmodels.mapping.rules import Reuse, Rules
from hwmodels.mapping.watch import Watch

LARGE = 10**8  # tilings of a space that is worth an incumbent before the search
LOOKS = 200_000  # partial mappings that the bound of a search which was ended looks at
_TABLES = 8  # choices of operands whose tables that bound has at hand
_CHUNK = 2.0**14  # mappings costed or cut off between looks at the clock
_FIRST_ROUND = 128  # such chunks before the descent is asked for a better incumbent; then ever more


def exhaust(space: Mapspace, aim: Aim, rules: Rules, watch: Watch, best: float = inf) -> Outcome:
    """Search a space for a mapping whose cost is below `best`."""
    search, keeps = ExhaustiveSearch(space, aim, rules), space.keeps()
    search.best[0] = best
    watch.represented += search.represented(len(keeps))
    if len(keeps) * prod(map(len, search.chains)) > LARGE:
        search.descend(keeps, watch)
        # The choice of operands that is best so far comes first.
        keeps.sort(key=lambda keep: search.best_keep is None or bool((keep != search.best_keep).any()))
    done = 0
    while done < len(keeps) and search.run(keeps[done], watch):
        done += 1
    ended = done == len(keeps)
    bound = inf if ended else search.bound(keeps[done:])
    return search.outcome(len(keeps), ended=ended, bound=bound)


def find_quickly(space: Mapspace, aim: Aim, rules: Rules, watch: Watch) -> tuple[Mapping | None, float]:
    """A good mapping found by a quick random descent, and what it costs; None where none was found."""
    search = ExhaustiveSearch(space, aim, rules)
    keeps = space.keeps()
    search.descent = Descent(space, search.chains, keeps, aim, rules, looks=THOROUGH)
    search.descend(keeps, watch)
    mapping = None if search.best_keep is None else search.mapping(search.best_keep)
    return mapping, float(search.best[0])


class ExhaustiveSearch:
    """Tables of one search, shared by the choices of operands kept."""

    def __init__(self, space: Mapspace, aim: Aim, rules: Rules) -> None:
        self.space, self.aim, self.rules = space, aim, rules
        problem, architecture = space.problem, space.architecture
        self.depth, self.dims = len(architecture.levels), len(problem.dimensions)
        self.table, self.machine = pack_problem(problem), pack_architecture(architecture)
        self.chains = [_sorted(space.chains(dimension)) for dimension in problem.dimensions]
        self.flat = np.concatenate(self.chains)
        self.chain_start = np.cumsum([0, *map(len, self.chains)]).astype(np.int64)
        # Dimensions that spread first: their utilisation decides the cycles, which prune the rest.
        spread = [-int(chain[:, :, (ACROSS, DOWN)].prod(axis=(1, 2)).max()) for chain in self.chains]
        self.sequence = np.argsort(spread, kind="stable").astype(np.int64)
        self.floor_extent = np.array(
            [
                np.minimum.accumulate(_extents(chain)[:, ::-1], axis=1)[:, ::-1].min(axis=0)
                for chain in self.chains
            ]
        ).astype(np.int64)
        self.best = np.full(1, inf)
        self.best_chain = np.zeros(self.dims, dtype=np.int64)
        self.best_orders = np.zeros((self.depth, self.dims), dtype=np.int8)
        self.best_keep: Small | None = None
        self._operand_facts: dict[tuple[int, int], tuple[Floats, Floats]] = {}
        self.descent: Descent | None = None
        self.chunks, self.next_round = 0, _FIRST_ROUND
        self.reached = 0  # the chain of the first dimension up to which a choice of operands is searched
        self.tally = np.zeros((6, self.dims), dtype=np.int64)
        # At least this share of a word's price is paid whatever the number of instances in use.
        shares = self.machine.prices.copy()
        for i, level in enumerate(architecture.levels):
            shares[i, :3] /= level.block_words
            beyond = prod(outer.fanout_x * outer.fanout_y for outer in architecture.levels[i + 1 :])
            shares[i, 4] = min(1.0, level.instances / beyond) / level.cluster
        unique = np.array([touched(operand, problem) for operand in problem.operands])
        self.sure = Sure(shares, unique, rules.touches, np.zeros((self.depth, 2)))

    def _orders(self, keep: Small) -> tuple[Ints, Small]:
        """One table of the useful orders of all levels, and where those of each set of loops start."""
        start = np.zeros((self.depth, 2**self.dims + 1), dtype=np.int64)
        tables = []
        offset = 0
        operands = self.space.problem.operands
        for level in range(self.depth):
            inside = tuple(operand for o, operand in enumerate(operands) if keep[:level, o].any())
            first, orders = self.space.orders(
                level, inside, same_stride=self.rules.reuse is Reuse.SAME_STRIDE
            )
            start[level] = first + offset
            offset += len(orders)
            tables.append(orders)
        return start, np.concatenate(tables)

    def descend(self, keeps: list[Small], watch: Watch) -> None:
        """Look for a good mapping by a quick random descent."""
        if self.descent is None:
            self.descent = Descent(self.space, self.chains, keeps, self.aim, self.rules)
        found = self.descent.best(watch)
        if found is not None and found.value[0] < self.best[0]:
            self.best[0] = found.value[0]
            self.best_chain[:] = self.chain_start[:-1] + found.chain[0]
            tables = zip(self.descent.orders, found.order[0], strict=True)
            self.best_orders = np.stack([table[order] for table, order in tables])
            self.best_keep = self.descent.keeps[found.keep[0]]

    def _chunk_done(self, watch: Watch) -> None:
        """Tell the news; from time to time, and ever less often, look for a better incumbent."""
        watch.costed = int(self.tally[COSTED].sum())
        self.chunks += 1
        if self.descent is not None:
            watch.costed += self.descent.tried
            if self.chunks >= self.next_round:
                self.descend([], watch)
                self.next_round = self.chunks * 3 // 2
        watch.best = float(self.best[0])

    def run(self, keep: Small, watch: Watch) -> bool:
        """Search with one choice of operands kept; whether it came to its end in time."""
        first = int(self.sequence[0])
        self.reached = int(self.chain_start[first])
        if watch.over() and self.chunks:
            return False
        costing, chains = self._tables(keep)
        progress = Progress(
            chain_at=np.zeros(self.dims, dtype=np.int64),
            products=np.ones((self.dims + 1, chains.facts.shape[1])),
            tally=self.tally,
            place=np.zeros(1, dtype=np.int64),
        )
        progress.chain_at[0] = self.reached
        progress.products[0] = chains.floor_facts.prod(axis=0)
        lanes = self.space.constraints.min_parallelism * self.space.architecture.macs
        while True:
            before = float(self.best[0])
            ended = bool(search_tilings(costing, chains, self.sure, lanes, progress, self.best_chain, _CHUNK))
            if float(self.best[0]) < before:
                self.best_keep, self.best_orders = keep, costing.orders.table[costing.best_order]
            self._chunk_done(watch)
            if ended or watch.over():
                self.reached = max(self.reached, int(progress.chain_at[0]) - 1)
                return ended

    def _tables(self, keep: Small) -> tuple[Costing, Chains]:
        """Tables of the search with one choice of operands kept; no dimension is laid out yet."""
        problem = self.space.problem
        rows = blank_mappings(problem, self.space.architecture, 1)
        rows.keep[0] = keep
        order_start, orders = self._orders(keep)
        work = work_columns(self.depth, self.dims, self.table.rank_dims.shape[1])
        for d in range(self.dims):
            set_floor(self.floor_extent, d, work.nest)
        costing = Costing(
            problem=self.table,
            arch=self.machine,
            mapping=rows,
            work=work,
            counts=count_columns(self.depth, len(problem.operands)),
            orders=Orders(order_start, orders, np.zeros((self.depth, 3), dtype=np.int64)),
            reuse=int(self.rules.reuse),
            touches=self.rules.touches,
            objective=self.aim,
            best=self.best,
            best_order=np.zeros(self.depth, dtype=np.int64),
        )
        facts = self._facts(keep)
        return costing, Chains(self.flat, self.chain_start, *facts, self.floor_extent, self.sequence)

    def _facts(self, keep: Small) -> tuple[Floats, Floats]:
        """Factors of steps, of unmerged words and of copies of each chain, and their best by dimension."""
        operands = len(self.space.problem.operands)
        parts = [self.lane_facts, *(self.operand_facts(o, _innermost(keep, o)) for o in range(operands))]
        found = []
        for half in range(2):
            steps, *columns = (part[half] for part in parts)
            found.append(np.column_stack([steps, *(c[:, 0] for c in columns), *(c[:, 1] for c in columns)]))
        return found[0], found[1]

    @cached_property
    def lane_facts(self) -> tuple[Floats, Floats]:
        """Factors of steps of each chain, and the least by dimension.

        Steps are at least the indices of a dimension over the lanes that share them.
        """
        found = [
            np.ceil(bound / _spread(chains).prod(axis=1))
            for bound, chains in zip(self.space.problem.bounds, self.chains, strict=True)
        ]
        return np.concatenate(found), np.array([column.min() for column in found])

    def operand_facts(self, o: int, innermost: int) -> tuple[Floats, Floats]:
        """Factors of unmerged words and of copies of each chain, (n, 2), and their best by dimension, (D, 2).

        They follow from the innermost level that keeps the operand.
        """
        if (o, innermost) not in self._operand_facts:
            operand, problem = self.space.problem.operands[o], self.space.problem
            columns, floors = [], []
            for dimension, size, chains in zip(problem.dimensions, problem.bounds, self.chains, strict=True):
                spread, bound = _spread(chains), float(size)
                within = spread[:, : innermost + 1].prod(axis=1)
                beyond = spread[:, innermost + 1 :].prod(axis=1)
                merges = dimension not in operand.dimensions or _slides(operand, dimension)
                words = bound / within if merges else np.full(len(chains), bound)
                copies = np.full(len(chains), bound) if dimension in operand.dimensions else beyond
                columns.append(np.column_stack([words, copies]))
                floors.append((words.min(), copies.max()))
            self._operand_facts[o, innermost] = np.concatenate(columns), np.array(floors)
        return self._operand_facts[o, innermost]

    def mapping(self, keep: Small) -> Mapping:
        """The best mapping as data."""
        factors = np.stack([self.flat[chain] for chain in self.best_chain])
        return mapping_of(self.space, factors, self.best_orders, keep)

    def represented(self, keeps: int) -> int:
        """Mappings of the space."""
        orders = prod(self.space.order_count(level) for level in range(self.depth))
        return keeps * orders * prod(self.space.chain_count(d) for d in self.space.problem.dimensions)

    def bound(self, keeps: list[Small]) -> float:
        """What any mapping that was not searched costs at least: the least of some partial assignments.

        `keeps` are the choices of operands that are left, the first of them searched as far as `reached`. The
        partial assignment of the least bound is taken further, one dimension at a time, again and again.
        """
        # By rising bound: a number for each, the choice of operands, chains laid out, their facts.
        ahead: list[tuple[float, int, int, tuple[int, ...], Floats]] = []
        costing, chains = self._tables(keeps[0])
        operands = range(len(self.space.problem.operands))
        for which, keep in enumerate(keeps):  # there may be thousands, each with a table of every chain
            costing.mapping.keep[0] = keep
            best = [self.operand_facts(o, _innermost(keep, o))[1].prod(axis=0) for o in operands]
            root = np.array([self.lane_facts[1].prod(), *(b[0] for b in best), *(b[1] for b in best)])
            floor = float(floor_of(costing, chains, self.sure, -1, root))
            heappush(ahead, (floor, which, which, (), root))
        number, looked = len(ahead), 0
        tables: dict[int, tuple[Costing, Chains]] = {}
        while ahead and looked < LOOKS and len(ahead[0][3]) < self.dims:
            least, _, which, laid, facts = heappop(ahead)
            if which not in tables:
                if len(tables) == _TABLES:
                    tables.clear()
                tables[which] = self._tables(keeps[which])
                looked += len(self.flat)
            costing, chains = tables[which]
            for i, chain in enumerate(laid):
                d = int(self.sequence[i])
                place_chain(chains.table, chain, d, costing.mapping.factors, costing.work.nest)
            begin, end = (int(at) for at in self.chain_start[self.sequence[len(laid)] :][:2])
            values, further = np.empty(end - begin), np.ones((end - begin, len(facts)))
            bound_chains(costing, chains, self.sure, len(laid), facts, values, further)
            for d in self.sequence[: len(laid)]:
                set_floor(chains.floor_extent, d, costing.work.nest)
            if which == 0 and not laid:
                values[: max(0, self.reached - begin)] = inf  # searched to their end
            for at in np.flatnonzero(values * ROUNDING < self.best[0]):
                number += 1
                floor = max(least, float(values[at]))
                heappush(ahead, (floor, number, which, (*laid, begin + int(at)), further[at]))
            looked += len(values)
        return ahead[0][0] if ahead else inf

    def outcome(self, keeps: int, *, ended: bool, bound: float) -> Outcome:
        """What became of every mapping."""
        orders = prod(self.space.order_count(level) for level in range(self.depth))
        sizes = [len(self.chains[d]) for d in self.sequence]
        completions = [prod(sizes[depth + 1 :]) for depth in range(self.dims)]

        def tilings(row: int) -> int:
            return sum(int(n) * rest for n, rest in zip(self.tally[row], completions, strict=True))

        costed, represented = int(self.tally[COSTED].sum()), self.represented(keeps)
        pruned = {"orders": tilings(TILINGS) * orders - costed}
        for name, row in (("capacity", CAPACITY), ("parallelism", PARALLELISM), ("bound", BOUND)):
            pruned[name] = tilings(row) * orders
        # Chains over a fanout on their own never came to the search.
        pruned["fanout"] = tilings(FANOUT_LIMIT) * orders + represented - prod(sizes) * keeps * orders
        mapping = None if self.best_keep is None else self.mapping(self.best_keep)
        return Outcome(mapping, represented, costed, pruned, ended, bound)


def mapping_of(space: Mapspace, factors: Factors, orders: Small, keep: Small) -> Mapping:
    """A mapping of a space as data: counts (D, L, 3), orders (L, D) innermost first, operands kept (L, O)."""
    problem = space.problem
    levels = []
    for i, level in enumerate(space.architecture.levels):
        across, down = (
            tuple(
                (name, int(n))
                for name, n in zip(problem.dimensions, factors[:, i, kind], strict=True)
                if n > 1
            )
            for kind in (ACROSS, DOWN)
        )
        iterating = [d for d in orders[i][::-1] if factors[d, i, TEMPORAL] > 1]
        levels.append(
            LevelMapping(
                level=level.name,
                temporal=tuple((problem.dimensions[d], int(factors[d, i, TEMPORAL])) for d in iterating),
                spatial_x=across,
                spatial_y=down,
                keep=frozenset(o.name for j, o in enumerate(problem.operands) if keep[i, j]),
            )
        )
    return Mapping(levels=tuple(levels))


def _innermost(keep: Small, o: int) -> int:
    """The innermost level that keeps an operand."""
    return int(np.argmax(keep[:, o]))


def _spread(chains: Factors) -> Floats:
    """Instances of the next level that each chain spreads over, shape (n, L)."""
    return np.asarray(np.prod(chains[:, :, (ACROSS, DOWN)], axis=2, dtype=np.float64))


def _extents(chains: Factors) -> Ints:
    """Extents of the tiles of each level, shape (n, L)."""
    return np.cumprod(chains.prod(axis=2, dtype=np.int64), axis=1)


def _sorted(chains: Factors) -> Factors:
    """Most parallel first: a good incumbent early prunes the rest."""
    spread = chains[:, :, (ACROSS, DOWN)].prod(axis=(1, 2))
    return np.ascontiguousarray(chains[np.argsort(-spread, kind="stable")])


def _slides(operand: Operand, dimension: str) -> bool:
    """Whether two dimensions share the rank that this one moves: children's windows may then coincide."""
    return any(len(rank) > 1 and dimension in dict(rank) for rank in operand.ranks)
