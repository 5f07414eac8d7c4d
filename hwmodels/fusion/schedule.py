"""Which operations of a network are fused: the best cut of its chains into groups, and why none is better.

Every nest alone is a member of the space, so that nothing costs more than layer by layer. Along a chain the
sets of (latency, energy) that no other beats are joined group by group; leakage and background add up with
the time. Of all schedules the least latency, energy or product of both is taken.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf
from typing import Final, NamedTuple

from hwmodels.fusion.bound import Alone, bound_of
from hwmodels.fusion.chains import Link, chains_of
from hwmodels.fusion.groups import Fused, Nests, cost_of
from hwmodels.fusion.inner import Inner
from hwmodels.levels import LevelMachine
from hwmodels.mapping.certificate import Objective
from hwmodels.mapping.problem import Problem
from hwmodels.mapping.watch import Watch
from hwmodels.models.nest_mappings import Key
from workloads.edges import EdgeTable
from workloads.table import LayerTable

LONGEST: Final = 4
"""Nests of a group at most."""
_FRONT: Final = 4096
"""Points of a front that a join keeps."""


@dataclass(frozen=True)
class FusionCertificate:
    """What became of every schedule: `represented = costed + sum of pruned + left`.

    A schedule cuts each chain into groups of at most `LONGEST` nests and gives each group a plan. `costed`
    are those whose total was compared at the end; of the others some part was found to be

    - `capacity`: a tile that does not fit,
    - `bound`: a cut into tiles where the whole tensors fit beside the best mapping of every nest, and fill
      the array as well as tiles can: what runs in tiles is a mapping of the whole, so none is better,
    - `dominated`: no better than another part of the same nests, in latency and in energy.

    `left` were neither costed nor pruned: the time was up, or a front grew too long. `mapped` says whether
    every mapping is the best of its mapspace, as if what is handed on came from main memory, or the search
    for some was cut short. Nothing that is fused costs less than `bound`, however it is cut and its nests
    are mapped (`hwmodels.fusion.bound`); for the product of latency and energy that is so of the nests that
    are not fused, too, whose mappings of least product may not be the best of the network.
    """

    represented: int
    costed: int
    pruned: dict[str, int]
    left: int
    best: float
    bound: float
    mapped: bool = True

    @property
    def optimal(self) -> bool:
        """Whether no schedule of the space is better."""
        return self.left == 0 and self.mapped

    @property
    def gap(self) -> float:
        """Share of the cost that a better schedule of the space could save at most: 0 if this is optimal."""
        return 0.0 if self.optimal else self.beyond

    @property
    def beyond(self) -> float:
        """Share of the cost that any other cut and mapping could save at most, in the space or not."""
        return 0.0 if self.best <= 0 else 1.0 - self.bound / self.best

    def __str__(self) -> str:
        rules = ", ".join(f"{name} {count:,}" for name, count in self.pruned.items() if count)
        text = f"{self.represented:,} schedules represented, {self.costed:,} costed"
        text += f", pruned by {rules}" if rules else ""
        if self.optimal:
            return f"{text}; none of them is better, and none beyond them by more than {self.beyond:.1%}"
        text += "" if self.mapped else "; mappings were cut short"
        return f"{text}; {self.left:,} left, the best found is within {self.gap:.1%} of a bound"


@dataclass(frozen=True)
class FusionSchedule:
    """The groups chosen, and the certificate."""

    groups: tuple[Fused, ...]
    certificate: FusionCertificate


@dataclass
class _Count:
    """Schedules of a part: how many there are, and what became of those that are not on its front."""

    represented: int = 0
    kept: int = 0
    pruned: dict[str, int] = field(default_factory=lambda: {"capacity": 0, "bound": 0, "dominated": 0})
    left: int = 0


class _Way(NamedTuple):
    """A way to run some nests."""

    latency_s: float
    active_j: float
    groups: tuple[Fused, ...]


def fuse(
    layers: LayerTable,
    edges: EdgeTable,
    machine: LevelMachine,
    alone: Sequence[Alone],
    *,
    objective: Objective = "edp",
    static_w: float = 0.0,
    seconds: float = inf,
    fixed: Collection[int] = (),
    key: Key | None = None,
) -> FusionSchedule:
    """Choose the groups of a network.

    Parameters
    ----------
    layers, edges
        Tables of one network, not deduplicated.
    machine
        A machine of levels that names a level of fusion.
    alone
        What each row costs by itself.
    objective
        "latency", "energy" or "edp", of the whole network.
    static_w
        Power that flows whether anything is computed or not [W].
    seconds
        CPU seconds for the search; then the best found serves.
    fixed
        Rows that run by themselves: those whose mapping is given.
    key
        What mappings depend on beside the nest; those of the best effort if None.

    """
    inner = Inner(machine, objective, Watch(seconds=seconds), key)
    in_chain: set[int] = set()
    total, count, links = [_Way(0.0, 0.0, ())], _Count(1, 1), dict[int, Link]()
    chains = chains_of(layers, edges, fixed)
    if seconds < inf:
        inner.ahead = len({problem for chain in chains for problem in _problems(layers, chain, inner)})
    for chain in chains:
        links.update({link.producer: link for link in chain})
        ways, counted = _chain(layers, chain, inner, alone, static_w)
        in_chain |= {chain[0].producer, *(link.consumer for link in chain)}
        total, count = _joined(total, count, ways, counted, static_w)
    rest = [row for row in range(layers.rows) if row not in in_chain]
    time = sum(alone[row].latency_s * float(layers.repeats[row]) for row in rest)
    energy = sum(alone[row].active_j * float(layers.repeats[row]) for row in rest)

    def worth(way: _Way) -> float:
        latency = way.latency_s + time
        joules = way.active_j + energy + static_w * latency
        return {"latency": latency, "energy": joules, "edp": latency * joules}[objective]

    least = min(map(worth, total))
    best = min((way for way in total if worth(way) <= least * (1 + 1e-12)), key=lambda way: way.active_j)
    best = _exact(layers, links, best, inner)
    certificate = FusionCertificate(
        represented=count.represented,
        costed=count.kept,
        pruned=count.pruned,
        left=count.left,
        best=worth(best),
        bound=bound_of(layers, inner, alone, links, static_w),
        mapped=inner.mapped and all(one.optimal for one in alone),
    )
    return FusionSchedule(best.groups, certificate)


def _chain(
    layers: LayerTable, chain: Sequence[Link], inner: Inner, alone: Sequence[Alone], static_w: float
) -> tuple[list[_Way], _Count]:
    """Front of the ways to run a chain."""
    rows = (chain[0].producer, *(link.consumer for link in chain))
    fronts: list[list[_Way]] = [[_Way(0.0, 0.0, ())]]
    counts = [_Count(1, 1)]
    for end in range(1, len(rows) + 1):
        ways: list[_Way] = []
        count = _Count()
        for length in range(1, min(LONGEST, end) + 1):
            begin = end - length
            if length == 1:
                one = alone[rows[begin]]
                found, own = [_Way(one.latency_s, one.active_j, ())], _Count(1, 1)
            else:
                found, own = _groups(layers, chain[begin : end - 1], inner, static_w)
            joined, both = _joined(fronts[begin], counts[begin], found, own, static_w)
            ways += joined
            _add(count, both)
        kept = _front(ways, static_w)
        count.pruned["dominated"] += len(ways) - len(kept)
        count.kept = len(kept)
        fronts.append(kept)
        counts.append(count)
    return fronts[-1], counts[-1]


def _problems(layers: LayerTable, chain: Sequence[Link], inner: Inner) -> Iterator[Problem]:
    """The nests that may have to be mapped for the groups of a chain."""
    for end in range(1, len(chain) + 1):
        for begin in range(max(0, end - LONGEST + 1), end):
            nests = Nests(layers, chain[begin:end], inner.machine)
            for plan, i in product(nests.plans(inner.room), range(len(nests.rows))):
                for part in nests.parts(i, nests.kinds(plan), exact=False):
                    yield nests.problem(i, *part)


def _groups(
    layers: LayerTable, links: Sequence[Link], inner: Inner, static_w: float
) -> tuple[list[_Way], _Count]:
    """Front of the plans of one group; of groups with the same nests, found once."""
    nests, ways, count = Nests(layers, links, inner.machine), list[_Way](), _Count()
    if nests.content in inner.groups:
        known, count = inner.groups[nests.content]
        return [way._replace(groups=(way.groups[0]._replace(rows=nests.rows),)) for way in known], count
    whole = False
    for plan in nests.plans(inner.room):
        count.represented += 1
        if whole:
            count.pruned["bound"] += 1
            continue
        if inner.until.over():
            count.left += 1
            continue
        inner.squeezed = False
        fused = cost_of(nests, plan, inner, exact=False)
        if fused is None and inner.until.over():
            count.left += 1
        elif fused is None:
            count.pruned["capacity"] += 1
        else:
            whole = fused.tiles == 1 and not inner.squeezed and all(map(inner.fills, nests.whole()))
            ways.append(_Way(fused.latency_s, fused.active_j, (fused,)))
    kept = _front(ways, static_w)
    count.pruned["dominated"] += len(ways) - len(kept)
    count.kept = len(kept)
    inner.groups[nests.content] = kept, count
    return kept, count


def _exact(layers: LayerTable, links: dict[int, Link], way: _Way, inner: Inner) -> _Way:
    """The same way with every tile at its own size, and not at that of the largest, where that is better."""
    latency, active, groups = way
    found: list[Fused] = []
    for group in groups:
        nests = Nests(layers, [links[row] for row in group.rows[:-1]], inner.machine)
        exact = cost_of(nests, group.plan, inner)
        worse = exact is None or exact.latency_s > group.latency_s or exact.active_j > group.active_j
        better = group if exact is None or worse else exact
        found.append(better)
        latency += better.latency_s - group.latency_s
        active += better.active_j - group.active_j
    return _Way(latency, active, tuple(found))


def _joined(
    first: Sequence[_Way], mine: _Count, second: Sequence[_Way], its: _Count, static_w: float
) -> tuple[list[_Way], _Count]:
    """Every way of one part with every way of another; what either lost is lost with all of the other."""
    ways = [
        _Way(a.latency_s + b.latency_s, a.active_j + b.active_j, a.groups + b.groups)
        for a in first
        for b in second
    ]
    kept = _front(ways, static_w)
    cut = max(0, len(kept) - _FRONT)
    if cut:  # the ends, and what lies evenly between them
        kept = [kept[round(i * (len(kept) - 1) / (_FRONT - 1))] for i in range(_FRONT)]
    count = _Count(mine.represented * its.represented, len(kept))
    for rule in count.pruned:
        count.pruned[rule] = mine.pruned[rule] * its.represented + mine.kept * its.pruned[rule]
    count.pruned["dominated"] += len(ways) - len(kept) - cut
    count.left = mine.left * its.represented + mine.kept * its.left + cut
    return kept, count


def _add(total: _Count, more: _Count) -> None:
    """Disjoint sets of schedules."""
    total.represented += more.represented
    total.left += more.left
    for rule, lost in more.pruned.items():
        total.pruned[rule] += lost


def _front(ways: Iterable[_Way], static_w: float) -> list[_Way]:
    """The ways that no other beats in latency and energy, fastest first; of equals one."""

    def energy(way: _Way) -> float:
        return way.active_j + static_w * way.latency_s

    kept: list[_Way] = []
    for way in sorted(ways, key=lambda way: (way.latency_s, energy(way))):
        if not kept or energy(way) < energy(kept[-1]):
            kept.append(way)
    return kept
