"""`springboard spaces`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dse.cli.options import Json, print_json
from dse.naming import refuse_elsewhere
from dse.space.named import about, named_space, space_names
from dse.views.text import text_table

if TYPE_CHECKING:
    from dse.space.space import Space


def command(
    name: Annotated[
        str | None, typer.Argument(metavar="SPACE", help="Show this one's axes and constraints.")
    ] = None,
    json: Json = False,
) -> None:
    """List the spaces known by name, or show one with its axes.

    They are where sweep, front and search start; --axis replaces or adds an axis, --constraint a constraint.

    \b
    springboard spaces
    springboard spaces systolic
    springboard spaces --json
    """
    if name:
        refuse_elsewhere(name, "space")
    spaces = {one: named_space(one) for one in ([name] if name else space_names())}
    if json:
        print_json({one: {"about": about(one), **_plain(space)} for one, space in spaces.items()})
        return
    if name:
        print(f"{about(name)}\n\n{spaces[name]!r}")
        for assumption in spaces[name].assumptions:
            print(f"  assumed: {assumption}")
        return
    rows = [["space", "points", "admissible", "axes", "base", "about"]]
    for one, space in spaces.items():
        points = [f"{space.size:,}", f"{space.admissible():,}"]
        rows.append([one, *points, str(len(space.axes)), space.base.name, about(one).partition(".")[0]])
    print(text_table(rows, last_left=True))


def _plain(space: "Space") -> dict[str, Any]:
    """A space as plain data: what it has, and how its axes read."""
    return {
        "base": space.base.name,
        "size": space.size,
        "points": space.admissible(),
        "axes": {axis.name: [axis.show(code) for code in range(len(axis))] for axis in space.axes},
        "constraints": [constraint.text for constraint in space.constraints],
        "assumptions": list(space.assumptions),
    }
