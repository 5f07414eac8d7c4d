"""Styles of venues: widths, type and its sizes, as matplotlib's own settings."""

import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from cycler import cycler
from matplotlib import _api, rcParams, rcParamsDefault
from matplotlib.font_manager import FontProperties, fontManager

from dse.errors import UnknownNameError, nearest
from workloads.errors import InputError, shown
from workloads.grammar.arguments import TEXT, takes

if TYPE_CHECKING:
    from matplotlib import RcParams

INK: Final = "#222222"
QUIET: Final = "#6e6e6e"
RULE: Final = "#e4e4e4"
LEAST_PT: Final = 7.0
"""No text of a figure is smaller."""

OKABE_ITO: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#777777")
"""Okabe and Ito's colours, which stay apart for colour-blind readers; in grey, shapes and hatches tell."""
HATCHES: Final = ("", "////", "\\\\\\\\", "....", "xxxx", "----", "||||", "oooo")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "p")


class Venue(NamedTuple):
    """What a venue asks of a figure; widths in inches, sizes in points."""

    column: float
    page: float
    family: str  # matplotlib's generic family
    fonts: tuple[str, ...]  # of the venue's face, any will do
    instead: tuple[str, ...]  # where none of them is there
    text: float
    small: float  # ticks, legends
    line: float


_TIMES: Final = (
    "Times New Roman",
    "Times",
    "Nimbus Roman",
    "Liberation Serif",
    "Tinos",
    "TeX Gyre Termes",
    "STIX Two Text",
    "STIXGeneral",
)
_SANS: Final = ("Helvetica", "Arial", "Nimbus Sans", "Liberation Sans", "Arimo", "DejaVu Sans")

VENUES: Final = {
    # IEEEtran: 252 pt and 516 pt of 72.27 pt an inch, Times.
    "ieee": Venue(3.48, 7.13, "serif", _TIMES, ("DejaVu Serif",), 8.0, 7.0, 0.5),
    # acmart, sigconf: 241.15 pt and 506.30 pt of 72.27 pt an inch, Linux Libertine.
    "acm": Venue(
        3.33,
        7.0,
        "serif",
        ("Linux Libertine O", "Linux Libertine", "Libertinus Serif"),
        ("STIXGeneral", "DejaVu Serif"),
        8.0,
        7.0,
        0.5,
    ),
    # usenix-2020: 3.33 in columns of a 7 in page, Times of 10 pt.
    "usenix": Venue(3.33, 7.0, "serif", _TIMES, ("DejaVu Serif",), 9.0, 8.0, 0.5),
    # Half and the whole of a slide of 13.33 in by 7.5 in.
    "slides": Venue(6.0, 12.0, "sans-serif", _SANS, ("DejaVu Sans",), 16.0, 14.0, 1.0),
}

_PLAIN: Final = Venue(3.5, 7.0, "", (), (), 8.0, 7.0, 0.5)
"""What a figure for paper has where no style is in force: sizes alone, in the reader's own type."""

_active: list[Venue] = []


class Style:
    """A venue's settings in force, until `undo` or the end of a `with`. Made by `dse.style`."""

    def __init__(self, name: str, venue: Venue, settings: dict[str, Any]) -> None:
        self.name, self._venue = name, venue
        self._before: RcParams = rcParams.copy()
        changes: Any = settings  # names that matplotlib knows
        rcParams.update(changes)
        _active.append(venue)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()

    def undo(self) -> None:
        """Put the settings back to what they were."""
        with _api.suppress_matplotlib_deprecation_warning():
            rcParams.update(self._before)
        if self._venue in _active:
            _active.remove(self._venue)

    def __repr__(self) -> str:
        return f"style {self.name}: {self._venue.column:g} in columns, {self._venue.page:g} in pages"


@takes(name=TEXT, font=TEXT.or_none())
def style(name: str, *, font: str | None = None) -> Style:
    """Set matplotlib's settings for a venue, from now on or inside `with`.

    Parameters
    ----------
    name
        "ieee", "acm" or "usenix" for their papers, "slides" for a talk.
    font
        Another type face than the venue's.

    Returns
    -------
    Style
        A context manager; `.undo()` ends it too.

    Raises
    ------
    UnknownNameError
        If no style is called so.

    Warns
    -----
    UserWarning
        If no font of the face is installed as TrueType; the line says what stands in.

    Notes
    -----
    Sets the widths that `width="column"` and `width="page"` mean and `figure.figsize`, the face and its sizes
    (7 pt at least), thin lines, and fonts embedded as TrueType (`pdf.fonttype` 42), which venues demand. Any
    setting may be changed afterwards; figures follow.

    Examples
    --------
    >>> from matplotlib import rcParams
    >>> with style("ieee"):
    ...     rcParams["figure.figsize"][0], rcParams["pdf.fonttype"]
    (3.48, 42)

    """
    if name not in VENUES:
        raise UnknownNameError(f"style: unknown style {shown(name)}{nearest(str(name), VENUES)}")
    venue = VENUES[name]
    settings = _settings(venue, font, f"style {name}")
    settings["figure.figsize"] = (venue.column, 0.74 * venue.column)
    return Style(name, venue, settings)


def _settings(venue: Venue, font: str | None, who: str) -> dict[str, Any]:
    """Settings of a venue; without a family they are sizes alone."""
    settings: dict[str, Any] = {
        "font.size": venue.text,
        "axes.labelsize": venue.text,
        "axes.titlesize": venue.text,
        "figure.titlesize": venue.text,
        "xtick.labelsize": venue.small,
        "ytick.labelsize": venue.small,
        "legend.fontsize": venue.small,
        "legend.title_fontsize": venue.small,
        "legend.frameon": False,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": venue.line,
        "grid.linewidth": 0.8 * venue.line,
        "hatch.linewidth": venue.line,
        "lines.linewidth": 2.0 * venue.line,
        "lines.markersize": 0.45 * venue.text,
        "patch.linewidth": venue.line,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "savefig.dpi": 400.0,
        "figure.dpi": 150.0,
    }
    for axis in "xy":
        settings |= {f"{axis}tick.{kind}.width": venue.line for kind in ("major", "minor")}
        settings |= {f"{axis}tick.major.size": 3.0, f"{axis}tick.minor.size": 1.6}
    if venue.family:
        wanted = (font,) if font else venue.fonts
        chosen = [one for one in wanted if _is_truetype(one)]
        others = [one for one in venue.instead if _is_truetype(one)]
        if not chosen:
            warnings.warn(
                f"{who}: none of {', '.join(wanted)} is installed as TrueType; "
                f"{next(iter(others), 'DejaVu')} stands in",
                stacklevel=3,
            )
        settings |= {
            "font.family": [venue.family],
            f"font.{venue.family}": [*chosen[:1], *others],
            "mathtext.fontset": "stix" if venue.family == "serif" else "dejavusans",
            "axes.prop_cycle": cycler(color=OKABE_ITO),
        }
    return settings


def _is_truetype(name: str) -> bool:
    """Whether a font of the name is there with outlines that a PDF takes as Type 42."""
    if all(entry.name != name for entry in fontManager.ttflist):
        return False
    with open(fontManager.findfont(FontProperties(family=[name]), fallback_to_default=False), "rb") as file:
        return file.read(4) != b"OTTO"


def width_inches(width: str | float) -> float:
    """Inches of a width.

    Parameters
    ----------
    width
        "column" or "page" of the style in force (3.5 in and 7 in where none is), or inches.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> width_inches("page"), width_inches(5)
    (7.0, 5.0)

    """
    venue = _active[-1] if _active else _PLAIN
    if width in ("column", "page"):
        return venue.column if width == "column" else venue.page
    if isinstance(width, bool) or not isinstance(width, int | float) or not 1 <= width <= 60:
        raise InputError(
            f'width must be "column", "page" or inches from 1 to 60, got {shown(width)}', path="width"
        )
    return float(width)


def page_settings() -> dict[str, Any]:
    """Settings of a figure of ours: those in force; where they are still matplotlib's defaults, a paper's."""
    if _active:
        return {}
    mine: Any = rcParams  # not as a dict: looking at its backend would load pyplot
    default: Any = rcParamsDefault
    plain = _settings(_PLAIN, None, "")
    return {name: value for name, value in plain.items() if mine[name] == default[name]}


def small_pt() -> float:
    """Size of the smallest text, in points: that of ticks and legends, 7 at least."""
    size = rcParams["legend.fontsize"]
    return max(LEAST_PT, float(FontProperties(size=size).get_size_in_points()))


def text_pt() -> float:
    """Size of axis titles, in points."""
    return max(LEAST_PT, float(FontProperties(size=rcParams["axes.labelsize"]).get_size_in_points()))


def kept_settings() -> dict[str, Any]:
    """Settings that matplotlib reads when it saves: a figure keeps them, whatever is in force then."""
    heads = ("font.", "mathtext.", "pdf.", "ps.", "svg.", "savefig.dpi", "hatch.", "text.")
    return {name: rcParams[name] for name in rcParams if name.startswith(heads)}
