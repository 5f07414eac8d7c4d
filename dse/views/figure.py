"""A figure without global state: it shows itself in a notebook and saves as it was made."""

import io
from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class PaperFigure(Figure):
    """A matplotlib figure without pyplot.

    Parameters
    ----------
    style
        Settings (rcParams) that hold whenever it is saved: matplotlib reads some only then.

    """

    def __init__(self, *args: Any, style: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(*args, layout="constrained", **options)
        self._style = dict(style or {})
        FigureCanvasAgg(self)

    def draw(self, renderer: Any) -> None:
        """Draw in this figure's style: its fonts are looked up only now."""
        with rc_context(self._style):  # type: ignore[arg-type]
            super().draw(renderer)

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save in this figure's style and undated, so that equal figures give equal files."""
        with rc_context(self._style):  # type: ignore[arg-type]
            if (
                str(args[0] if args else options.get("fname")).endswith(".pdf")
                or options.get("format") == "pdf"
            ):
                options["metadata"] = {"CreationDate": None, **options.get("metadata", {})}
            super().savefig(*args, **options)

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=200)
        return picture.getvalue()


class PaperAxes(Axes):
    """Axes that a notebook shows as their figure."""

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save the whole figure; see `Figure.savefig`."""
        figure = self.get_figure(root=True)
        assert figure is not None
        figure.savefig(*args, **options)

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure(root=True)
        return figure._repr_png_() if isinstance(figure, PaperFigure) else None
