"""What is wrong with an expression or a name, said so that the next attempt works."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from workloads.errors import InputError

_MOST_LISTED: Final = 40
_LEAST_BEGUN: Final = 3
"""Letters with which a name has to begin as what was asked for does."""


class ConstraintError(InputError):
    """An expression that does not parse, or that speaks of something that does not exist."""


def alike(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Return known names that are like `name`: fields called so inside others, longer ones, then slips.

    Examples
    --------
    >>> alike("eyeriss", ["eie", "eyeriss_v1", "eyeriss_v2_pe"]), alike("gpt", ["unet", "gpt2_decode"])
    (['eyeriss_v1', 'eyeriss_v2_pe'], ['gpt2_decode'])

    """
    folded = {candidate.casefold(): candidate for candidate in sorted(set(known))}
    sought = str(name).casefold()  # what is no text is like nothing
    inside = sorted((one for one in folded if one.endswith("." + sought)), key=lambda one: one.count("."))
    begun = [one for one in folded if len(sought) >= _LEAST_BEGUN and one.startswith(sought)]
    slips = get_close_matches(sought, list(folded), n=count, cutoff=0.6)
    return [folded[match] for match in dict.fromkeys([*inside, *sorted(begun, key=len), *slips])][:count]


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> str:
    """Say which known names are like `name`.

    Parameters
    ----------
    name
        What was asked for.
    known
        Every name that would have done.
    count
        How many to offer at most.

    Returns
    -------
    str
        ``"; did you mean 'a' or 'b'?"``, or the list where nothing is like it.

    Examples
    --------
    >>> nearest("resnet5O", ["resnet50", "vgg16"])
    "; did you mean 'resnet50'?"
    >>> nearest("rows", ["array", "array.rows", "arrow"])
    "; did you mean 'array.rows' or 'arrow'?"
    >>> nearest("zebra", ["os", "ws"])
    '; known: os, ws'

    """
    names = list(dict.fromkeys(known))
    close = alike(name, names, count=count)
    names.sort()
    if close:
        return "; did you mean " + " or ".join(repr(match) for match in close) + "?"
    if len(names) > _MOST_LISTED:  # then the short ones, which are columns rather than fields of fields
        names = [name for name in names if "." not in name] or names
    rest = len(names) - _MOST_LISTED
    listed = ", ".join(names[:_MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")
    return f"; known: {listed}" if names else ""
