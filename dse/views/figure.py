"""A figure without global state: it shows itself in a notebook and saves as it was made."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dse.run.provenance import KEY


class PaperFigure(Figure):
    """A matplotlib figure without pyplot. Its PDF and PNG files say what made their numbers.

    Parameters
    ----------
    style
        Settings (rcParams) that hold whenever it is saved: matplotlib reads some only then.

    """

    def __init__(self, *args: Any, style: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(*args, layout="constrained", **options)
        self._style = dict(style or {})
        self.provenance: Callable[[], Mapping[str, Any]] | None = None
        FigureCanvasAgg(self)

    def draw(self, renderer: Any) -> None:
        """Draw in this figure's style: its fonts are looked up only now."""
        with rc_context(self._style):  # type: ignore[arg-type]
            super().draw(renderer)

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save in this figure's style and undated, so that equal figures give equal files."""
        name = str(args[0] if args else options.get("fname"))
        form = options.get("format") or name.rpartition(".")[2]
        if form in ("pdf", "png"):
            options["metadata"] = {**self._metadata(form), **options.get("metadata", {})}
        with rc_context(self._style):  # type: ignore[arg-type]
            super().savefig(*args, **options)

    def _metadata(self, form: str) -> dict[str, str | None]:
        """What made it, and no date."""
        said = json.dumps(self.provenance()) if self.provenance is not None else None
        if form == "pdf":
            return {"CreationDate": None, **({"Subject": said} if said else {})}
        return {KEY: said} if said else {}

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
