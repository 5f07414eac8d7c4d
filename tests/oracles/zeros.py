"""Zeros, the slow way: every mask of tiny tensors, and every index of a product on two levels.

Two levels: pads, which keep every operand, and main memory. The loops of main memory choose a tile, those of
the pads walk through it. What is counted is a mean over all masks with the given numbers of non-zeros, each
as likely as any other, or that of one mask of the weights that is known.
"""

from itertools import combinations, product
from statistics import fmean

INDEX = {"W": ("K", "C"), "I": ("N", "C"), "O": ("N", "K")}


def masks(elements, nonzeros):
    """Every choice of so many non-zeros."""
    return [frozenset(chosen) for chosen in combinations(elements, nonzeros)]


def elements_of(operand, sizes):
    return list(product(*(range(sizes[d]) for d in INDEX[operand])))


def walk(loops):
    """Index values of loops given outermost first, one after another."""
    names = [name for name, _ in loops]
    for values in product(*(range(count) for _, count in loops)):
        yield dict(zip(names, values, strict=True))


def index_of(operand, outer, inner, sizes):
    """Place of an element in its tensor: tiles are chosen by `outer`, `sizes` are a tile's."""
    return tuple(outer.get(d, 0) * sizes[d] + inner.get(d, 0) for d in INDEX[operand])


def counts(outer, inner, nonzeros, weights=None):
    """Mean counts of a mapping: loops of main memory and of the pads, outermost first.

    `nonzeros` is the number of non-zero weights and inputs; `weights` the places (k, c) of the former, if
    they are known.

    Returns
    -------
    dict
        "effectual": products of two non-zeros. "reached W": weights read where the input is not zero.
        "sent W", "sent I": non-zeros that main memory sends, whenever a tile changes; "bits W", "bits I": of
        their bitmasks, one for each tile that is not empty, or one for all where tiles are single elements.
        "reached I": inputs read where the weight is not zero. "fullest W": non-zeros of the fullest tile.

    """
    tile = dict.fromkeys("NKC", 1) | dict(inner)
    whole = {d: tile[d] * dict(outer).get(d, 1) for d in "NKC"}
    drawn = {name: masks(elements_of(name, whole), nonzeros[name]) for name in "WI"}
    if weights is not None:
        drawn["W"] = [frozenset(weights)]
    steps = [
        (index_of("W", out, within, tile), index_of("I", out, within, tile))
        for out in walk(outer)
        for within in walk(inner)
    ]
    found = {
        "effectual": fmean(
            sum(w in weights and i in inputs for w, i in steps)
            for weights in drawn["W"]
            for inputs in drawn["I"]
        ),
        "reached W": fmean(sum(i in inputs for _, i in steps) for inputs in drawn["I"]),
        "reached I": fmean(sum(w in weights for w, _ in steps) for weights in drawn["W"]),
    }
    for name in "WI":
        sent = []
        before = None
        for out in walk(outer):
            held = {index_of(name, out, within, tile) for within in walk(inner)}
            if held != before:
                sent.append(held)
            before = held
        found[f"sent {name}"] = fmean(sum(len(held & mask) for held in sent) for mask in drawn[name])
        found[f"fullest {name}"] = max(len(held & mask) for held in sent for mask in drawn[name])
        found[f"bits {name}"] = fmean(
            sum(len(held) for held in sent if len(held) == 1 or held & mask) for mask in drawn[name]
        )
    return found
