"""What operations are called: by the modules they come from."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from workloads.importers.torch.call import operator_of
from workloads.importers.torch.library import FxNode

_REPEATED = re.compile(r"@\d+$")


def module_of(node: FxNode) -> str:
    """Return the path of the innermost module a node comes from, "" for the outermost."""
    stack = node.meta.get("nn_module_stack") or {}
    path = str(list(stack.values())[-1][0]) if stack else ""
    return _REPEATED.sub("", path)


class Names:
    """Gives every call a name of its own.

    A call that is all its module does is called by the module's path, "layer1.0.conv1"; others by path and
    operator, "layer1.0.relu". Further calls of the same name get a number.

    Parameters
    ----------
    module
        The module.
    calls
        All calls that will be made into operations.

    """

    def __init__(self, module: Any, calls: Iterable[FxNode]) -> None:
        leaves = {path for path, part in module.named_modules() if _is_leaf(part)}
        work = Counter((module_of(node), _visit(node)) for node in calls if operator_of(node) != "getitem")
        busy = {path for (path, _), count in work.items() if count > 1}
        self._whole = leaves - busy - {""}
        self._taken: set[str] = set()

    def of(self, node: FxNode) -> str:
        """Return a new name for a call."""
        path = module_of(node)
        if path in self._whole:
            return self.new(path)
        operator = operator_of(node).rpartition(".")[2].strip("_")
        return self.new(f"{path}.{operator}" if path else operator)

    def new(self, wanted: str) -> str:
        """Return a name that is not taken yet."""
        name, number = wanted, 0
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def _is_leaf(module: Any) -> bool:
    """Whether a module has no modules inside, but for what computes its own parameters."""
    return all(name == "parametrizations" for name, _ in module.named_children())


def _visit(node: FxNode) -> str:
    """Tell the times apart that one module is called."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(list(stack)[-1]) if stack else ""
