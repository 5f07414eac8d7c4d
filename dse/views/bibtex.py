"""Sources as BibTeX: entries of the bibliography that a source's words name, the rest as they are stated."""

import csv
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple, Protocol

from dse.version import version
from dse.views.latex import escaped

_OWN: Final = ("assumed", "of this project", "stated by the user", "formulas and constants")
_CITES: Final = re.compile(r"(19|20)\d\d|et al|github|arXiv|JEDEC|data sheet|manual", re.IGNORECASE)
"""Words by which a clause that the bibliography does not know is still a citation."""
_HELD_IN: Final = {
    "article": "journal",
    "inproceedings": "booktitle",
    "phdthesis": "school",
    "techreport": "institution",
}


class Source(Protocol):
    """A source as stated, and what it is behind."""

    @property
    def what(self) -> str:
        """What it is behind."""

    @property
    def source(self) -> str:
        """The source in its table's words."""


class Entry(NamedTuple):
    """One work of the bibliography."""

    key: str
    pattern: "re.Pattern[str]"
    type: str
    author: str
    title: str
    venue: str
    year: str
    more: str  # further fields, "volume=52; pages=127--138"


@cache
def bibliography() -> tuple[Entry, ...]:
    """Works that the package's tables name, from `dse/data/bibliography.csv`."""
    with (files("dse") / "data" / "bibliography.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return tuple(Entry(**{**row, "pattern": re.compile(row["pattern"])}) for row in rows)  # type: ignore[arg-type]


def bibtex(sources: Iterable[Source]) -> str:
    """Write sources as BibTeX.

    Parameters
    ----------
    sources
        As `dse.results.citing.sources` collected them.

    Returns
    -------
    str
        The entry of this software first, then one entry a work, each under a comment that says what it is
        behind. What cites a work that the bibliography does not know becomes a `@misc` with its words as a
        note; what is assumed or derived here is listed in comments at the end.

    """
    behind: dict[str, list[str]] = {}
    written: dict[str, str] = {}
    plain: dict[str, None] = {}
    for one in sources:
        if not one.source:
            plain[f"{one.what}: no source is stated"] = None
            continue
        known = [entry for entry in bibliography() if entry.pattern.search(one.source)]
        for entry in known:
            written[entry.key] = _entry(entry)
            behind.setdefault(entry.key, []).append(one.what)
        if known:
            continue
        if _CITES.search(one.source) and not any(word in one.source for word in _OWN):
            key = _key(one.source)
            written[key] = _fields("misc", key, [("note", escaped(one.source))])
            behind.setdefault(key, []).append(one.what)
        else:
            plain[f"{one.what}: {one.source}"] = None
    parts = [_own()]
    for key, text in written.items():
        parts.append(f"% {_listed(behind[key])}\n{text}")
    if plain:
        parts.append("% Without a work to cite:\n" + "\n".join(f"% {line}" for line in plain))
    return "\n\n".join(parts) + "\n"


def _own() -> str:
    """The entry of this software."""
    title = "{Springboard}: which accelerator should run my sparse network, and which network should run on "
    title += "that accelerator?"
    fields = [("author", "{The Springboard authors}"), ("title", title), ("note", f"Version {version()}")]
    return "% all figures\n" + _fields("misc", "springboard", fields)


def _entry(entry: Entry) -> str:
    """One work."""
    fields = [("author", entry.author), ("title", "{" + entry.title + "}")]
    if entry.venue:
        fields.append((_HELD_IN.get(entry.type, "howpublished"), entry.venue))
    if entry.year:
        fields.append(("year", entry.year))
    for more in filter(None, entry.more.split("; ")):
        name, _, value = more.partition("=")
        fields.append((name, value))
        if name == "eprint":
            fields.append(("archiveprefix", "arXiv"))
    return _fields(entry.type, entry.key, fields)


def _fields(kind: str, key: str, fields: Sequence[tuple[str, str]]) -> str:
    return "\n".join([f"@{kind}{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields), "}"])


def _key(source: str) -> str:
    """A key out of the words of a source: its first name and its year."""
    words = re.findall(r"[A-Za-z]+", source.removeprefix("github "))
    year = re.search(r"(19|20)\d\d", source)
    return (words[0].lower() if words else "source") + (year.group() if year else "")


def _listed(what: Sequence[str]) -> str:
    """What an entry is behind, in one line."""
    names = list(dict.fromkeys(what))
    return "; ".join(names[:6]) + (f"; {len(names) - 6} more" if len(names) > 6 else "")
