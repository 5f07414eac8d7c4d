"""The ledger as a page of Markdown."""

import math
from collections.abc import Sequence

from hwmodels.validation.book import cases, rows, title
from hwmodels.validation.row import Evidence, Row

HEAD = """| figure | unit | published | ours | error | aim | holds | kind | made by | source |
|---|---|--:|--:|--:|--:|---|---|---|---|"""
INTRO = """# Validation: published figures and ours

Made by `springboard validate --markdown`; every figure of ours is computed when the page is. An error is
relative to the published figure; *aim* is the error that was aimed at before the figure was computed, empty
where the row only reports. *Kind* says what the row is: *measured* on silicon; *simulated* or estimated by
others; *derived*, an anchor or identity that cannot miss and counts as no aim; *ours*, beside a figure that
it would have to explain. *Made by* is the call of ours behind the figure: *evaluate*, `dse.evaluate` of the
network on the machine; *data sheet*, the machine alone, whose area, standing power and peak need no network;
*component*, a price of the component library; *network*, sizes and work of a network alone; *rule*, a
published rule restated; *given plan*, a fused group whose strips are given. Notes say what went into a figure
besides shapes and data sheets, and why an aim is missed; all misses in order are in
[where the models are wrong](wrong.md).
"""
WRONG = """# Where the models are wrong

Made by `springboard validate --wrong` from the ledger, which [validation](validation.md) holds in full. In
order of how far off a figure is, as a ratio, with what we know of the reason.
"""
MISS_HEAD = """| case | figure | published | ours | error | why |
|---|---|--:|--:|--:|---|"""
FAR = 1 / 3
"""Error from which a figure without an aim is listed."""


def markdown(names: Sequence[str] | None = None) -> str:
    """Write the ledger as Markdown, one section a case.

    Parameters
    ----------
    names
        Cases wanted; by default all, under a heading with the tally.

    Returns
    -------
    str
        What `docs/validation.md` holds.

    """
    if names is not None:
        return "\n".join(section(name) for name in names)
    return "\n".join([INTRO, tally(rows()), *(section(name) for name in cases())])


def tally(found: Sequence[Row]) -> str:
    """Count the aims that could have been missed, and what held besides."""
    aimed = [row for row in found if row.aimed]
    held = sum(bool(row.holds) for row in aimed)
    derived = sum(row.evidence is Evidence.DERIVED for row in found)
    return (
        f"{len(aimed)} figures have an aim that could be missed: {held} hold, {len(aimed) - held} do not. "
        f"{derived} more are derived; {len(found) - len(aimed) - derived} are reported without an aim.\n"
    )


def wrong() -> str:
    """Write what the ledger misses, the worst first: `docs/wrong.md`."""
    found = rows()
    return "\n".join(
        [
            WRONG,
            tally(found),
            "## Aims missed\n",
            MISS_HEAD,
            *misses(found),
            "\n## Reported without an aim, and off by more than a third\n",
            MISS_HEAD,
            *far(found),
            "",
        ]
    )


def misses(found: Sequence[Row]) -> list[str]:
    """Lines of missed aims, the worst first."""
    return [_miss(row) for row in _worst(found) if row.aimed and not row.holds]


def far(found: Sequence[Row]) -> list[str]:
    """Lines of figures of others, reported without an aim, that ours are off by more than `FAR`."""
    others = (Evidence.MEASURED, Evidence.SIMULATED)
    return [
        _miss(row)
        for row in _worst(found)
        if row.tolerance is None and row.evidence in others and abs(row.error) > FAR
    ]


def _worst(found: Sequence[Row]) -> list[Row]:
    return sorted(found, key=lambda row: -abs(math.log(max(row.ours / row.published, 1e-9))))


def _miss(row: Row) -> str:
    figures = f"{row.published:.4g} | {row.ours:.4g} {row.unit} | {row.error:+.1%}"
    return f"| {row.case} | {row.quantity} | {figures} | {row.note} |"


def section(case: str) -> str:
    """One case: its title, its rows, its notes."""
    found = rows([case])
    notes = list(dict.fromkeys(row.note for row in found if row.note))
    body = "\n".join(_line(row, notes) for row in found)
    listed = "".join(f"\n{i}. {note}" for i, note in enumerate(notes, start=1))
    return f"## {case}: {title(case)}\n\n{HEAD}\n{body}\n{listed}\n"


def _line(row: Row, notes: list[str]) -> str:
    mark = f" [{notes.index(row.note) + 1}]" if row.note else ""
    aim = f"{row.tolerance:.1%}" if row.aimed else ""
    cells = (
        row.quantity + mark,
        row.unit,
        f"{row.published:.6g}",
        f"{row.ours:.6g}",
        f"{row.error:+.1%}",
        aim,
        verdict(row),
        row.evidence.value,
        row.made.value,
        row.source,
    )
    return f"| {' | '.join(cells)} |"


def verdict(row: Row) -> str:
    """Say "yes", "no", or nothing where nothing was aimed at."""
    return "" if not row.aimed else ("yes" if row.holds else "no")
