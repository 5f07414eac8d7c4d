"""Metrics of one's own beside the machine's: accuracy, robustness, anything that a call says of a network."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dse.joint.accuracy import Measured
from dse.metrics import Objective, columns
from workloads.errors import InputError, shown

ACCURACY: Final = "accuracy"

Metric = Callable[..., Any] | Measured
"""`f(network)` or `f(network, machine)` -> a number or (mean, standard error)."""


def own_metrics(
    metrics: Mapping[str, Metric] | None,
    accuracy: Metric | None,
    objectives: Sequence[Any],
    *,
    store: Path | None = None,
    **options: Any,
) -> tuple[dict[str, Measured], list[str | Objective]]:
    """Put metrics given in the three ways that there are into one table.

    Parameters
    ----------
    metrics
        Name -> call.
    accuracy
        For `metrics={"accuracy": accuracy}`.
    objectives
        Columns; a call among them is a metric by its own name, to minimise.
    store
        Folder for what is measured, one below it a metric; None keeps nothing.
    options
        Of `Measured`.

    Returns
    -------
    metrics, objectives
        Name -> what measures it, and the objectives with calls replaced by their names.

    Raises
    ------
    ValueError
        If two metrics have one name, or one has the name of a column of the machine's.

    Examples
    --------
    >>> table, wanted = own_metrics(None, lambda network: 0.9, ["-accuracy", "latency_s"])
    >>> list(table), wanted
    (['accuracy'], ['-accuracy', 'latency_s'])

    """
    table: dict[str, Metric] = dict(metrics or {})
    if accuracy is not None:
        if ACCURACY in table:
            raise InputError("accuracy: is in metrics already", path="accuracy")
        table[ACCURACY] = accuracy
    if isinstance(objectives, str):
        objectives = [name.strip() for name in objectives.split(",")]
    wanted: list[str | Objective] = []
    for one in objectives:
        if callable(one) and not isinstance(one, Objective | str):
            name = getattr(one, "__name__", type(one).__name__)
            if not name.isidentifier():
                raise InputError(
                    f"objectives: {name} has no name to be a column's; use metrics={{name: call}}",
                    path="objectives",
                )
            if table.setdefault(name, one) is not one:
                raise InputError(f"objectives: two metrics are called {shown(name)}", path="objectives")
            wanted.append(name)
        else:
            wanted.append(one)
    for name in table:
        if not isinstance(name, str) or not name.strip() or name.startswith("-") or "," in name:
            raise InputError(
                f"metrics: {shown(name)} is no name for a column; use a text without a comma that does not "
                "begin with '-'",
                path="metrics",
            )
    taken = next((name for name in table if name in columns()), None)
    if taken:
        raise InputError(
            f"metrics: {shown(taken)} is a column of the machine's; choose another name", path="metrics"
        )
    made = {
        name: call
        if isinstance(call, Measured)
        else Measured(call, store=None if store is None else store / name, what=name, **options)
        for name, call in table.items()
    }
    return made, wanted
