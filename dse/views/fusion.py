"""Fused groups of a result, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.results.evaluation import Result


def fused_lines(result: "Result") -> list[str]:
    """Groups, one a line, and their certificate; nothing where nothing may be fused."""
    schedule = result.fusion()
    if schedule is None:
        return []
    level = result.accelerator.model.handing(result.accelerator)
    lines = ["", f"fused at {level}:" if schedule.groups else "nothing is better fused"]
    for group in schedule.groups:
        names = " + ".join(result.names[row] for row in group.rows)
        tiles = "1 tile" if group.tiles == 1 else f"{group.tiles:,} tiles"
        lines.append(f"  {names}: {tiles} {group.plan}; {group.alive_words:,.0f} words alive")
    return [*lines, f"{schedule.certificate}."]
