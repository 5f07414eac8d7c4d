"""What `springboard timeloop ... --json` prints."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwmodels.interop.timeloop import TimeloopResult, load, map_project, model
from hwmodels.mapping.search import Objective


def model_report(files: Sequence[str | Path]) -> dict[str, Any]:
    """Run `timeloop model` on a list of files.

    Returns
    -------
    dict
        `cycles`, `energy_uj`, `edp_uj_mcycle`, `utilisation`, `levels` (counts of one instance by level and
        operand), `mapping` (text), `bound` and `certificate` (None: a given mapping proves nothing).

    """
    return as_dict(model(load(files)), certificate=None)


def map_report(files: Sequence[str | Path], objective: Objective = "edp") -> dict[str, Any]:
    """Run `timeloop map` on a list of files.

    Returns
    -------
    dict
        What `model_report` returns, with the `certificate`: `objective`, `represented`, `costed`, `pruned` by
        rule, `optimal`.

    """
    result, certificate = map_project(load(files), objective)
    return as_dict(result, asdict(certificate))


def as_dict(result: TimeloopResult, certificate: dict[str, Any] | None) -> dict[str, Any]:
    """Make a result ready for JSON."""
    return {
        "cycles": result.cycles,
        "energy_uj": result.energy_uj,
        "edp_uj_mcycle": result.edp_uj_mcycle,
        "utilisation": result.utilisation,
        "bound": result.evaluation.bound,
        "levels": result.levels,
        "mapping": result.mapping,
        "certificate": certificate,
    }
