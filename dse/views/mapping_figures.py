"""Figures of one operation's mapping on one machine: the loop nest, and where its energy goes."""

from typing import TYPE_CHECKING, Any

from dse.views.nest_energy import draw_energy, energy_bars
from dse.views.nest_picture import nest_picture
from dse.views.nest_plot import draw_nest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_mapping(operation: Any, architecture: Any, found: Any, **options: Any) -> "Figure":
    """Draw a mapping: tiles level by level, and the words that travel between them.

    Parameters
    ----------
    operation
        What is mapped: `hwmodels.mapping.convolution` or the like.
    architecture
        Where: `machine.architecture` of a machine of levels.
    found
        What `hwmodels.mapping.map_problem` returned, with `.mapping` and `.evaluation`.
    options
        `width`.

    """
    return draw_nest(nest_picture(operation, architecture, found.mapping, found.evaluation), **options)


def draw_mapping_energy(operation: Any, architecture: Any, found: Any, **options: Any) -> "Axes":
    """Draw a mapping's energy by level and operand, with the arguments of `draw_mapping`, and `ax`."""
    return draw_energy(energy_bars(operation, architecture, found.evaluation), **options)
