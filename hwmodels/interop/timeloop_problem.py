"""The `problem` section: shape, instance and densities."""

from dataclasses import dataclass

from hwmodels.interop.timeloop_files import Value
from hwmodels.mapping.constraints import NO_LIMIT
from hwmodels.mapping.problem import MappingError, Operand, Problem, Rank

# The built-in convolution of Timeloop (problem-shapes/cnn-layer.yaml): dimensions, and operands as
# projections.
CNN_DIMENSIONS = ("R", "S", "P", "Q", "C", "K", "N")
CNN_OPERANDS = (
    ("Weights", (("C",), ("K",), ("R",), ("S",)), False),
    ("Inputs", (("N",), ("C",), ("R*Wdilation", "P*Wstride"), ("S*Hdilation", "Q*Hstride")), False),
    ("Outputs", (("N",), ("K",), ("Q",), ("P",)), True),
)
CNN_COEFFICIENTS = ("Wstride", "Hstride", "Wdilation", "Hdilation")
CNN_NAMES = ("cnn-layer", "cnn_layer", "CNN-Layer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Share of non-zero elements of an operand, and how they are spread."""

    value: float = 1.0
    distribution: str = "uniform"


def read_problem(section: Value) -> tuple[Problem, dict[str, Density]]:
    """Read a problem and the densities of its operands.

    Raises
    ------
    TimeloopInputError
        If the section does not follow the grammar or uses a key that is not supported.

    """
    section.only(("shape", "instance", "version", *CNN_DIMENSIONS, "M", *CNN_COEFFICIENTS, "densities"))
    instance = section.get("instance") if section.has("instance") else section
    shape = section.get("shape")
    if isinstance(shape.raw, str):
        if shape.raw not in CNN_NAMES:
            raise shape.fail(
                f"unknown shape {shape.raw!r}; supported: {CNN_NAMES[0]}, or a shape written out"
            )
        name = CNN_NAMES[0]
        dimensions: tuple[str, ...] = CNN_DIMENSIONS
        if instance.has("M") and not instance.has("K"):  # the name the exercises give to output channels
            dimensions = tuple("M" if d == "K" else d for d in dimensions)
        defaults = dict.fromkeys(CNN_COEFFICIENTS, 1)
        projections = [
            (operand, [[_split(term, dimensions) for term in rank] for rank in ranks], accumulated)
            for operand, ranks, accumulated in CNN_OPERANDS
        ]
    else:
        shape.only(("name", "dimensions", "coefficients", "data-spaces", "data_spaces"))
        name = shape.get("name").text() if shape.has("name") else "problem"
        dimensions = tuple(d.text() for d in shape.get("dimensions").elements())
        defaults = _coefficients(shape)
        projections = [
            _projection(space) for space in _required(shape, "data-spaces", "data_spaces").elements()
        ]

    bounds = []
    for dimension in dimensions:
        bound = instance.get(dimension).integer() if instance.has(dimension) else 1
        if bound > NO_LIMIT:
            raise instance.get(dimension).fail(f"a bound must be at most {NO_LIMIT:,}, got {bound:,}")
        bounds.append(bound)
    known = (*dimensions, *defaults, "densities", "shape", "version")
    if instance.path != section.path:
        instance.only(known, "dimensions and coefficients")
    scale = {c: instance.get(c).integer() if instance.has(c) else default for c, default in defaults.items()}

    operands = []
    for operand, ranks, accumulated in projections:
        resolved: list[Rank] = []
        for rank in ranks:
            terms = []
            for term in rank:
                factor = 1
                for coefficient in term[1:]:
                    if coefficient not in scale:
                        raise shape.fail(f"coefficient {coefficient!r} of {operand} is not declared")
                    factor *= scale[coefficient]
                terms.append((term[0], factor))
            resolved.append(tuple(terms))
        try:
            operands.append(Operand(name=operand, ranks=tuple(resolved), read_write=accumulated))
        except MappingError as error:
            raise shape.fail(str(error)) from error
    try:
        problem = Problem(name=name, dimensions=dimensions, bounds=tuple(bounds), operands=tuple(operands))
    except MappingError as error:
        raise shape.fail(str(error)) from error
    return problem, _densities(instance, problem)


def _split(term: str, dimensions: tuple[str, ...]) -> list[str]:
    parts = term.split("*")
    if parts[0] == "K" and "K" not in dimensions:
        parts[0] = "M"
    return parts


def _required(value: Value, *keys: str) -> Value:
    found = value.first(*keys)
    if found is None:
        raise value.fail(f"needs the key {keys[0]!r}")
    return found


def _coefficients(shape: Value) -> dict[str, int]:
    if not shape.has("coefficients"):
        return {}
    defaults = {}
    for entry in shape.get("coefficients").elements():
        entry.only(("name", "default"))
        defaults[entry.get("name").text()] = entry.get("default").integer() if entry.has("default") else 1
    return defaults


def _projection(space: Value) -> tuple[str, list[list[list[str]]], bool]:
    space.only(("name", "projection", "read-write", "read_write"))
    ranks = [
        [[part.text() for part in term.elements()] for term in rank.elements()]
        for rank in space.get("projection").elements()
    ]
    accumulated = space.first("read-write", "read_write")
    return space.get("name").text(), ranks, bool(accumulated.raw) if accumulated is not None else False


def _densities(instance: Value, problem: Problem) -> dict[str, Density]:
    densities = {operand.name: Density() for operand in problem.operands}
    if not instance.has("densities"):
        return densities
    for name, value in instance.get("densities").items():
        if name not in densities:
            raise value.fail(f"unknown operand {name!r}; this problem has {', '.join(densities)}")
        if isinstance(value.raw, (int, float)):
            densities[name] = Density(value=value.number())
            continue
        value.only(("distribution", "density"))
        distribution = value.get("distribution").text()
        if distribution not in ("hypergeometric", "fixed-structured", "fixed_structured", "uniform"):
            raise value.fail(
                f"unknown distribution {distribution!r}; supported: hypergeometric, fixed-structured, uniform"
            )
        densities[name] = Density(
            value=value.get("density").number(), distribution=distribution.replace("_", "-")
        )
    return densities
