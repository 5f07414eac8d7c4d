"""Fused groups of a result, in words."""

from typing import TYPE_CHECKING, Final

from hwmodels.residency.plan import APART, MAIN_MEMORY

if TYPE_CHECKING:
    from dse.results.evaluation import Result

_MOST_CROSSING: Final = 5


def fused_lines(result: "Result") -> list[str]:
    """Groups, one a line, their certificate, and which tensors cross main memory though they might not.

    Nothing where nothing may be fused.
    """
    schedule = result.fusion()
    if schedule is None:
        return []
    level = result.accelerator.model.handing(result.accelerator)
    lines = ["", f"fused at {level}:" if schedule.groups else "nothing is better fused"]
    for group in schedule.groups:
        names = " + ".join(result.names[row] for row in group.rows)
        tiles = "1 tile" if group.tiles == 1 else f"{group.tiles:,} tiles"
        lines.append(f"  {names}: {tiles} {group.plan}; {group.alive_words:,.0f} words alive")
    return [*lines, f"{schedule.certificate}.", *_crossing(result)]


def _crossing(result: "Result") -> list[str]:
    """Tensors that are not handed on, the largest first."""
    table = result.schedule()
    apart = table[table["why"] == APART].sort_values("bytes", ascending=False, kind="stable")
    handed = int((table["level"] != MAIN_MEMORY).sum())
    lines = [f"{handed:,} of {handed + len(apart):,} tensors are handed on in tiles"]
    named = apart["tensor"].iloc[:_MOST_CROSSING]
    lines += [f"- {tensor} crosses main memory: {APART}" for tensor in named]
    rest = len(apart) - len(named)
    return [*lines, f"- and {rest:,} more (.schedule() shows all)"] if rest > 0 else lines
