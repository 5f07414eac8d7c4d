"""What `springboard timeloop ... --json` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwmodels.interop.timeloop import TimeloopResult, load, map_project, model
from hwmodels.mapping.search import Objective
from hwmodels.mapping.watch import Watch


def model_report(
    files: Sequence[str | Path],
    *,
    values: Mapping[str, object] | None = None,
    built_in_fit: bool = False,
) -> dict[str, Any]:
    """Run `timeloop model` on a list of files; `values` and `built_in_fit` are those of `timeloop.load`.

    Returns
    -------
    dict
        `cycles`, `energy_uj`, `edp_uj_mcycle`, `utilisation`, `bound`, `levels` (counts of one instance by
        level and operand), `energy_by_component_pj`, `mapping` (text), `formats` (by "level.operand"),
        `certificate` (None: a given mapping proves nothing) and `notes`.

    """
    project = load(files, values=values, built_in_fit=built_in_fit)
    return as_dict(model(project), None, project.notes)


def map_report(
    files: Sequence[str | Path],
    objective: Objective = "edp",
    watch: Watch | None = None,
    *,
    values: Mapping[str, object] | None = None,
    built_in_fit: bool = False,
    formats: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Run `timeloop map` on a list of files; `values` and `built_in_fit` are those of `timeloop.load`.

    `formats` are candidates of `timeloop.map_project`.

    Returns
    -------
    dict
        What `model_report` returns, with the `certificate`: `objective`, `represented`, `costed`, `pruned` by
        rule, `optimal`, `left`: where `watch` set a time limit and it came first, `optimal` is False; and
        `thriftiest`, as of `hwmodels.mapping.certificate.Certificate`.

    """
    project = load(files, values=values, built_in_fit=built_in_fit)
    result, certificate = map_project(project, objective, watch=watch, formats=formats)
    notes = project.notes
    if not certificate.optimal and watch is not None:
        notes = (
            *notes,
            f"the mapping is not proved optimal: after {watch.seconds:g} s of processor time, "
            f"{certificate.left:,} of {certificate.represented:,} mappings were left; a better one would "
            f"save {certificate.gap:.1%} at most; more time or more constraints end the search",
        )
    if project.mapping is not None:
        notes = (*notes, "the mapping that the files give was not used; `timeloop model` costs it")
    return as_dict(result, asdict(certificate), notes)


def as_dict(
    result: TimeloopResult, certificate: dict[str, Any] | None, notes: Sequence[str]
) -> dict[str, Any]:
    """Make a result ready for JSON."""
    return {
        "cycles": result.cycles,
        "energy_uj": result.energy_uj,
        "edp_uj_mcycle": result.edp_uj_mcycle,
        "utilisation": result.utilisation,
        "bound": result.evaluation.bound,
        "levels": result.levels,
        "energy_by_component_pj": result.evaluation.energy_by_component_pj,
        "mapping": result.mapping,
        "formats": result.formats,
        "certificate": certificate,
        "notes": list(notes),
    }
