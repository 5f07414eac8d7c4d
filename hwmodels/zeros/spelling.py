"""Formats as texts: ranks from the outermost, joined by "-", or a name for a common one.

    bitmask, rle, coo      each tile of the level inside is a fiber: a bit an element; runs of zeros before
                           non-zeros; coordinates of non-zeros
    csr                    the same as coo, and where each fiber begins
    UOP-RLE, UOP[K]-CP:8   ranks: offsets, bitmask (B), coordinates, run lengths, mask of all (UB)

Names are written small, ranks in capitals. A rank may say the bits of its words of metadata and of its
payload (`RLE:5`, `UOP:0/12`), a name those of its metadata (`rle:5`), and a rank the dimensions of the loops
that it takes: any (nothing said), some (`[C,R,S]`), or one loop, whatever it is over (`[]`). Ranks are given
their loops from the outermost one, unless the text ends in "inner-to-outer", as those of names are.
Candidates are joined by "|".
"""

import re
from collections.abc import Collection
from typing import Final

from hwmodels.zeros.section import FORMATS, MOST_BITS, Rank, Representation
from workloads.errors import InputError, shown

DENSE: Final = "dense"
COMMON: Final = {"bitmask": ("B",), "rle": ("RLE",), "coo": ("CP",), "csr": ("CP", "UOP")}
"""Names of common formats with their ranks from the innermost; ranks further out cost nothing."""
_INWARDS: Final = " inner-to-outer"
_RANK: Final = re.compile(r"([A-Za-z]+)(?::(\d+)?(?:/(\d+))?)?(\[[A-Za-z0-9_, ]*\])?")
_MOST_RANKS: Final = 16


def read_format(text: str, dimensions: Collection[str], depth: int = 2) -> Representation | None:
    """Read a format of an operand; None is dense.

    Parameters
    ----------
    text
        As the module says.
    dimensions
        Those that the operand may have.
    depth
        Ranks that a name stands for, one more than at the level inside: fibers there stay fibers.

    Raises
    ------
    InputError
        What is wrong with the text, and what would do.

    Examples
    --------
    >>> spell_format(read_format("csr", "GKCRS", 3), "GKCRS")
    'UOP:0/0-UOP-CP inner-to-outer'
    >>> spell_format(read_format("RLE:5[C,R]", "KCRS"))
    'RLE:5[C,R]'

    """
    name = text.strip()
    if name.lower() in (DENSE, "none"):
        return None
    head, colon, bits = name.partition(":")
    if head in COMMON:
        if colon and not (bits.partition("/")[0].strip("0") or bits.startswith("/")):
            raise InputError(f"says the bits of a word after ':', 1 at least, got {shown(text)}")
        own = list(COMMON[head])
        own[0] += colon + bits
        name = "-".join(reversed(own + ["UOP:0/0"] * (depth - len(own)))) + _INWARDS
    inwards = name.endswith(_INWARDS)
    parts = name.removesuffix(_INWARDS).split("-")
    if len(parts) > _MOST_RANKS:
        raise InputError(f"has more than {_MOST_RANKS} ranks: {shown(text)}")
    ranks = [_rank(part, text, dimensions) for part in parts]
    return Representation(ranks=tuple(reversed(ranks)), inner_to_outer=inwards)


def _rank(part: str, text: str, dimensions: Collection[str]) -> Rank:
    found = _RANK.fullmatch(part.strip())
    kind = found.group(1).upper() if found is not None else ""
    if found is None or kind not in FORMATS:
        raise InputError(
            f"must be {DENSE}, {', '.join(COMMON)}, or ranks {', '.join(FORMATS)} joined by '-' from the "
            f"outermost, got {shown(text)}"
        )
    bits = [int(said) if said is not None else None for said in found.groups()[1:3]]
    if any(said is not None and said > MOST_BITS for said in bits):
        raise InputError(f"has words of metadata of at most {MOST_BITS} bits, got {shown(text)}")
    taken: frozenset[str] | None = frozenset(dimensions)
    if (said := found.group(4)) is not None:
        names = [name.strip() for name in said[1:-1].split(",") if name.strip()]
        unknown = [name for name in names if name not in dimensions]
        if unknown:
            raise InputError(
                f"has a rank over {unknown[0]}, which the operand does not have; it has "
                f"{', '.join(dimensions)}, got {shown(text)}"
            )
        taken = frozenset(names) or None
    return Rank(format=kind, metadata_bits=bits[0], payload_bits=bits[1], dimensions=taken)


def spell_format(form: Representation | None, dimensions: Collection[str] = ()) -> str:
    """A format as a text that `read_format` reads; ranks that take all `dimensions` do not list them."""
    if form is None:
        return DENSE
    ranks = "-".join(_spelt(rank, dimensions) for rank in reversed(form.ranks))
    return ranks + (_INWARDS if form.inner_to_outer else "")


def _spelt(rank: Rank, dimensions: Collection[str]) -> str:
    metadata = "" if rank.metadata_bits is None else str(rank.metadata_bits)
    payload = "" if rank.payload_bits is None else f"/{rank.payload_bits}"
    bits = f":{metadata}{payload}" if metadata or payload else ""
    if rank.dimensions is None:
        return f"{rank.format}{bits}[]"
    if rank.dimensions == frozenset(dimensions):
        return f"{rank.format}{bits}"
    order = [d for d in "NGKCPQRS" if d in rank.dimensions]
    order += sorted(d for d in rank.dimensions if d not in order)
    return f"{rank.format}{bits}[{','.join(order)}]"
