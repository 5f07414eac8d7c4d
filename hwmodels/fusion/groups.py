"""One fused group of a network on a machine of levels: its plans, and what each of them costs.

A plan cuts what the last nest writes into tiles over batch, rows and columns. For each tile the nests run
one after another; the tile of the tensor between two of them lies at the level of fusion and crosses nothing
else:

    alive(nest) = tiles handed to it and by it + halos kept between tiles + weights pinned
    energy, time = sum over tiles and nests of the best mapping of the nest's part of the tile

Weights are fetched again for every tile, or *pinned*: fetched once and kept at the level meanwhile.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from itertools import islice, pairwise, product
from typing import Final, NamedTuple

from hwmodels.fusion.chains import Link
from hwmodels.fusion.inner import Inner, Spent, after
from hwmodels.fusion.strips import HALOS, Step, Window, steps, tile_sizes
from hwmodels.fusion.zeros import words_stored
from hwmodels.levels import LevelMachine
from hwmodels.mapping.problem import Problem, convolution
from hwmodels.models.nest_zeros import Densities, densities_of
from workloads.table import LayerTable

CUTS: Final = 3
"""Tilings of a group that are looked at, for each treatment of halos and weights."""

Axes = tuple[int, Step, Step]
"""One kind of tile: images, and the parts of the nests along rows and along columns."""


class Plan(NamedTuple):
    """How a group is run: tiles of what its last nest writes, halos, and weights that stay."""

    images: int
    rows: int
    columns: int
    halo: str
    pinned: bool

    def __str__(self) -> str:
        weights = "weights pinned" if self.pinned else "weights again for every tile"
        halo = {"keep": "kept", "recompute": "computed again"}[self.halo]
        return f"of {self.images} x {self.rows} x {self.columns}, halos {halo}, {weights}"


class Fused(NamedTuple):
    """A group with one plan: what each of its nests costs, and the most words alive at a time."""

    rows: tuple[int, ...]  # of the layer table
    plan: Plan
    tiles: int
    alive_words: float
    handed_words: tuple[float, ...]  # of the tile, with its halo, that each nest but the last hands on
    spent: tuple[Spent, ...]

    @property
    def latency_s(self) -> float:
        """Of the group, one nest after another."""
        return sum(spent.latency_s for spent in self.spent)

    @property
    def active_j(self) -> float:
        """Of the group, without leakage and background."""
        return sum(spent.active_j for spent in self.spent)


class Nests:
    """The nests of a group, read off the layer table."""

    def __init__(self, layers: LayerTable, links: Sequence[Link], machine: LevelMachine) -> None:
        self.layers, self.links, self.machine = layers, tuple(links), machine
        self.rows = (links[0].producer, *(link.consumer for link in links))
        self._kinds: dict[tuple[int, int, int, str], Counter[Axes]] = {}

    @property
    def content(self) -> Hashable:
        """What groups cost the same by: all that the layer table says of the nests, and what leaves."""
        columns = [column[list(self.rows)].tolist() for column in self.layers]
        return (*map(tuple, columns), *((link.elements, link.leaves) for link in self.links))

    def _windows(self, names: tuple[str, ...]) -> tuple[Window, ...]:
        """Windows along an axis, from the columns of the layer table that state them."""
        return tuple(Window(*(int(getattr(self.layers, name)[row]) for name in names)) for row in self.rows)

    @cached_property
    def images(self) -> int:
        """Batch of the last nest, and of all."""
        return int(self.layers.n[self.rows[-1]])

    @cached_property
    def down(self) -> tuple[Window, ...]:
        """Windows along the rows."""
        return self._windows(("p", "in_rows", "r", "stride_p", "dilation_r", "pad_top"))

    @cached_property
    def across(self) -> tuple[Window, ...]:
        """Windows along the columns."""
        return self._windows(("q", "in_cols", "s", "stride_q", "dilation_s", "pad_left"))

    def parts(self, i: int, kinds: Counter[Axes], *, exact: bool) -> Counter[tuple[int, int, int]]:
        """Images, rows and columns that a nest computes for a tile, and for how many tiles."""
        found: Counter[tuple[int, int, int]] = Counter()
        for (n, down, across), times in kinds.items():
            if down[i].computed and across[i].computed:
                found[n, down[i].computed, across[i].computed] += times
        if exact or not found:
            return found
        images, rows, columns = (max(sizes) for sizes in zip(*found, strict=True))
        return Counter({(images, rows, columns): found.total()})

    def problem(self, i: int, images: int, rows: int, columns: int) -> Problem:
        """A nest's part of a tile."""
        row, layers = self.rows[i], self.layers
        fixed = {name: int(getattr(layers, name)[row]) for name in ("g", "k", "c", "r", "s")}
        return convolution(
            n=images,
            p=rows,
            q=columns,
            stride=(int(layers.stride_p[row]), int(layers.stride_q[row])),
            dilation=(int(layers.dilation_r[row]), int(layers.dilation_s[row])),
            name="nest",
            **fixed,
        )

    def whole(self) -> Iterator[Problem]:
        """Every nest at once."""
        for i, (down, across) in enumerate(zip(self.down, self.across, strict=True)):
            yield self.problem(i, self.images, down.outputs, across.outputs)

    def channels(self, i: int) -> int:
        """Channels of the input of a nest."""
        return int(self.layers.g[self.rows[i]] * self.layers.c[self.rows[i]])

    def weights(self, i: int) -> float:
        """Words of the level of fusion that a nest's weights take."""
        elements = float(self.layers.weight_elements[self.rows[i]])
        return words_stored(self.machine, "weight", elements, self.densities(i))

    def stored(self, i: int, elements: float) -> float:
        """Words of the level of fusion that a part of what a nest hands on takes, written or read."""
        return max(
            words_stored(self.machine, "output", elements, self.densities(i)),
            words_stored(self.machine, "input", elements, self.densities(i + 1)),
        )

    def densities(self, i: int) -> Densities:
        """Share of non-zeros of each operand of a nest; of a tile, where a mask has them is not looked up."""
        return densities_of(self.layers, self.rows[i])._replace(mask=None)

    def kinds(self, plan: Plan) -> Counter[Axes]:
        """How many tiles of each kind a plan has."""
        known = self._kinds.get(plan[:4])
        if known is not None:
            return known
        found: Counter[Axes] = Counter()
        whole, rest = divmod(self.images, plan.images)
        images = {plan.images: whole, **({rest: 1} if rest else {})}
        down, across = steps(self.down, plan.rows, plan.halo), steps(self.across, plan.columns, plan.halo)
        for (n, a), (p, b), (q, c) in product(images.items(), down.items(), across.items()):
            found[n, p, q] += a * b * c
        self._kinds[plan[:4]] = found
        return found

    def plans(self, room_words: float) -> Iterator[Plan]:
        """The coarsest tilings whose tiles fit: of batch, then rows, then rows and columns, `CUTS` of them.

        Weights are pinned or not. Halos are kept where they fit: what computes them again does no less of
        anything with the same tiles, and is for tiles that fit in no other way.
        """
        down, across = self.down, self.across
        images, rows = tile_sizes(self.images), tile_sizes(down[-1].outputs)
        columns = tile_sizes(across[-1].outputs)
        cuts = [(n, rows[0], columns[0]) for n in images]
        if images[-1] == 1:
            cuts += [(1, p, columns[0]) for p in rows[1:]]
            cuts += [(1, p, q) for p, q in zip(rows[1:], columns[1:], strict=False)]
        keep, again = HALOS
        for halo, pinned in product(HALOS, (False, True)):
            plans = (Plan(*cut, halo, pinned) for cut in cuts)
            fitting = (
                plan
                for plan in plans
                if self._alive(plan) <= room_words
                and not (halo == again and self._alive(plan._replace(halo=keep)) <= room_words)
            )
            yield from islice(fitting, CUTS)

    def _alive(self, plan: Plan) -> float:
        """Most words alive at the level of fusion."""
        pinned = sum(self.weights(i) for i in range(len(self.rows))) if plan.pinned else 0
        return max(alive_words(self, self.kinds(plan))) + pinned


def handed_words(nests: Nests, kinds: Counter[Axes]) -> tuple[list[float], list[float]]:
    """Most words between any two nests: halos kept from tile to tile, and the rest of a tile handed on."""
    links = len(nests.links)
    kept = [0.0] * links
    handed = [0.0] * links
    for n, down, across in kinds:
        for i in range(links):
            p, q = down[i + 1], across[i + 1]
            deep = float(n * nests.channels(i + 1))
            columns = nests.across[i + 1].inputs
            kept[i] = max(kept[i], nests.stored(i, deep * (p.kept * columns + q.kept * p.at_hand)))
            new = deep * (p.at_hand - p.kept) * (q.at_hand - q.kept)
            handed[i] = max(handed[i], nests.stored(i, new))
    return kept, handed


def alive_words(nests: Nests, kinds: Counter[Axes]) -> list[float]:
    """Most words that each nest finds, or leaves, at the level of fusion, weights apart; one a nest."""
    kept, handed = handed_words(nests, kinds)
    around = [0.0, *handed, 0.0]
    return [sum(kept) + before + after for before, after in pairwise(around)]


def cost_of(nests: Nests, plan: Plan, inner: Inner, *, exact: bool = True) -> Fused | None:
    """Cost of a group with a plan; None where a tile does not fit.

    Every kind of tile is mapped by itself; if not `exact`, all are taken to be as large as the largest, which
    costs no less.
    """
    kinds = nests.kinds(plan)
    alive, count = alive_words(nests, kinds), len(nests.rows)
    if plan.pinned and "weight" not in inner.machine.level(inner.machine.fusion).operands:
        return None
    pinned = sum(nests.weights(i) for i in range(count)) if plan.pinned else 0
    total = [inner.blank() for _ in range(count)]
    for i in range(count):
        stays = {"weight"} if plan.pinned else set()
        stays |= {"input"} if i > 0 else set()
        stays |= {"output"} if i < count - 1 and not nests.links[i].leaves else set()
        for part, times in nests.parts(i, kinds, exact=exact).items():
            one = inner.cost(nests.problem(i, *part), frozenset(stays), alive[i] + pinned, nests.densities(i))
            if one is None:
                return None
            total[i] = after(total[i], one, times)
        if plan.pinned:
            total[i] = after(total[i], inner.load(nests.layers, nests.rows[i]))
        if i < count - 1 and nests.links[i].leaves:  # written twice: to main memory, and here
            total[i] = after(total[i], inner.store_too(nests.layers, nests.rows[i], nests.links[i].elements))
    spent = tuple(inner.settled(row) for row in total)
    handed = tuple(map(sum, zip(*handed_words(nests, kinds), strict=True)))
    return Fused(nests.rows, plan, sum(kinds.values()), max(alive) + pinned, handed, spent)
