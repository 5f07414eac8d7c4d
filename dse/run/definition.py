"""What a store was made of, as plain data: its space and its network, so that it opens without being told.

`definition.json` holds the base design, the axes with their values, the constraints and the layer table. It
is text that a person can read; numbers come back bit for bit. Nothing in it is executed.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from dse.errors import StoreError
from dse.metrics import Objective, objectives_of
from dse.space.space import Space
from hwmodels.composed import hint_of
from hwmodels.fields import parse_field, plain
from hwmodels.machine_file import KINDS, machine_from
from hwmodels.residency.tensors import Schedule
from hwmodels.written import machine_data
from workloads.edges import EdgeTable
from workloads.errors import InputError
from workloads.sparsity.density.mask import Mask
from workloads.table import LayerTable, make_table


class Member(NamedTuple):
    """One of several networks."""

    name: str
    layers: LayerTable  # one row an operation
    schedule: Schedule | None
    source: str = ""


class Together(NamedTuple):
    """Several networks that one machine has to run."""

    combine: str
    weights: tuple[float, ...]
    members: tuple[Member, ...]


_MASKS = "weight_mask"


class Definition(NamedTuple):
    """What was swept or searched, and how it was asked for."""

    network: str
    layers: LayerTable  # identical rows merged
    space: Space
    mapping_objective: str
    objectives: tuple[Objective, ...]  # of the front that is kept on the way
    kept: Mapping[str, Any]  # which rows stay
    together: Together | None = None  # where the network is several
    schedule: Schedule | None = None  # where tensors may stay; the layer table's rows are then all there
    source: str = ""  # what the network says of where it is from
    rows: tuple[str, ...] = ()  # names of the operations behind each row of `layers`, where they are known


def write_definition(definition: Definition) -> bytes | None:
    """Write a definition as JSON with its own checksum; equal ones give equal bytes.

    None where the space's machines are of a class of one's own, which a file cannot name.
    """
    if not can_write(definition.space):
        return None
    network, layers, space, mapping_objective, objectives, kept, together, schedule, source, rows = definition
    content = {
        "network": {"name": network, "source": source, "rows": list(rows), "layers": _table_data(layers)},
        "space": space_data(space),
        "mapping_objective": mapping_objective,
        "schedule": _schedule_data(schedule),
        "objectives": [str(objective) for objective in objectives],
        "kept": dict(kept),
    }
    if together is not None:
        members = [
            {
                "name": one.name,
                "source": one.source,
                "layers": _table_data(one.layers),
                "schedule": _schedule_data(one.schedule),
            }
            for one in together.members
        ]
        content["together"] = {
            "combine": together.combine,
            "weights": list(together.weights),
            "members": members,
        }
    text = json.dumps(content)
    return f'{{"sha256": "{sha256(text.encode()).hexdigest()}",\n"content": {text}}}\n'.encode()


def can_write(space: Space) -> bool:
    """Whether a file can name the class of a space's machines."""
    return type(space.base) in KINDS.values()


def space_data(space: Space) -> dict[str, Any]:
    """Write down a space whose machines a file can name."""
    return {
        "name": space.name,
        "base": machine_data(space.base, defaults=True),
        "axes": [
            {"name": axis.name, "fields": list(axis.fields), "values": plain(axis.values)}
            for axis in space.axes
        ],
        "constraints": [constraint.text for constraint in space.constraints],
        "assumptions": list(space.assumptions),
    }


def _table_data(layers: LayerTable) -> dict[str, list[Any]]:
    """Columns of a layer table by name; masks as their shape and bits."""
    found = {name: column.tolist() for name, column in zip(layers._fields, layers, strict=True)}
    return found | {_MASKS: [_mask_data(mask) for mask in layers.weight_mask]}


def _mask_data(mask: Mask | None) -> list[Any] | None:
    return None if mask is None else [list(mask.shape), b64encode(mask.packed).decode()]


def _table(data: Mapping[str, Any]) -> LayerTable:
    """Make the layer table again."""
    numbers = {name: column for name, column in data.items() if name != _MASKS}
    table = make_table(LayerTable, numbers, len(data["kind"]))
    for row, one in enumerate(data[_MASKS]):
        table.weight_mask[row] = None if one is None else Mask(tuple(one[0]), b64decode(one[1]))
    return table


def read_definition(content: bytes, store: object) -> Definition:
    """Read what `write_definition` wrote.

    Parameters
    ----------
    content
        The file.
    store
        What messages call it.

    Raises
    ------
    StoreError
        If it is damaged, or holds a machine that this version does not know.

    """
    try:
        data = json.loads(content)
        found = data["content"]
        if sha256(json.dumps(found).encode()).hexdigest() != data["sha256"]:
            raise InputError("its checksum does not match")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(
            f"store {store}: definition.json is damaged; the same sweep, told again, writes it anew"
        ) from None
    try:
        network, space = found["network"], found["space"]
        several = found.get("together")
        together = None
        if several is not None:
            members = tuple(
                Member(
                    one["name"],
                    _table(one["layers"]),
                    _schedule(one.get("schedule")),
                    one.get("source", ""),
                )
                for one in several["members"]
            )
            together = Together(several["combine"], tuple(several["weights"]), members)
        names = found["objectives"]  # of several networks: columns that a sweep does not have
        objectives = objectives_of(names, None if together is None else [n.removeprefix("-") for n in names])
        return Definition(
            network["name"],
            _table(network["layers"]),
            space_from(space),
            found["mapping_objective"],
            objectives,
            found["kept"],
            together,
            _schedule(found.get("schedule")),
            network.get("source", ""),
            tuple(network.get("rows", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, LookupError) as error:
        raise StoreError(
            f"store {store}: this version cannot read its definition.json ({error}); its parts open in pandas"
        ) from None


def _schedule_data(schedule: Schedule | None) -> dict[str, Any] | None:
    """Write down a schedule."""
    if schedule is None:
        return None
    edges = {name: column.tolist() for name, column in zip(EdgeTable._fields, schedule.edges, strict=True)}
    pinned = {"weights": list(schedule.weights), "rows": list(schedule.rows)} if schedule.weights else {}
    return {"name": schedule.name, "tensors": list(schedule.tensors), **pinned, "edges": edges}


def _schedule(data: Mapping[str, Any] | None) -> Schedule | None:
    """Put a schedule together again."""
    if data is None:
        return None
    edges = make_table(EdgeTable, data["edges"], len(data["edges"]["producer"]))
    weights, rows = (tuple(data.get(name, ())) for name in ("weights", "rows"))
    return Schedule(data["name"], edges, tuple(data["tensors"]), weights=weights, rows=rows)


def space_from(data: Mapping[str, Any]) -> Space:
    """Put a space together again."""
    base = machine_from(data["base"], unknown="drop")
    axes: dict[str, Any] = {}
    for axis in data["axes"]:
        fields = axis["fields"]
        hints = [hint_of(base, field) for field in fields]
        held = [
            [parse_field(hint, item, field) for hint, item, field in zip(hints, value, fields, strict=True)]
            for value in axis["values"]
        ]
        if fields == [axis["name"]]:
            axes[axis["name"]] = [value for (value,) in held]
        else:
            axes[axis["name"]] = [dict(zip(fields, value, strict=True)) for value in held]
    return Space(base, axes, data["constraints"], data["name"], data["assumptions"])
