"""Tables for LaTeX: booktabs and siunitx, plain names, and only what tells the designs apart."""

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from dse.designs import Designs
from dse.errors import UnknownNameError, nearest
from dse.space.words import axis_title
from dse.views.units import as_numbers, unit_of
from workloads.errors import InputError, shown
from workloads.grammar.quantities import dimension_of, show

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "²": r"\textsuperscript{2}",
    "µ": r"\textmu{}",
    "×": r"\(\times\)",
    "–": "--",
    "°": r"\textdegree{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{character: "\\" + character for character in "_%&#${}"},
}
_UNITS: Final = {
    "s": r"\second",
    "J": r"\joule",
    "W": r"\watt",
    "Hz": r"\hertz",
    "B": r"\byte",
    "B/s": r"\byte\per\second",
    "mm²": r"\milli\metre\squared",
    "°C": r"\degreeCelsius",
    "%": r"\percent",
    "Js": r"\joule\second",
}
_PREFIXES: Final = {
    "f": r"\femto",
    "p": r"\pico",
    "n": r"\nano",
    "µ": r"\micro",
    "m": r"\milli",
    "k": r"\kilo",
    "M": r"\mega",
    "G": r"\giga",
    "T": r"\tera",
    "Ki": r"\kibi",
    "Mi": r"\mebi",
    "Gi": r"\gibi",
    "Ti": r"\tebi",
}


_LEAST_NOTE: Final = 40
"""Letters of a line of the note below a table at least, however narrow the table is."""


_GAP, _GAP_IN_A_TABLE = 2.4, 1.4
"""Between columns, in letters of the note: 12 pt, and 6 pt where `\\tabcolsep` is 3 pt."""


class Column(NamedTuple):
    """One column of a table: the lines of its head, its unit below, how it is set, its cells as LaTeX."""

    head: tuple[str, ...]
    unit: str
    spec: str
    cells: list[str]


def escaped(text: str) -> str:
    r"""Text as LaTeX sets it, whatever characters it has.

    Examples
    --------
    >>> print(escaped("50% of $x_1 & {y}"))
    50\% of \$x\_1 \& \{y\}

    """
    return "".join(_SPECIAL.get(character, character) for character in text)


def latex(
    front: Designs,
    designs: Iterable[int] | None = None,
    *,
    columns: Sequence[str] | None = None,
    names: Mapping[Any, str] | None = None,
    caption: str | None = None,
    label: str | None = None,
    digits: int = 3,
    wide: bool = False,
) -> str:
    r"""Write designs of a front as a LaTeX table for the packages booktabs and siunitx.

    Parameters
    ----------
    front
        The front.
    designs
        Indices of designs; by default the knee and the extremes under their names, and what was marked beside
        the front.
    columns
        Columns of the front's frame; by default the space's axes in which these designs differ and the
        objectives. What they agree in, as far as it is known of them, is said in a note below.
    names
        Other words for columns (at the head) and designs (in the first column, by name or by index).
    caption, label
        Of a `table` around the `tabular`; without either it stands alone.
    digits
        Significant digits of metrics.
    wide
        Whether that is a `table*` over both columns.

    Returns
    -------
    str
        One row a design. Numbers are aligned at their points under heads with units; nothing needs escaping.

    Raises
    ------
    KeyError
        If a design is not on the front, or a column or a name to be replaced is not known.
    ValueError
        If the front has no designs, or digits is no positive number.

    """
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 15:
        raise InputError(f"digits must be a whole number from 1 to 15, got {shown(digits)}", path="digits")
    if not len(front):
        raise InputError("to_latex: the front has no designs")
    heads = _names(front, names or {})
    labels, rows = _rows(front, designs, heads)
    listed, agreed = _columns(front, rows, columns)
    table = [Column(("Design",), "", "l", labels)]
    for name in listed:
        table.append(_column(front, name, [row.get(name) for row in rows], heads, digits))
    lines = [
        rf"\begin{{tabular}}{{{''.join(column.spec for column in table)}}}",
        r"\toprule",
        *_heads(table),
        r"\midrule",
        *(" & ".join(cells) + r" \\" for cells in zip(*(column.cells for column in table), strict=True)),
        r"\bottomrule",
    ]
    if agreed:
        whose = (
            "All" if all(row.get(name) is not None for row in rows for name, _ in agreed) else "All costed"
        )
        same = (f"{heads.get(name, axis_title(name))} {text}" for name, text in agreed)
        said = f"{whose}: {', '.join(same)}."
        across = rf"\multicolumn{{{len(table)}}}{{l}}"
        gap = _GAP if caption is None and label is None else _GAP_IN_A_TABLE
        room = sum(map(_letters, table)) + int(gap * len(table))
        below = textwrap.wrap(said, max(_LEAST_NOTE, room))
        lines.append(r"\addlinespace")
        lines += [rf"{across}{{\footnotesize {escaped(line)}}} \\" for line in below]
    lines.append(r"\end{tabular}")
    if caption is None and label is None:
        return "\n".join(lines) + "\n"
    around = "table*" if wide else "table"
    head = [rf"\begin{{{around}}}", r"\centering", r"\footnotesize", r"\setlength{\tabcolsep}{3pt}"]
    head += [r"\setlength{\belowcaptionskip}{4pt}"] if caption is not None else []
    head += [rf"\caption{{{escaped(caption)}}}"] if caption is not None else []
    head += [rf"\label{{{label}}}"] if label is not None else []
    return "\n".join([*head, *lines, rf"\end{{{around}}}"]) + "\n"


def _heads(table: Sequence[Column]) -> list[str]:
    """Lines of the heads, the last words of all in one line, and the units below them."""
    tall = max(len(column.head) for column in table)
    padded = [("",) * (tall - len(column.head)) + column.head for column in table]
    units = tuple(column.unit for column in table)
    lines = [*zip(*padded, strict=True), *([units] if any(units) else [])]
    return [" & ".join(line) + r" \\" for line in lines]


def _letters(column: Column) -> int:
    """Letters across a column, roughly: commands and braces are none."""
    parts = [part for text in (*column.head, *column.cells) for part in text.split(r"\\")]
    return max(len(re.sub(r"\\[a-zA-Z]+(\[\w\])?|[{}\\$]", "", part)) for part in parts)


def _names(front: Designs, names: Mapping[Any, str]) -> dict[Any, str]:
    """Other words, each for a column or a design that there is."""
    known = [str(name) for name in (*front.frame.columns, *front.designs().index)]
    known += [marked.label for marked in front.marked]
    for name, word in names.items():
        if not isinstance(word, str):
            raise InputError(f"names: {shown(name)} must become a text, got {shown(word)}", path="names")
        if name not in known and name not in front.frame.index:
            raise UnknownNameError(
                f"names: {shown(name)} is no column or design of the front{nearest(str(name), known)}"
            )
    return dict(names)


def _rows(
    front: Designs, designs: Iterable[int] | None, names: Mapping[Any, str]
) -> tuple[list[str], list[dict[str, Any]]]:
    """What designs are called, and their columns."""
    if designs is None:
        chosen = front.designs()
        indices = chosen["index"].tolist()
        twins: dict[int, list[str]] = {}
        for name, index in zip(chosen.index, indices, strict=True):
            twins.setdefault(index, []).append(names.get(str(name), str(name)))
        labels = [
            escaped(names[index]) if index in names else _below(escaped(",\n".join(said)).split("\n"))
            for index, said in twins.items()
        ]
        rows = [dict(front.frame.loc[index]) for index in twins]
        for marked in front.marked:
            labels.append(escaped(names.get(marked.label, marked.label)))
            rows.append({**marked.fields, **marked.values})
        return labels, rows
    wanted = list(designs)
    missing = next((index for index in wanted if index not in front.frame.index), None)
    if missing is not None:
        raise UnknownNameError(f"design {missing} is not on the front")
    return [escaped(names.get(index, str(index))) for index in wanted], [
        dict(front.frame.loc[index]) for index in wanted
    ]


def _columns(
    front: Designs, rows: Sequence[Mapping[str, Any]], asked: Sequence[str] | None
) -> tuple[list[str], list[tuple[str, str]]]:
    """Columns of the table, and what all its designs agree in."""
    known = [str(name) for name in front.frame.columns]
    if asked is not None:
        for name in asked:
            if name not in known:
                raise UnknownNameError(
                    f"to_latex: the front has no column {shown(name)}{nearest(name, known)}"
                )
        return list(asked), []
    fields = list(front.space.fields)
    values = {name: {row[name] for row in rows if row.get(name) is not None} for name in fields}
    differ = [name for name in fields if len(values[name]) > 1]
    agreed = [(name, show(name, *values[name])) for name in fields if len(values[name]) == 1]
    return [*differ, *(objective.column for objective in front.objectives)], agreed


def _column(
    front: Designs, name: str, values: Sequence[Any], names: Mapping[Any, str], digits: int
) -> Column:
    """One column: metrics and quantities as aligned numbers under their unit, the rest as text."""
    own = names.get(name)
    metric = name not in front.space.fields
    quantity = bool(dimension_of(name)) and all(_is_number(value) for value in values if value is not None)
    if not metric and not quantity:
        texts = [_cell(name, value) for value in values]
        spec = "r" if all(_is_number(value) for value in values if value is not None) else "l"
        return Column(_head(axis_title(name), own), "", spec, texts)
    numbers = as_numbers([value if _is_number(value) else math.nan for value in values])
    if not metric and not _plain(name):
        return Column(_head(axis_title(name), own), "", "r", [_cell(name, value) for value in values])
    unit = unit_of(name, numbers)
    title, _, inside = unit.label.removesuffix(")").partition(" (")
    cells = [
        (_rounded(value / unit.size, digits) if metric else f"{value / unit.size:.6g}")
        if math.isfinite(value)
        else ""
        for value in numbers
    ]
    head = tuple(f"{{{line}}}" for line in _head(title if metric else axis_title(name), own))
    written = _unit(inside)
    spec = f"S[table-format={_format(cells)}]" if any(cells) else "r"
    unit_below = rf"{{(\unit{{{written}}})}}" if written else ""
    return Column(head, unit_below, spec, [cell or "{--}" for cell in cells])


def _head(title: str, own: str | None) -> tuple[str, ...]:
    """Lines of a head: a reader's own words in one, this project's below each other; columns are narrow."""
    return (escaped(own),) if own else tuple(escaped(word) for word in title.split())


def _below(words: Sequence[str]) -> str:
    """Names of one design, one below the other."""
    below = r"\\".join(words)
    return rf"\shortstack[l]{{{below}}}" if len(words) > 1 else below


def _plain(name: str) -> bool:
    """Whether the unit of a field is one that a head can state."""
    return str(dimension_of(name)) in ("bytes", "hz", "bytes_per_s")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "--"
    text = value if isinstance(value, str) else show(name, value)
    return escaped(text.upper() if name == "main_memory" else text)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str) and hasattr(value, "__float__")


def _rounded(value: float, digits: int) -> str:
    """A number with significant digits, never in powers of ten below a million.

    Examples
    --------
    >>> _rounded(1234.5, 3), _rounded(0.0123456, 3), _rounded(2.0, 3), _rounded(float("nan"), 3)
    ('1234', '0.0123', '2.00', '')

    """
    if not math.isfinite(value):
        return ""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if places < -6 or places > 12:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, places)}f}"


def _format(cells: Sequence[str]) -> str:
    """What siunitx has to leave room for.

    Examples
    --------
    >>> _format(["12.5", "-0.003", ""]), _format(["1.2e+08", "1"])
    ('-2.3', '1.1e+2')

    """
    whole = places = power = 0
    sign = ""
    plus = ""
    for cell in filter(None, cells):
        number, _, exponent = cell.partition("e")
        sign = "-" if number.startswith("-") else sign
        left, _, right = number.lstrip("-").partition(".")
        whole, places = max(whole, len(left)), max(places, len(right))
        if exponent:
            plus = "+" if exponent[0] == "+" and plus != "-" else "-"
            power = max(power, len(exponent.lstrip("+-")))
    return f"{sign}{whole}.{places}" + (f"e{plus}{power}" if power else "")


def _unit(text: str) -> str:
    r"""A unit with its prefix as siunitx has it.

    Examples
    --------
    >>> print(_unit("µJ"), _unit("mm²"), _unit("KiB"), _unit("%"))
    \micro\joule \milli\metre\squared \kibi\byte \percent

    """
    if text in _UNITS:
        return _UNITS[text]
    for prefix in sorted(_PREFIXES, key=len, reverse=True):
        if text.startswith(prefix) and text[len(prefix) :] in _UNITS:
            return _PREFIXES[prefix] + _UNITS[text[len(prefix) :]]
    return ""
