"""The staircase of the sparse model: zeros, formats, shares and prices in, columns out."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from hwmodels.interop.sparseloop import SparseModel
from hwmodels.interop.sparseloop_formats import BITMASKS, NonZeros
from hwmodels.interop.sparseloop_section import FORMATS
from hwmodels.kernels.nest.columns import Floats, Small
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


def kept_only(model: SparseModel, keep: Small) -> SparseModel:
    """The model with a mapping that says which operands each level keeps, and has no loops."""
    operands = model.problem.operands
    levels = tuple(
        LevelMapping(
            level=level.name,
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
    return ZeroColumns(
        operands=np.array([[z.density, z.share, z.elements, z.drawn] for z in zeros], dtype=np.float64),
        stored=stored,
        ranks=np.array(ranks, dtype=np.int64).reshape(len(ranks), 4),
        width_bits=np.array([model.metadata[level.name].width_bits for level in levels], dtype=np.int64),
        exact=int(model.rounding is NonZeros.EXACT),
    )


def pack_shares(model: SparseModel) -> ShareColumns:
    """Turn what the choice of operands kept in a model's mapping decides into columns.

    Raises
    ------
    MappingError
        If the model does not cost that choice.

    """
    levels, operands = model.architecture.levels, model.problem.operands
    names = [level.name for level in levels]
    shape = len(levels), len(operands)
    stored, updates, reach, held = (np.ones(shape) for _ in range(4))
    skips, converts = np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    prices = np.zeros((*shape, ACTIONS))
    reached = model.reached()
    for i, level in enumerate(names):
        for o, operand in enumerate(operands):
            stored[i, o] = updates[i, o] = model.left(level, operand)
            reach[i, o] = reached.get((level, operand.name), 1.0)
            held[i, o] = model.held(level, operand)
            skips[i, o] = model.skips(level, operand.name)
            outer = model.packer(level, operand.name)
            converts[i, o] = names.index(outer) if outer else -1
            prices[i, o] = list(model.prices(level, operand.name).values())
    computes, gated, skipped = model.computes(reached)
    inner = max((names.index(level) + 1 for level, _ in reached), default=0)
    steps = (computes + gated) / (float(model.problem.macs) * model.packed)
    mac_pj = sum(amount * pj for amount, pj in model.mac_amounts(computes, gated, skipped).values())
    return ShareColumns(
        stored=stored,
        stored_updates=updates,
        reach=reach,
        skips=skips,
        held=held,
        spread=np.array([model.spread(level) for level in names]),
        converts=converts,
        prices=prices,
        totals=np.array([steps, mac_pj, float(inner)]),
    )


def least_prices(shares: ShareColumns, keep: Small, block_words: Floats) -> Floats:
    """What a dense word of each operand costs at each level at least, in pJ: shape (O, L, 5).

    Read, filled or updated; the last column is the share of a level's macros that pay, here all: accesses
    are counted in whole blocks of the average instance.
    """
    depth, operands = keep.shape
    least = np.ones((operands, depth, 5))
    for o in range(operands):
        for i in range(depth):
            price, reach, block = shares.prices[i, o], shares.reach[i, o], block_words[i]
            reads = reach * price[READ] + (1.0 - reach) * price[SAVED_READ]
            updated = reach * price[UPDATE] + (1.0 - reach) * price[SAVED_UPDATE]
            least[o, i, 0] = shares.stored[i, o] * reads / block
            least[o, i, 1] = shares.stored[i, o] * price[FILL] / block
            least[o, i, 2] = shares.stored_updates[i, o] * updated / block
        for i in range(depth):
            outer = shares.converts[i, o]
            if keep[i, o] and outer >= 0:
                least[o, i, 1] += shares.stored[i, o] * shares.prices[i, o, DECOMPRESS]
                sent = shares.stored_updates[outer, o] * shares.reach[outer, o]
                least[o, outer, 2] += sent * shares.prices[i, o, COMPRESS]
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
