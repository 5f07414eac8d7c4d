"""`dse.sweep`: one network's machines, or every pair of several networks and machines."""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas

from dse.arguments import OBJECTIVES as OBJECTIVE_NAMES
from dse.arguments import folder_named
from dse.errors import StoreError
from dse.joint.accuracy import Measured, Measurement
from dse.joint.listed import networks_of
from dse.joint.own import ACCURACY, Metric, own_metrics
from dse.metrics import OBJECTIVES, Objective, columns, objectives_of
from dse.results.networks_sweep import LISTED, Label, NetworksSweep
from dse.run import sweep as running
from dse.space.named import space_of
from workloads import Network, NetworkSpace
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import LISTED as SEQUENCE
from workloads.grammar.arguments import MAPPING

if TYPE_CHECKING:
    from dse.results.sweep import Sweep
    from dse.space.space import Space

_MOST_NETWORKS: Final = 10_000
_FIELDS: Final = ("accuracy", "error", "log_loss", "test_accuracy", "test_error")


def sweep(
    network: Any,
    space: "Space | str",
    *,
    metrics: Mapping[str, Metric] | None = None,
    accuracy: Metric | None = None,
    objectives: Sequence[str | Objective | Callable[..., Any]] | None = None,
    store: str | os.PathLike[str] | None = None,
    sample: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Any:  # which of two classes depends on what is swept
    """Cost every point of a space on a network, or every pair of networks and points.

    Parameters
    ----------
    network
        A network, its name, an ONNX file's path or a layer table: the sweep of its machines. A list of
        networks or a `workloads.NetworkSpace`: networks are one more axis, with a column `network`.
    space
        The machines.
    metrics
        Own columns: name -> `f(network)` or `f(network, machine)` -> a number or (mean, standard error), each
        measured once a network (a call that takes a machine: once a feasible pair).
    accuracy
        Short for `metrics={"accuracy": accuracy}`.
    objectives
        Of the front; columns of the machine's and own metrics, mixed, "-" before a name to maximise. A call
        among them is a metric by its own name, to minimise. By default latency, energy and area, and
        -accuracy where it is measured.
    store
        Folder for the results: of several networks one store each, and what was measured. The same sweep
        again computes only what is missing; `dse.open` reads it.
    sample
        Of a space of networks: how many are drawn, spread evenly by `seed`; by default every allowed one.
    seed
        Of the sample and of calls that take one.
    options
        `batch`, `mapping_objective`, `keep`, `executor`, `workers`, `chunk`, `progress`: see
        `dse.run.sweep.sweep`.

    Returns
    -------
    Sweep or NetworksSweep
        `.frame`, `.front()`; of several networks also `.iso_accuracy()`, and `[name]` for one of them.

    Raises
    ------
    ValueError, UnknownNameError, StoreError
        As `dse.run.sweep.sweep`; if a metric has a machine's column's name, or a list is empty.

    Examples
    --------
    >>> import dse
    >>> space = dse.Space("edge_16x16", {"array.rows": [8, 16]})
    >>> said = {"lenet5": 0.99, "lenet_300_100": 0.98}
    >>> found = dse.sweep(list(said), space, accuracy=lambda network: said[network.name], progress=False)
    >>> found.frame.groupby("network")["accuracy"].first().to_dict(), len(found.frame)
    ({'lenet5': 0.99, 'lenet_300_100': 0.98}, 4)

    """
    if not MAPPING.or_none().fits(metrics):
        raise WrongTypeError(
            f"sweep: metrics must be {MAPPING.words} or None, got {shown(metrics)}", path="metrics"
        )
    if isinstance(objectives, np.ndarray):
        objectives = objectives.tolist()
    several = isinstance(network, NetworkSpace | list | tuple) and not hasattr(network, "_fields")
    if objectives is not None and not isinstance(objectives, str) and not SEQUENCE.fits(objectives):
        raise WrongTypeError(f"sweep: objectives must be {OBJECTIVE_NAMES.words}, got {shown(objectives)}")
    own = metrics or accuracy is not None or any(callable(one) for one in objectives or ())
    if not several and not own:
        if sample is not None:
            raise InputError(
                "sample: is of a NetworkSpace; a single network has nothing to draw", path="sample"
            )
        if objectives is not None:
            options["objectives"] = objectives
        return running.sweep(network, space, store=store, **options)
    space = space_of(space)
    folder = None if store is None else folder_named(store)
    if folder is not None and (folder / "manifest.json").exists():
        raise StoreError(f"store {folder}: holds the sweep of one network; choose another folder")
    nets, index = _networks(network if several else [network], sample, seed)
    kept = None if folder is None else folder / "measured"
    default = (
        ("-accuracy", *OBJECTIVES) if accuracy is not None or ACCURACY in (metrics or {}) else OBJECTIVES
    )
    progress = options.get("progress")
    measuring, named = own_metrics(metrics, accuracy, objectives or default, store=kept, progress=progress)
    wanted = objectives_of(named, (*measuring, *columns()))
    machine_side = [one for one in wanted if one.column not in measuring]
    if options.get("keep") == "front" and any(one.wants_machine for one in measuring.values()):
        raise InputError('keep: "front" drops machines before a metric of network and machine has seen them')
    sweeps = {}
    for label, place in index.items():
        there = None if folder is None else folder / _folder_name(label, nets[place])
        sweeps[label] = running.sweep(
            nets[place], space, store=there, objectives=machine_side or OBJECTIVES, **options
        )
    made = NetworksSweep(
        sweeps,
        space,
        _fields_of(nets, index),
        {
            name: _measured(name, one, sweeps, [nets[place] for place in index.values()], seed)
            for name, one in measuring.items()
        },
        wanted,
        nets,
    )
    if folder is not None:
        _write(folder, made, {label: _folder_name(label, nets[place]) for label, place in index.items()})
    return made


def _networks(given: Any, sample: int | None, seed: int) -> tuple[NetworkSpace, dict[Label, int]]:
    """Return a space of the networks, and label -> index of those that are swept."""
    if isinstance(given, NetworkSpace):
        if sample is None:
            if given.size > _MOST_NETWORKS:
                raise InputError(
                    f"sample: space {given.name} has {given.size:,} networks; say how many are to be drawn",
                    path="sample",
                )
            points = np.arange(given.size)
            points = points[given.allowed(points)]
            if not len(points):
                raise InputError(f"space {given.name}: its constraints allow no network")
        else:
            points = np.sort(given.sample(sample, seed=seed))
        listed = given.fields == ("network",)
        return given, {_label(given, int(one), listed): int(one) for one in points}
    if sample is not None:
        raise InputError("sample: is of a NetworkSpace; of a list every network is swept", path="sample")
    nets = networks_of(given)
    return nets, {_label(nets, place, True): place for place in range(nets.size)}


def _label(nets: NetworkSpace, place: int, listed: bool) -> Label:
    return str(nets.configuration(place)["network"]) if listed else place


def _folder_name(label: Label, network: Network) -> str:
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', str(label))}-{network.fingerprint[:8]}"


def _fields_of(nets: NetworkSpace, index: Mapping[Label, int]) -> "pandas.DataFrame":
    rows = []
    for label, place in index.items():
        fields = {} if isinstance(label, str) else nets.configuration(place)
        rows.append({"network": label, **{f"net.{field}": value for field, value in fields.items()}})
    return pandas.DataFrame(rows)


def _measured(
    name: str, measure: Measured, sweeps: "Mapping[Label, Sweep]", networks: Sequence[Network], seed: int
) -> "pandas.DataFrame":
    """Measure one metric: of every network, or of every feasible pair where it wants the machine."""
    pairs: list[tuple[Label, Network, int]] = []
    for (label, found), network in zip(sweeps.items(), networks, strict=True):
        if measure.wants_machine:
            feasible = found.frame.index[found.frame["feasible"]]
            pairs += [(label, network, int(machine)) for machine in feasible]
        else:
            pairs.append((label, network, -1))
    space = next(iter(sweeps.values())).space
    machines = [space[machine] for _, _, machine in pairs] if measure.wants_machine else []
    try:
        said = measure([network for _, network, _ in pairs], machines, seed=seed)
    finally:
        measure.close()
    rows = [
        {"network": label, "machine": machine, **_columns(name, one), "failed": one.failed}
        for (label, _, machine), one in zip(pairs, said, strict=True)
    ]
    table = pandas.DataFrame(rows, columns=["network", "machine", *_columns(name, Measurement()), "failed"])
    return table if measure.wants_machine else table.drop(columns="machine")


def _columns(name: str, one: Measurement) -> dict[str, float]:
    """Columns of a measurement: accuracy as a joint search has it, other metrics with their error."""
    if name == ACCURACY:
        return {field: getattr(one, field) for field in _FIELDS}
    return {name: one.accuracy, f"{name}_error": one.error}


def _write(folder: Path, made: NetworksSweep, folders: Mapping[Label, str]) -> None:
    """List what the folder holds, each file whole or not there."""
    rows = _plain(made.fields)
    for row, label in zip(rows["data"], folders, strict=True):
        row.append(folders[label])
    content = {
        "networks": {"columns": [*rows["columns"], "folder"], "data": rows["data"]},
        "objectives": [str(one) for one in made.objectives],
        "measured": {name: _plain(table) for name, table in made.measured.items()},
    }
    text = json.dumps(content)
    sealed = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "content": content}
    try:
        beside = folder / f"{LISTED}.{os.getpid()}.tmp"
        beside.write_text(json.dumps(sealed, indent=1) + "\n")
        beside.replace(folder / LISTED)
    except OSError as error:
        raise StoreError(f"store {folder}: cannot be written ({error.strerror})") from None


def _plain(table: "pandas.DataFrame") -> dict[str, Any]:
    """Return a table as plain data; JSON has no NaN, so that None stands for it."""
    data = [
        [None if isinstance(value, float) and math.isnan(value) else value for value in row]
        for row in table.astype(object).to_numpy().tolist()
    ]
    return {"columns": list(table.columns), "data": data}
