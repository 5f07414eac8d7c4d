"""Counts with their nouns, as sentences need them."""


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, "1 design" or "2,400 designs".

    Parameters
    ----------
    count
        How many.
    noun
        One of them; more take an "s".

    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
