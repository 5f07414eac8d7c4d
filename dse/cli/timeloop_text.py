"""The report of a mapping as a table that a person can read."""

from typing import Any

from dse.views.text import text_table
from workloads.grammar.quantities import si

PRUNED = {
    "orders": "loop orders no better than one that was costed",
    "axes": "the same loops spread over X and Y another way",
    "capacity": "tiles over a capacity",
    "fanout": "spatial loops over a fanout",
    "parallelism": "too few MACs at work",
    "unsupported": "not costed by the sparse model: a leader of several elements, or ranks too few",
    "bound": "least cost no better than the best, or words no fewer than those of a path that was kept",
}
"""What the pruning rules of a certificate mean."""


def report_text(report: dict[str, Any]) -> str:
    """Write a report of `hwmodels.interop.timeloop_report` for a person.

    Totals, the mapping, the counts of one instance of each level, the certificate, and the notes.
    """
    parts = [_totals(report), report["mapping"], _levels(report)]
    if report["certificate"] is not None:
        parts.append(certificate_text(report["certificate"]))
    parts += [f"Note: {note}." for note in report["notes"]]
    return "\n\n".join(parts)


def _totals(report: dict[str, Any]) -> str:
    rows = [
        ("Cycles", f"{report['cycles']:,} ({report['bound']})"),
        ("Energy", f"{report['energy_uj']:,.6g} µJ"),
        ("Energy-delay product", f"{report['edp_uj_mcycle']:,.6g} µJ · Mcycle"),
        ("Utilisation", f"{report['utilisation']:.1%}"),
    ]
    if report["formats"]:
        forms = sorted(report["formats"].items())
        rows.append(("Formats", ", ".join(f"{place} {form}" for place, form in forms)))
    return "\n".join(f"{name:<21} {value}" for name, value in rows)


def _levels(report: dict[str, Any]) -> str:
    """Counts by level and operand, outermost level first, and the energy of the rest."""
    rows = [["level", "operand", "instances", "tile words", "reads", "fills", "updates", "energy", "share"]]
    total = report["energy_uj"] * 1e6 or 1.0
    for level, operands in reversed(report["levels"].items()):
        for operand, counts in operands.items():
            words = [f"{counts[kind]:,.10g}" for kind in ("tile_words", "reads", "fills", "updates")]
            energy = counts["energy_pj"]
            rows.append([level, operand, f"{counts['instances']:,}", *words, *_energy(energy, total)])
    for component, energy in report["energy_by_component_pj"].items():
        if component not in report["levels"] and energy > 0:
            rows.append([component, "", "", "", "", "", "", *_energy(energy, total)])
    return text_table(rows) + "\n(words of one instance, the average over those in use; energy of all)"


def _energy(energy_pj: float, total_pj: float) -> list[str]:
    return [f"{si(energy_pj * 1e-12, 'J', digits=4)}", f"{energy_pj / total_pj:.1%}"]


def certificate_text(certificate: dict[str, Any]) -> str:
    """Say what became of every mapping of the space."""
    rows = [["what became of the mappings", "number"], ["costed", f"{certificate['costed']:,}"]]
    for rule, count in certificate["pruned"].items():
        if count:
            rows.append([PRUNED.get(rule, rule), f"{count:,}"])
    if not certificate["optimal"]:
        rows.append(["left when the time was up", f"{certificate['left']:,}"])
    rows.append(["the whole space", f"{certificate['represented']:,}"])
    head = "Optimal" if certificate["optimal"] else "Best found, not proved optimal,"
    return f"{head} for {certificate['objective']}.\n\n{text_table(rows)}"
