"""Count vectors as accesses of a machine's levels, and the best of them for one machine or many."""

import numpy as np

from hwmodels.counts.form import Form
from hwmodels.counts.lattice import CutLattice
from hwmodels.counts.making import OUTPUT, Found
from hwmodels.kernels.counts.scan import Configs, Front, Vectors, choose
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.pack import pack_architecture

READS, FILLS, UPDATES = range(3)


def words_by_level(table: CutLattice, form: Form, found: Found) -> tuple[Floats, Floats]:
    """Words of every vector by level, action and operand, shape (N, L, 3, O), and its lanes (N,).

    Of operand o, F_o words move between array and buffer, G_o between buffer and main memory:

        pad      reads macs - first·m_O + F_O    fills F_o - first·m_O        updates macs
        buffer   reads F_o / m_o - first + G_O   fills G_o - first            updates F_O / m_O
        memory   reads G_o - first                                            updates G_O

    where terms of O are those of the accumulated operand, `first` its words where first touches are elided,
    and m_o the instances that share a word.
    """
    extents = table.extents[found.spread].astype(np.float64)
    shared = table.shared(found.spread, found.inside)
    macs, levels = float(table.problem.macs), form.pads + 2
    words = np.zeros((len(found.spread), levels, 3, len(table.words)))
    own = (np.arange(len(table.words)) == OUTPUT).astype(np.float64)
    first = own * table.whole[OUTPUT] * form.elided
    left = own * form.drained
    for o, pad in enumerate(form.memory):
        words[:, pad, READS, o] = macs - first[o] * shared[:, o] + left[o] * found.moved[:, o]
        words[:, pad, FILLS, o] = found.moved[:, o] - first[o] * shared[:, o]
        words[:, pad, UPDATES, o] = own[o] * macs
    asked = found.moved / shared
    words[:, -2, READS] = asked - first + left * found.crossed
    words[:, -2, FILLS] = found.crossed - first
    words[:, -2, UPDATES] = own * asked
    words[:, -1, READS] = found.crossed - first
    words[:, -1, UPDATES] = own * found.crossed
    return words, extents.prod(axis=1)


def vectors_of(words: Floats, lanes: Floats, steps: Floats, blocks: Ints, macros: Floats) -> Vectors:
    """Accesses and port words of vectors on levels of some blocks and macros, both of shape (L,)."""
    use = np.ones((len(lanes), words.shape[1]))
    use[:, :-2] = lanes[:, None]
    return accesses_of(words, use, steps, blocks, macros)


def accesses_of(words: Floats, use: Floats, steps: Floats, blocks: Ints, macros: Floats) -> Vectors:
    """The same of vectors whose instances in use are known, shape (N, L)."""
    each = words / use[:, :, None, None]
    block = blocks[None, :, None, None]
    each = np.where(block > 1, np.ceil(each / block), each)
    amounts = (each * np.minimum(use, macros)[:, :, None, None]).sum(axis=3)
    moved = words.sum(axis=3)
    passed = np.stack([moved[:, :, READS], moved[:, :, FILLS] + moved[:, :, UPDATES]], axis=2)
    return Vectors(amounts, passed, use, steps)


def configs_of(architectures: list[Architecture]) -> Configs:
    """Prices and speeds of machines of one form."""
    packed = [pack_architecture(each) for each in architectures]
    return Configs(
        prices=np.array([each.prices[:, :3] for each in packed]),
        rates=np.array([each.rates for each in packed]),
        hidden=np.array([each.hidden for each in packed]),
        mac_pj=np.array([each.totals[0] for each in packed]),
        leak_pj=np.array([each.totals[2] for each in packed]),
    )


def front_of(found: Found, macs: float) -> Front:
    """Vectors of a nest by bucket, with room to work in."""
    return Front(found.start, found.rows, macs, np.empty((3, int(np.diff(found.start).max(initial=0)))))


def best_vectors(
    found: Found, vectors: Vectors, macs: float, configs: Configs, buckets: Ints, objective: int
) -> Ints:
    """The best vector of each configuration, -1 where none fits."""
    best = np.empty(len(buckets), dtype=np.int64)
    choose(vectors, front_of(found, macs), configs, buckets, objective, best)
    return best
