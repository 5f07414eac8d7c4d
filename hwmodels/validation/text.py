"""The ledger as a page of Markdown."""

from collections.abc import Sequence

from hwmodels.validation.book import cases, rows, title
from hwmodels.validation.row import Evidence, Row

HEAD = """| figure | unit | published | ours | error | aim | holds | kind | source |
|---|---|--:|--:|--:|--:|---|---|---|"""
INTRO = """# Validation: published figures and ours

Made by `springboard validate --markdown`; every figure of ours is computed when the page is. An error is
relative to the published figure; *aim* is the error that was aimed at before the figure was computed, empty
where the row only reports. *Kind* says what the row is: *measured* on silicon; *simulated* or estimated by
others; *derived*, an anchor or identity that cannot miss and counts as no aim; *ours*, beside a figure that
it would have to explain. Notes say what went into a figure besides shapes and data sheets, and why an aim is
missed.
"""


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
    return "\n".join([INTRO, tally(rows()), _misses(rows()), *(section(name) for name in cases())])


def tally(found: Sequence[Row]) -> str:
    """Count the aims that could have been missed, and what held besides."""
    aimed = [row for row in found if row.aimed]
    held = sum(bool(row.holds) for row in aimed)
    derived = sum(row.evidence is Evidence.DERIVED for row in found)
    return (
        f"{len(aimed)} figures have an aim that could be missed: {held} hold, {len(aimed) - held} do not. "
        f"{derived} more are derived; {len(found) - len(aimed) - derived} are reported without an aim.\n"
    )


def _misses(found: Sequence[Row]) -> str:
    """Where the models are wrong: missed aims, the worst first."""
    missed = sorted((row for row in found if row.aimed and not row.holds), key=lambda row: -abs(row.error))
    if not missed:
        return ""
    lines = "\n".join(f"- {row.case}, {row.quantity}: {row.error:+.1%}. {row.note}" for row in missed)
    return f"## Where the models are wrong\n\n{lines}\n"


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
        row.source,
    )
    return f"| {' | '.join(cells)} |"


def verdict(row: Row) -> str:
    """Say "yes", "no", or nothing where nothing was aimed at."""
    return "" if not row.aimed else ("yes" if row.holds else "no")
