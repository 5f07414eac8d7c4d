"""The staircase of the sparse model: zeros, formats, shares and prices in, columns out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from hwmodels.kernels.nest.columns import Floats, Ints, Small
from hwmodels.kernels.zeros.columns import (
    ACTIONS,
    COMPRESS,
    DECOMPRESS,
    FILL,
    ONE_LOOP,
    READ,
    SAVED_READ,
    SAVED_UPDATE,
    UPDATE,
    ShareColumns,
    ZeroColumns,
)
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.zeros.boxes import columns_of
from hwmodels.zeros.density import Zeros
from hwmodels.zeros.formats import BITMASKS
from hwmodels.zeros.model import SparseModel
from hwmodels.zeros.section import FORMATS


def kept_only(model: SparseModel, keep: Small, lead: tuple[int, str] | None = None) -> SparseModel:
    """The model with a mapping that says which operands each level keeps, and has one loop at most.

    `lead` is the level and the dimension of that loop.
    """
    operands = model.problem.operands
    levels = tuple(
        LevelMapping(
            level=level.name,
            temporal=((lead[1], 2),) if lead is not None and lead[0] == i else (),
            keep=frozenset(o.name for o, kept in zip(operands, keep[i], strict=True) if kept),
        )
        for i, level in enumerate(model.architecture.levels)
    )
    return replace(model, mapping=Mapping(levels=levels))


def pack_zeros(model: SparseModel) -> ZeroColumns:
    """Turn zeros and formats into columns."""
    names = model.problem.dimensions
    levels, operands = model.architecture.levels, model.problem.operands
    stored = np.full((len(levels), len(operands), 4), -1, dtype=np.int64)
    ranks: list[tuple[int, int, int, int]] = []
    for i, level in enumerate(levels):
        held = model.metadata[level.name]
        default = held.bits or held.width_bits
        for o, operand in enumerate(operands):
            form = model.section.formats.get((level.name, operand.name))
            if form is None:
                continue
            stored[i, o] = len(ranks), len(form.ranks), form.compressed, form.inner_to_outer
            for rank in form.ranks:
                own = 1 if rank.format in BITMASKS else default
                ranks.append(
                    (
                        FORMATS.index(rank.format),
                        own if rank.metadata_bits is None else rank.metadata_bits,
                        default if rank.payload_bits is None else rank.payload_bits,
                        ONE_LOOP if rank.dimensions is None else _bits(map(names.index, rank.dimensions)),
                    )
                )
    zeros = [model.zeros(operand) for operand in operands]
    first, places, boxes = _boxes(model, zeros)
    return ZeroColumns(
        operands=np.array(
            [[z.nonzeros, z.share, z.elements, z.drawn, at] for z, at in zip(zeros, first, strict=True)],
            dtype=np.float64,
        ),
        stored=stored,
        ranks=np.array(ranks, dtype=np.int64).reshape(len(ranks), 4),
        width_bits=np.array([model.metadata[level.name].width_bits for level in levels], dtype=np.int64),
        places=places,
        boxes=boxes,
        rounding=int(model.rounding),
    )


def _boxes(model: SparseModel, zeros: Sequence[Zeros]) -> tuple[list[int], Ints, Floats]:
    """Boxes of the operands whose masks are known: the first of each, or -1; see `ZeroColumns`."""
    known = [one.boxes is not None for one in zeros]
    names, bounds = model.problem.dimensions, model.problem.bounds
    longest = max(bounds) if any(known) else 0
    first, rows = [-1] * len(zeros), [np.zeros((0, 3), dtype=np.int64)]
    places = np.zeros((len(zeros), len(bounds), longest + 1), dtype=np.int64)
    for o, one in enumerate(zeros):
        if one.boxes is not None:
            first[o] = sum(map(len, rows))
            places[o], mine = columns_of(one.boxes, names, bounds)
            rows.append(mine)
    return first, places, np.concatenate(rows).astype(np.float64)


def pack_shares(model: SparseModel, keep: Small) -> ShareColumns:
    """Turn what a choice of operands kept decides into columns.

    Raises
    ------
    MappingError
        If the model does not cost that choice.

    """
    plain = kept_only(model, keep)
    levels, operands = model.architecture.levels, model.problem.operands
    names = [level.name for level in levels]
    saved = plain.reached()
    inner = max((names.index(level) + 1 for level, _ in saved), default=0)
    blocks = any(model.architecture.level(level).block_words > 1 for level, _ in saved)
    leads = [(i, d) for i in range(inner) for d in model.problem.dimensions] if blocks else []
    variants = [plain, *(kept_only(model, keep, lead) for lead in leads)]
    shape = len(levels), len(operands)
    stored, held = np.ones(shape), np.ones(shape)
    full = np.zeros(shape, dtype=np.int64)
    skips, converts = np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    prices = np.zeros((*shape, ACTIONS))
    slack = 0.0
    for i, level in enumerate(names):
        for o, operand in enumerate(operands):
            stored[i, o] = plain.left(level, operand)
            held[i, o] = plain.held(level, operand)
            full[i, o] = plain.counts_fullest(level, operand.name)
            skips[i, o] = plain.skips(level, operand.name)
            outer = plain.packer(level, operand.name)
            converts[i, o] = names.index(outer) if outer else -1
            price = prices[i, o] = list(plain.prices(level, operand.name).values())
            slack += 1e-8 * levels[i].instances * sum(price)  # what rounds counts looks over
            if (level, operand.name) in saved:
                lost = price[READ] if operand.read_write else max(0.0, price[SAVED_READ] - price[READ])
                lost += max(0.0, price[SAVED_UPDATE] - price[UPDATE])
                slack += lost * levels[i].instances
    return ShareColumns(
        stored=stored,
        reach=np.array([_reach(variant) for variant in variants]),
        skips=skips,
        held=held,
        full=full,
        spread=np.array([model.spread(level) for level in names]),
        converts=converts,
        prices=prices,
        totals=np.array([[*_totals(variant), float(inner), slack] for variant in variants]),
    )


def _reach(model: SparseModel) -> Floats:
    """Share of reads and updates that nothing saves, of shape (L, O)."""
    reached = model.reached()
    levels, operands = model.architecture.levels, model.problem.operands
    return np.array([[reached.get((level.name, o.name), 1.0) for o in operands] for level in levels])


def _totals(model: SparseModel) -> tuple[float, float]:
    """Cycles a dense step takes, and pJ of all MACs."""
    reached = model.reached()
    computes, gated, skipped = model.computes(reached)
    amounts = model.mac_amounts(computes, gated, skipped).values()
    steps = (computes + gated + model.idle(reached)) / (float(model.problem.macs) * model.packed)
    return steps, sum(amount * pj for amount, pj in amounts)


def least_prices(shares: ShareColumns, keep: Small, block_words: Floats, clusters: Sequence[int]) -> Floats:
    """What a dense word of each operand costs at each level at least, in pJ: shape (O, L, 5).

    Read, filled or updated; the last column is the least share of a level's macros that pay: accesses are
    counted in whole blocks of the average instance.
    """
    depth, operands = keep.shape
    least = np.ones((operands, depth, 5))
    for o in range(operands):
        for i in range(depth):
            price, block = shares.prices[i, o], block_words[i]
            reach = shares.reach[:, i, o]
            reads = float((reach * price[READ] + (1.0 - reach) * price[SAVED_READ]).min())
            updated = float((reach * price[UPDATE] + (1.0 - reach) * price[SAVED_UPDATE]).min())
            least[o, i, 4] = 1.0 / clusters[i]
            least[o, i, 0] = shares.stored[i, o] * reads / block
            least[o, i, 1] = shares.stored[i, o] * price[FILL] / block
            least[o, i, 2] = shares.stored[i, o] * updated / block
        for i in range(depth):
            outer = shares.converts[i, o]
            if keep[i, o] and outer >= 0:
                least[o, i, 1] += shares.stored[i, o] * shares.prices[i, o, DECOMPRESS] * clusters[i]
                sent = shares.stored[outer, o] * shares.reach[:, outer, o].min()
                least[o, outer, 2] += sent * shares.prices[i, o, COMPRESS] * clusters[outer]
    return least


def roomy_fanout(there: tuple[int, int], spread: float) -> tuple[int, int]:
    """Fanouts along X and Y that let every packed spread pass; those of one instance stay."""
    if spread == 1.0:
        return there
    most = min(int(there[0] * there[1] / max(spread, 1e-9) + 1e-6), 2**31 - 1)
    across, down = (most if axis > 1 else 1 for axis in there)
    return across, down


def _bits(places: Iterable[int]) -> int:
    return sum(1 << place for place in places)
