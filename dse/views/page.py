"""The page that shows designs in a browser: plain data, with every text set as text, never as markup."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dse.metrics import SHARES, describe
from hwmodels.machine_file import KINDS
from hwmodels.written import machine_data
from workloads.extras import library
from workloads.grammar.quantities import show, unit_of

if TYPE_CHECKING:
    import pandas

_DIGITS: Final = 7
_PARTS: Final = (
    ("mac_energy_j", "MACs"),
    ("buffer_energy_j", "buffers"),
    ("dram_energy_j", "main memory"),
    ("vector_energy_j", "vector work"),
    ("static_energy_j", "standing"),
    ("control_energy_j", "front end and control"),
)
"""Columns that energy is the sum of."""


def plotly() -> str:
    """Return plotly.js, or raise `MissingLibraryError` where it is not installed."""
    script: str = library("plotly.offline", "html", "a report in the browser").get_plotlyjs()
    return script


def written(
    title: str, head: str, notes: Sequence[str], premises: str, data: dict[str, Any], library_script: str
) -> str:
    """Write the page.

    Parameters
    ----------
    title, head, notes, premises
        What stands above and below the figures.
    data
        What `report/report.js` reads.
    library_script
        plotly.js.

    Returns
    -------
    str
        HTML that needs nothing else.

    """
    home = Path(__file__).parent / "report"
    environment = Environment(
        loader=FileSystemLoader(home), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(
        title=title,
        front=head,
        notes=notes,
        assumptions=premises,
        style=Markup((home / "report.css").read_text(encoding="utf-8")),
        script=Markup((home / "report.js").read_text(encoding="utf-8")),
        plotly=Markup(library_script),
        data=Markup(_embedded(data)),
    )


def _embedded(data: Any) -> str:
    """JSON that stands inside a script element whatever texts it holds."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def parts(frame: "pandas.DataFrame") -> list[list[str]]:
    """Columns that energy is the sum of, with their names, as far as a frame has them."""
    return [list(part) for part in _PARTS if part[0] in frame]


def axis(field: str, values: Sequence[Any], chosen: Sequence[Any]) -> dict[str, Any]:
    """Column of an axis: its values once, and codes."""
    codes = {value: code for code, value in enumerate(values)}
    return {
        "name": field,
        "title": field,
        "unit": unit_of(field),
        "values": [show(field, value) for value in values],
        "numbers": list(values),
        "codes": [codes[value] for value in chosen],
    }


def metric(frame: "pandas.DataFrame", name: str) -> dict[str, Any]:
    """Column of a metric: what it is called, its unit, numbers."""
    title, unit = describe(name)
    numbers = frame[name].to_numpy(dtype=np.float64).tolist()
    share = name in SHARES and not any(abs(value) > 1 for value in numbers)
    data = [short(value) for value in numbers]
    return {"name": name, "title": title, "unit": unit, "share": share, "data": data}


def short(value: float) -> float | None:
    """A number for a figure: seven digits; None where it is not finite."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


class Lines:
    """Texts as numbers of lines: data sheets and machine files differ in few of them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> list[int]:
        """Numbers of a text's lines."""
        numbers = []
        for line in text.splitlines():
            if line not in self._numbers:
                self._numbers[line] = len(self.texts)
                self.texts.append(line)
            numbers.append(self._numbers[line])
        return numbers


def machine_text(machine: Any) -> str:
    """Machine file of a design; "" where its class is one that a file cannot name."""
    if type(machine) not in KINDS.values():
        return ""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times as fast, where libyaml is there
    return str(
        yaml.dump(machine_data(machine), Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
    )
