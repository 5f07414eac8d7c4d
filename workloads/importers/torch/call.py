"""One call of an exported graph, its arguments by the names PyTorch gives them."""

from typing import Any, NoReturn

from workloads.errors import NetworkImportError, shown
from workloads.importers.torch.library import FxNode, torch
from workloads.importers.torch.reasons import line_of
from workloads.shapes import Shape


def operator_of(node: FxNode) -> str:
    """Return the operator a node calls, without its overload: "aten.conv2d"."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        return str(target._schema.name).replace("::", ".")
    if isinstance(target, torch._ops.HigherOrderOperator):
        return str(target.name())
    return str(getattr(target, "__name__", target))


class Call:
    """A call as handlers see it.

    Attributes
    ----------
    operator
        Operator without overload, such as "aten.conv2d".
    name
        What its operation is to be called.
    node
        The node itself.

    """

    def __init__(self, node: FxNode, name: str) -> None:
        self.node = node
        self.name = name
        self.operator = operator_of(node)
        self._arguments = self._bind()

    def _bind(self) -> dict[str, Any]:
        node = self.node
        if not isinstance(node.target, torch._ops.OpOverload):
            return {str(i): value for i, value in enumerate(node.args)} | dict(node.kwargs)
        declared = node.target._schema.arguments
        bound = {a.name: a.default_value for a in declared if a.has_default_value()}
        bound |= {a.name: value for a, value in zip(declared, node.args, strict=False)}
        return bound | dict(node.kwargs)

    @property
    def overload(self) -> str:
        """Which overload of the operator it is."""
        return str(getattr(self.node.target, "_overloadname", ""))

    def has(self, argument: str) -> bool:
        """Whether an argument is given or has a default, and is not None."""
        return self._arguments.get(argument) is not None

    def get(self, argument: str, default: Any = None) -> Any:
        """Return an argument, the default where it is left out or None."""
        value = self._arguments.get(argument)
        return default if value is None else value

    def settings(self) -> dict[str, Any]:
        """Return the arguments that are no tensors, by name."""
        leaves = torch.utils._pytree.tree_leaves
        found = self._arguments.items()
        return {n: v for n, v in found if not any(isinstance(one, torch.fx.Node) for one in leaves(v))}

    def integer(self, argument: str, default: int = 0) -> int:
        """Return an argument that is one number."""
        value = self.get(argument, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(f"{argument} must be a number known beforehand, got {value}")
        return value

    def integers(self, argument: str, rank: int | None = None) -> tuple[int, ...]:
        """Return an argument that is a list of numbers; one number stands for `rank` of them."""
        value = self.get(argument, ())
        values = tuple(value) if isinstance(value, list | tuple) else (value,)
        if any(isinstance(v, bool) or not isinstance(v, int) for v in values):
            self.refuse(f"{argument} must be numbers known beforehand, got {value}")
        return values * rank if rank is not None and len(values) == 1 else values

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes of its results that are tensors."""
        return shapes_of(self.node)

    def shape(self) -> Shape:
        """Return the shape of its first result."""
        shapes = self.shapes()
        if not shapes:
            self.refuse("its result is no tensor")
        return shapes[0]

    def refuse(self, why: str) -> NoReturn:
        """Raise a NetworkImportError that names this call."""
        raise NetworkImportError(f"{self.operator} {shown(self.name)}: {why}")


def shapes_of(node: FxNode) -> tuple[Shape, ...]:
    """Return the shapes of a node's results that are tensors."""
    value = node.meta.get("val")
    values = value if isinstance(value, list | tuple) else (value,)
    found = []
    for v in values:
        if isinstance(v, torch.Tensor):
            if not all(isinstance(length, int) for length in v.shape):
                raise NetworkImportError(
                    f"{operator_of(node)} {shown(node.name)}: the shape of its result depends on data"
                    f"{line_of(node)}; choose a fixed number there (torch.topk), or multiply by the mask"
                )
            found.append(tuple(v.shape))
    return tuple(found)
