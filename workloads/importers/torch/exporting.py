"""From a module and example inputs to an exported program that keeps PyTorch's own operators."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any, NamedTuple

from workloads.errors import NetworkImportError
from workloads.importers.torch.call import operator_of
from workloads.importers.torch.flexible import FLEXIBLE, operands
from workloads.importers.torch.library import Array, FxNode, torch
from workloads.importers.torch.objects import flat, plain_calls, rebuilt
from workloads.importers.torch.packed import lengths_of, noting_packs, packing
from workloads.importers.torch.quantised import unpacked
from workloads.importers.torch.reasons import on_data, why_not
from workloads.importers.torch.sparse import dense, filled, nonzero_share
from workloads.importers.torch.spreading import EvenChoices

SPREAD = "spread"
"""Under this a traced graph's `meta` says how often Python asked what a router chose."""
ASKED = ("aten.item", "aten._local_scalar_dense")
"""Calls that turn a tensor into a number of Python's."""
_ROUTERS = ("aten.topk", "aten.argmax", "aten.argmin", "aten.sort", "aten.argsort", "aten.max")
_ROUNDS = 4
"""How often what is not known is taken apart before giving up: operators are made of operators."""


Flowing = frozenset[FxNode]
"""Nodes that depend on an input of the network."""
Known = Callable[[FxNode, Flowing], bool]
"""Tells whether a call can be made into operations."""


BatchAxis = int | None | tuple[int | None, ...]
"""The axis that is the batch, of all tensors alike or of each."""


class Inputs(NamedTuple):
    """Example inputs of a module.

    Attributes
    ----------
    args, kwargs
        What the module is called with.
    axis
        The axis of every tensor that is its batch, None for none; or one such a tensor, in their order.
    shares
        Of every tensor, the share of elements that are not zero where it was given in a sparse layout, else
        None.

    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    axis: BatchAxis = 0
    shares: tuple[float | None, ...] = ()

    @classmethod
    def of(cls, given: Any, axis: BatchAxis = 0) -> "Inputs":
        """Accept a tensor, a tuple (or list) of arguments, or a mapping of arguments by name."""
        shares = tuple(nonzero_share(tensor) for tensor in _tensors(given))
        given = torch.utils._pytree.tree_map(filled, given)
        if isinstance(given, torch.Tensor):
            return cls((given,), {}, axis, shares)
        if isinstance(given, Mapping):
            return cls((), dict(given), axis, shares)
        if isinstance(given, tuple | list):
            return cls(tuple(given), {}, axis, shares)
        raise NetworkImportError(
            f"example_inputs must be a tensor, a tuple or a mapping of them, got {type(given).__name__}"
        )

    def tensors(self) -> list[Array]:
        """Return every tensor among the inputs, in order."""
        return _tensors((self.args, self.kwargs))

    def axes(self) -> list[int | None]:
        """Return the axis of every tensor that is said to be its batch, None where it has no such axis."""
        tensors = self.tensors()
        said = self.axis if isinstance(self.axis, tuple) else (self.axis,) * len(tensors)
        if len(said) != len(tensors):
            raise NetworkImportError(
                f"batch_axis: {len(said)} axes for {len(tensors)} tensors among the example inputs"
            )
        found = [
            axis if axis is not None and axis < tensor.dim() else None
            for axis, tensor in zip(said, tensors, strict=True)
        ]
        if any(said) and set(found) == {None}:
            ranks = ", ".join(str(tensor.dim()) for tensor in tensors)
            raise NetworkImportError(f"batch_axis: {self.axis} is no axis of inputs of {ranks} dimensions")
        return found

    @property
    def batch(self) -> int:
        """Length of the batch of the first tensor that has one."""
        pairs = zip(self.tensors(), self.axes(), strict=True)
        return next((int(tensor.shape[axis]) for tensor, axis in pairs if axis is not None), 1)

    def batch_axes(self) -> list[int | None]:
        """Return the axis of every tensor that grows with the batch, None where it has another length."""
        batch, pairs = self.batch, zip(self.tensors(), self.axes(), strict=True)
        return [axis if axis is not None and t.shape[axis] == batch else None for t, axis in pairs]

    def picked(self, rows: Sequence[int]) -> "Inputs":
        """Return the inputs with other samples along the batch: those at the given places."""
        axes = iter(self.batch_axes())

        def pick(leaf: Any) -> Any:
            axis = next(axes) if isinstance(leaf, torch.Tensor) else None
            return leaf if axis is None else leaf.index_select(axis, torch.tensor(rows, device=leaf.device))

        given = (self.args, self.kwargs)
        picked = torch.utils._pytree.tree_map(pick, flat(given))
        args, kwargs = rebuilt(given, flat(given), picked)
        return self._replace(args=args, kwargs=kwargs)


def _tensors(given: Any) -> list[Array]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(flat(given)) if isinstance(leaf, torch.Tensor)]


def _waits(part: Any) -> bool:
    """Whether a lazy module has met no input, so that its parameters have no shapes."""
    has = getattr(part, "has_uninitialized_params", None)
    return bool(has is not None and has())


def _placed(module: Any, inputs: Inputs) -> Any:
    """Return arguments, their tensors where all parameters of the module lie ("meta" is one such place)."""
    given = inputs.args, inputs.kwargs
    places = {tensor.device for tensor in (*module.parameters(), *module.buffers())}
    if len(places) != 1 or places == {tensor.device for tensor in inputs.tensors()}:
        return given
    (place,) = places
    return torch.utils._pytree.tree_map(
        lambda value: value.to(place) if isinstance(value, torch.Tensor) else value, given
    )


def export(module: Any, inputs: Inputs, known: Known) -> Any:
    """Trace a module in evaluation mode.

    Parameters
    ----------
    module
        The module; unchanged afterwards.
    inputs
        Example inputs.
    known
        Whether a call can be made into operations, told which nodes the inputs flow into. Calls that cannot
        are taken apart by PyTorch's own decompositions where it has any.

    Raises
    ------
    NetworkImportError
        If the module cannot be traced.

    """
    if isinstance(module, torch.jit.ScriptModule):
        raise NetworkImportError(
            "it is TorchScript, which keeps no Python to trace: give the module it was made of, or give "
            "from_onnx an ONNX file of it (torch.onnx.export(module, inputs, FILE, dynamo=False))"
        )
    lazy = (name for name, part in module.named_modules() if _waits(part))
    for name in lazy:
        raise NetworkImportError(
            f"{name or 'it'} is a lazy module that has met no input: run the module once on the example"
        )
    given = _placed(module, inputs)
    args, kwargs = flat(given)
    with _traceable(module), _quiet(), plain_calls(module, given, (args, kwargs)):
        try:
            program = _traced(module, inputs, args, kwargs)
            if any(operator_of(node) in ASKED for node in program.graph_module.graph.nodes):
                program = _evenly(module, args, kwargs) or program
            asked = program.graph_module.meta.get(SPREAD, 0)
            if _maps(program.graph_module) or _writes_views(program.graph_module):
                program = program.run_decompositions({})
            program = _decomposed(program, known)
            program.graph_module.meta[SPREAD] = asked
            return program
        except NetworkImportError:
            raise
        except Exception as error:  # tracing runs the module: anything can come out of it
            raise NetworkImportError(why_not(error)) from error


def _traced(module: Any, inputs: Inputs, args: Any, kwargs: Any) -> Any:
    """Trace a module; where it packs sequences by their lengths, with the lengths that the example has."""
    with noting_packs() as met:
        try:
            return torch.export.export(module, args, kwargs, strict=False)
        except Exception as error:  # tracing runs the module: anything can come out of it
            if "does not support backward" in str(error):
                with torch.no_grad():
                    return torch.export.export(module, args, kwargs, strict=False)
            if not met:
                even = _evenly(module, args, kwargs) if on_data(error) else None
                if even is None:
                    raise
                return even
    if any(tensor.is_meta for tensor in inputs.tensors()):
        raise NetworkImportError(
            "it packs sequences by their lengths: give an example whose tensors have values"
        )
    with packing(lengths_of(lambda: module(*args, **kwargs))):
        return torch.export.export(module, args, kwargs, strict=False)


def _evenly(module: Any, args: Any, kwargs: Any) -> Any:
    """Trace a module as if routers chose all experts equally often; None where that does not do."""
    with EvenChoices() as choices:
        try:
            program = torch.export.export(module, args, kwargs, strict=False)
        except Exception:  # tracing runs the module: anything can come out of it
            return None
    program.graph_module.meta[SPREAD] = choices.answers
    return program if choices.answers else None


def calls(graph_module: Any) -> Iterator[FxNode]:
    """Yield the calls a graph's outputs depend on, those of graphs inside included, in running order.

    Where Python asked what routers chose, outputs depend on them though the graph does not say so.
    """
    wanted: set[FxNode] = set()
    asked = bool(graph_module.meta.get(SPREAD))
    for node in reversed(graph_module.graph.nodes):
        if node.op == "output" or node in wanted or (asked and operator_of(node) in _ROUTERS):
            wanted.update(needs(node))
    for node in graph_module.graph.nodes:
        if node.op == "call_function" and (node in wanted or (asked and operator_of(node) in _ROUTERS)):
            for inner in inner_graphs(node, graph_module):
                yield from calls(inner)
            yield node


def needs(node: FxNode) -> list[FxNode]:
    """Return the nodes a node's work depends on."""
    return operands(node) if operator_of(node) == FLEXIBLE else list(node.all_input_nodes)


def inner_graphs(node: FxNode, graph_module: Any) -> list[Any]:
    """Return the graphs a call is given to run; functions of single scores are settings."""
    if operator_of(node) == FLEXIBLE:
        return []
    targets = [arg.target for arg in node.all_input_nodes if arg.op == "get_attr"]
    found = [attribute(graph_module, target) for target in targets]
    return [module for module in found if isinstance(module, torch.fx.GraphModule)]


def attribute(graph_module: Any, path: str) -> Any:
    """Return what a module has at a path, None where it has nothing there."""
    found = graph_module
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def flowing(program: Any) -> Flowing:
    """Return the nodes that depend on an input of the network; of graphs inside, all of them."""
    specs = program.graph_signature.input_specs
    names = {spec.arg.name for spec in specs if spec.kind.name == "USER_INPUT"}
    nodes: set[FxNode] = set()
    for node in program.graph_module.graph.nodes:
        if node.name in names and node.op == "placeholder":
            nodes.add(node)
        elif not nodes.isdisjoint(node.all_input_nodes):
            nodes.add(node)
            for inner in inner_graphs(node, program.graph_module):
                nodes.update(_every(inner))
    return frozenset(nodes)


def _every(graph_module: Any) -> Iterator[FxNode]:
    for node in graph_module.graph.nodes:
        yield node
        for inner in inner_graphs(node, graph_module):
            yield from _every(inner)


def _decomposed(program: Any, known: Known) -> Any:
    """Take apart calls that are not known, each kind whose parts are known or can be taken apart too."""
    strange = _strange(program, known)
    if not strange:
        return program
    table = torch.export.default_decompositions()
    for target in sorted(strange, key=str):
        trial, apart = program, {target}
        for _ in range(_ROUNDS):
            chosen = {part: table[part] for part in apart if part in table}
            if not chosen:
                break
            trial = trial.run_decompositions(chosen)
            apart = _strange(trial, known) - strange
            if not apart:
                program = trial
                break
    return program


def _strange(program: Any, known: Known) -> set[Any]:
    """Return what is called with something that depends on the inputs, and is not known."""
    flow = flowing(program)
    return {node.target for node in calls(program.graph_module) if node in flow and not known(node, flow)}


def _maps(graph_module: Any) -> bool:
    """Whether a part was mapped over an axis by `torch.vmap`, which PyTorch can take apart again."""
    return any(
        "_batch_dim" in operator_of(node) for node in graph_module.graph.nodes if node.op == "call_function"
    )


def _writes_views(graph_module: Any) -> bool:
    """Whether a call writes into a part of a tensor, or into one that others see a part of."""
    needed = set(calls(graph_module))
    for node in graph_module.graph.nodes:
        if node.op != "call_function" or not _writes(node):
            continue
        written = node.args[0]
        if not any(
            one.op == "placeholder" or not needed.isdisjoint((one, *one.users)) for one in _same(written)
        ):
            continue  # nobody reads what is written, such as the blocks of a mask
        others = (user for user in written.users if user is not node)
        if _is_view(written) or any(_is_view(user) for user in others):
            return True
    return False


def _same(node: FxNode) -> Iterator[FxNode]:
    """Yield what a tensor is a view of, and what is a view of it."""
    while _is_view(node) and isinstance(node.args[0], torch.fx.Node):
        yield node
        node = node.args[0]
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [user for user in node.users if _is_view(user)]


def _writes(node: FxNode) -> bool:
    if not isinstance(node.target, torch._ops.OpOverload) or not node.args:
        return False
    first = node.target._schema.arguments[0]
    return (
        first.alias_info is not None and first.alias_info.is_write and isinstance(node.args[0], torch.fx.Node)
    )


def _is_view(node: FxNode) -> bool:
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return (
            operator_of(node) == "getitem" and _is_view(node.args[0]) if node.op == "call_function" else False
        )
    returned = node.target._schema.returns
    return bool(returned) and returned[0].alias_info is not None and not returned[0].alias_info.is_write


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch's warnings, and the graphs it prints when it fails, from readers of networks."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _traceable(module: Any) -> Iterator[None]:
    """Put a module into evaluation mode with dense, unpacked weights for the while."""
    with _quiet(), unpacked(module), _evaluating(module), dense(module):
        yield


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Put a module into evaluation mode for the while."""
    before = {part: part.training for part in module.modules()}
    try:
        module.eval()
    except NotImplementedError:  # a graph that torch.export made is as it was traced
        for part in module.modules():
            part.training = False
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training
