"""What each idea of the model is worth, in tables."""

import math
from typing import TYPE_CHECKING, Any, Final

from dse.views.text import text_table

if TYPE_CHECKING:
    import pandas

_NO_SWITCH: Final = "no switch"
_RATIOS: Final = (
    ("edp", "Least EDP without the idea, over the least with it"),
    ("hypervolume", "Hypervolume of the front without the idea, over that with it"),
    ("regret", "What choosing by EDP without the idea costs: EDP, with everything, over the least, less 1"),
)
_EACH: Final = ("hypervolume", "edp", "knee_latency", "knee_energy", "knee_area", "regret")


def _shown(value: float, metric: str) -> str:
    if math.isnan(value):
        return _NO_SWITCH
    return f"{100 * value:.1f} %" if metric == "regret" else f"{value:.3f}"


def _rows(summary: "pandas.DataFrame", metric: str) -> list[list[str]]:
    """Head and body of a table of ideas by machines."""
    head = ["without", *map(str, summary.columns)]
    return [
        head,
        *(
            [str(idea), *(_shown(v, metric) for v in row)]
            for idea, row in zip(summary.index, summary.to_numpy(), strict=True)
        ),
    ]


def worth_table(ideas: Any, metric: str) -> str:
    """Lay out a ratio as plain text: one row an idea, one column a machine, geometric means over networks."""
    return text_table(_rows(ideas.summary(metric), metric))


def _markdown(rows: list[list[str]]) -> str:
    lines = [" | ".join(["", *row, ""]).strip() for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def worth_page(ideas: Any) -> str:
    """Lay out everything in Markdown: a table for each figure, each network's rows, and missing switches."""
    table = ideas.table
    parts = [
        f"### {title}\n\nGeometric mean over {', '.join(dict.fromkeys(table['network']))}.\n\n"
        + _markdown(_rows(ideas.summary(metric), metric))
        for metric, title in _RATIOS
    ]
    known = table[table["why_not"] == ""]
    head = ["machine", "without", "network", *(name.replace("_", " ") for name in _EACH)]
    body = [
        [row["machine"], row["idea"], row["network"], *(_shown(row[name], name) for name in _EACH)]
        for _, row in known.sort_values(["machine", "idea"], kind="stable").iterrows()
    ]
    parts.append(
        "### Each network\n\nKnees are without the idea over with it.\n\n" + _markdown([head, *body])
    )
    missing = table[table["why_not"] != ""].drop_duplicates(["machine", "idea", "why_not"])
    if len(missing):
        said = [f"- {row['machine']}, {row['idea']}: {row['why_not']}." for _, row in missing.iterrows()]
        parts.append("### Switches that do not exist\n\n" + "\n".join(said))
    return "\n\n".join(parts) + "\n"
