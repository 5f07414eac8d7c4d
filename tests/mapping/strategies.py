"""Small random nests for property tests."""

from hypothesis import strategies as st

from hwmodels.mapping import Architecture, LevelMapping, Mapping, Problem, StorageLevel
from hwmodels.mapping.problem import Operand


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A one-axis convolution with stride and dilation, a matrix product, or both at once."""
    small = st.integers(1, 4)
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    dims = ("K", "C", "P", "R")
    bounds = tuple(draw(small) if d != "P" else draw(st.integers(1, 6)) for d in dims)
    return Problem(
        name="small",
        dimensions=dims,
        bounds=bounds,
        operands=(
            Operand(name="W", ranks=((("K", 1),), (("C", 1),), (("R", 1),))),
            Operand(name="I", ranks=((("C", 1),), (("P", stride), ("R", dilation)))),
            Operand(name="O", ranks=((("K", 1),), (("P", 1),)), read_write=True),
        ),
    )


def machine(levels: int) -> Architecture:
    return Architecture(
        name="small",
        levels=tuple(
            StorageLevel(name=f"L{i}", fanout_x=64, fanout_y=64, instances=64) for i in range(levels)
        ),
        macs=64,
    )


def divisors(number: int) -> list[int]:
    return [i for i in range(1, number + 1) if number % i == 0]


@st.composite
def mappings(draw: st.DrawFn, problem: Problem, levels: int, *, perfect: bool) -> Mapping:
    temporal: list[list[tuple[str, int]]] = [[] for _ in range(levels)]
    across: list[list[tuple[str, int]]] = [[] for _ in range(levels)]
    down: list[list[tuple[str, int]]] = [[] for _ in range(levels)]
    spatial_left = 8
    for dimension, bound in problem.extents.items():
        left = bound
        slots = [(level, kind) for level in range(levels) for kind in ("x", "y", "t")]
        for level, kind in slots:
            last = (level, kind) == slots[-1]
            if last:
                count = left
            elif perfect:
                count = draw(st.sampled_from(divisors(left)))
            else:
                count = draw(st.integers(1, min(3, left)))
            if kind != "t" and not last:
                if count > spatial_left:
                    count = 1
                spatial_left //= count
            left = -(-left // count)
            target = {"t": temporal, "x": across, "y": down}[kind][level]
            if count > 1:
                target.append((dimension, count))
    names = [operand.name for operand in problem.operands]
    built = []
    for level in range(levels):
        outermost = level == levels - 1
        keep = names if outermost else draw(st.lists(st.sampled_from(names), unique=True))
        built.append(
            LevelMapping(
                level=f"L{level}",
                temporal=tuple(draw(st.permutations(temporal[level]))),
                spatial_x=tuple(across[level]),
                spatial_y=tuple(down[level]),
                keep=frozenset(keep),
            )
        )
    return Mapping(levels=tuple(built))


@st.composite
def nests(
    draw: st.DrawFn, *, perfect: bool, levels: int | None = None
) -> tuple[Problem, Architecture, Mapping]:
    problem = draw(problems())
    count = levels or draw(st.integers(1, 3))
    return problem, machine(count), draw(mappings(problem, count, perfect=perfect))


@st.composite
def sliding_nests(draw: st.DrawFn) -> tuple[Problem, Architecture, Mapping]:
    """Nests whose loops over K, P and R are split over the levels: what tells the reuse rules apart."""
    problem = Problem(
        name="sliding",
        dimensions=("K", "P", "R"),
        bounds=(
            draw(st.sampled_from((2, 4))),
            draw(st.sampled_from((4, 6, 8))),
            draw(st.sampled_from((1, 2, 3, 4))),
        ),
        operands=(
            Operand(name="I", ranks=((("P", draw(st.integers(1, 2))), ("R", draw(st.integers(1, 2)))),)),
        ),
    )
    return problem, machine(3), draw(temporal_mappings(problem))


@st.composite
def temporal_mappings(draw: st.DrawFn, problem: Problem) -> Mapping:
    temporal: list[list[tuple[str, int]]] = [[], [], []]
    for dimension, bound in problem.extents.items():
        inner = draw(st.sampled_from(divisors(bound)))
        middle = draw(st.sampled_from(divisors(bound // inner)))
        for level, count in enumerate((inner, middle, bound // inner // middle)):
            temporal[level].append((dimension, count))
    keep = frozenset(operand.name for operand in problem.operands)
    return Mapping(
        levels=tuple(
            LevelMapping(level=f"L{i}", temporal=tuple(draw(st.permutations(loops))), keep=keep)
            for i, loops in enumerate(temporal)
        )
    )
