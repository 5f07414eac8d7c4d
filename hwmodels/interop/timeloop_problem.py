"""The `problem` section: shape, instance and densities."""

from dataclasses import replace

from hwmodels.interop.timeloop_v4 import values_of, worked_out
from hwmodels.mapping.constraints import NO_LIMIT
from hwmodels.mapping.problem import MappingError, Operand, Problem, Rank
from hwmodels.zeros.density import Density
from workloads.errors import shown
from workloads.values import Value

# The built-in convolution of Timeloop (problem-shapes/cnn-layer.yaml): dimensions, and operands as
# projections.
CNN_DIMENSIONS = ("R", "S", "P", "Q", "C", "K", "N")
CNN_OPERANDS = (
    ("Weights", (("C",), ("K",), ("R",), ("S",)), False),
    ("Inputs", (("N",), ("C",), ("R*Wdilation", "P*Wstride"), ("S*Hdilation", "Q*Hstride")), False),
    ("Outputs", (("N",), ("K",), ("Q",), ("P",)), True),
)
CNN_COEFFICIENTS = ("Wstride", "Hstride", "Wdilation", "Hdilation")
CNN_NAMES = ("cnn-layer", "cnn_layer", "CNN-Layer", "CNN_Layer")
_DESCRIPTIVE = ("H", "W", "Hpad", "Wpad")  # sizes of the input, which follow from the others
MOST_RANKS = 32
DISTRIBUTIONS = ("hypergeometric", "fixed-structured", "fixed_structured", "uniform")


def read_problem(
    section: Value, shape: Value | None = None, variables: Value | None = None
) -> tuple[Problem, dict[str, Density]]:
    """Read a problem and the densities of its operands.

    Parameters
    ----------
    section
        The `problem` section.
    shape
        A `shape` section of a file of its own (Timeloop's problem-shapes), for problems that name or lack
        theirs.
    variables
        The `variables` section of v0.4, which expressions in the instance may name.

    Raises
    ------
    TimeloopInputError
        If the section does not follow the grammar or uses a key that is not supported.

    """
    instance = section.get("instance") if section.has("instance") else section
    if isinstance(instance.raw, dict) and instance.path != section.path:
        names = {} if variables is None else values_of(variables, {})
        sizes = {key: worked_out(value, names) for key, value in instance.items()}
        instance = replace(instance, raw=sizes)
    given = section.get("shape") if shape is None or _written_out(section) else shape
    name, dimensions, defaults, projections = _shape(given, instance)
    if instance.path != section.path:
        section.only(("shape", "instance", "version"))
    known = (*dimensions, *defaults, "densities", "shape", "version", "G", *_DESCRIPTIVE)
    instance.only(known, "dimensions and coefficients")
    if instance.has("G") and "G" not in dimensions and instance.get("G").integer() > 1:
        raise instance.get("G").fail(f"the shape {name} has no dimension G, got {instance.raw['G']}")
    bounds = tuple(instance.get(d).integer(most=NO_LIMIT) if instance.has(d) else 1 for d in dimensions)
    scale = {
        c: instance.get(c).integer(most=NO_LIMIT) if instance.has(c) else default
        for c, default in defaults.items()
    }
    operands = [
        _operand(given, operand, ranks, scale, read_write) for operand, ranks, read_write in projections
    ]
    try:
        problem = Problem(name=name, dimensions=dimensions, bounds=bounds, operands=tuple(operands))
    except MappingError as error:
        raise given.fail(str(error)) from error
    return problem, _densities(instance, problem)


_Projection = tuple[str, list[list[list[str]]], bool]


def _written_out(section: Value) -> bool:
    return section.has("shape") and isinstance(section.raw["shape"], dict)


def _shape(shape: Value, instance: Value) -> tuple[str, tuple[str, ...], dict[str, int], list[_Projection]]:
    """Name, dimensions, coefficients with their defaults, and projections of a shape."""
    if isinstance(shape.raw, str):
        if shape.raw not in CNN_NAMES:
            raise shape.fail(
                f"unknown shape {shown(shape.raw)}; supported: {CNN_NAMES[0]}, or a shape written out"
            )
        dimensions: tuple[str, ...] = CNN_DIMENSIONS
        if instance.has("M") and not instance.has("K"):  # the name the exercises give to output channels
            dimensions = tuple("M" if d == "K" else d for d in dimensions)
        projections = [
            (operand, [[_split(term, dimensions) for term in rank] for rank in ranks], accumulated)
            for operand, ranks, accumulated in CNN_OPERANDS
        ]
        return CNN_NAMES[0], dimensions, dict.fromkeys(CNN_COEFFICIENTS, 1), projections
    shape.only(("name", "dimensions", "coefficients", "data-spaces", "data_spaces", "version"))
    name = shape.get("name").text() if shape.has("name") else "problem"
    dimensions = tuple(d.text() for d in shape.get("dimensions").elements())
    spaces = _required(shape, "data-spaces", "data_spaces").elements()
    return name, dimensions, _coefficients(shape), [_projection(space) for space in spaces]


def _operand(
    shape: Value, name: str, ranks: list[list[list[str]]], scale: dict[str, int], read_write: bool
) -> Operand:
    resolved: list[Rank] = []
    for rank in ranks:
        terms = []
        for term in rank:
            factor = 1
            for coefficient in term[1:]:
                if coefficient not in scale:
                    raise shape.fail(f"coefficient {shown(coefficient)} of {name} is not declared")
                factor *= scale[coefficient]
            terms.append((term[0], factor))
        resolved.append(tuple(terms))
    try:
        return Operand(name=name, ranks=tuple(resolved), read_write=read_write)
    except MappingError as error:
        raise shape.fail(str(error)) from error


def _split(term: str, dimensions: tuple[str, ...]) -> list[str]:
    parts = term.split("*")
    if parts[0] == "K" and "K" not in dimensions:
        parts[0] = "M"
    return parts


def _required(value: Value, *keys: str) -> Value:
    found = value.first(*keys)
    if found is None:
        raise value.fail(f"needs the key {shown(keys[0])}")
    return found


def _coefficients(shape: Value) -> dict[str, int]:
    if not shape.has("coefficients"):
        return {}
    defaults = {}
    for entry in shape.get("coefficients").elements():
        entry.only(("name", "default"))
        defaults[entry.get("name").text()] = entry.get("default").integer() if entry.has("default") else 1
    return defaults


def _projection(space: Value) -> _Projection:
    space.only(("name", "projection", "read-write", "read_write"))
    listed = space.get("projection").elements()
    if len(listed) > MOST_RANKS:
        raise space.get("projection").fail(f"has {len(listed)} ranks; at most {MOST_RANKS} are supported")
    ranks = []
    for rank in listed:
        terms = [[part.text() for part in term.elements()] for term in rank.elements()]
        if not terms or not all(terms):
            raise rank.fail("needs terms such as [[P, Wstride], [R]], got an empty one")
        ranks.append(terms)
    accumulated = space.first("read-write", "read_write")
    return space.get("name").text(), ranks, accumulated.flag() if accumulated is not None else False


def _densities(instance: Value, problem: Problem) -> dict[str, Density]:
    densities = {operand.name: Density() for operand in problem.operands}
    if not instance.has("densities") or instance.raw["densities"] is None:
        return densities
    for name, value in instance.get("densities").items():
        if name not in densities:
            raise value.fail(f"unknown operand {shown(name)}; this problem has {', '.join(densities)}")
        if isinstance(value.raw, (int, float)):
            densities[name] = Density(value=_share(value))
            continue
        value.only(("distribution", "density", "band_width", "workload_tensor_size"))
        distribution = value.get("distribution").text()
        if distribution not in DISTRIBUTIONS:
            raise value.fail(
                f"unknown distribution {shown(distribution)}; "
                "supported: hypergeometric, fixed-structured, uniform"
            )
        densities[name] = Density(
            value=_share(value.get("density")), distribution=distribution.replace("_", "-")
        )
    return densities


def _share(value: Value) -> float:
    found = value.number()
    if found > 1.0:
        raise value.fail(f"a density must be at most 1, got {shown(value.raw)}")
    return found
