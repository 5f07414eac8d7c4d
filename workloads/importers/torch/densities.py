"""Zeros of activations, measured while the traced module runs on calibration inputs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workloads.errors import NetworkImportError
from workloads.importers.measured import Tally, with_measured
from workloads.importers.torch.exporting import Inputs
from workloads.importers.torch.library import Array, FxNode, first_line, torch
from workloads.importers.torch.objects import flat
from workloads.network import Network


def calibrated(
    network: Network, made: Mapping[FxNode, str], program: Any, like: Inputs, given: Any
) -> Network:
    """Return a network with measured densities of its floating-point activations.

    Parameters
    ----------
    network
        The network.
    made
        Tensor of the network that each node of the traced graph came to.
    program
        The traced module. It is for one batch; calibration inputs run through it in as many of them as
        needed.
    like
        The example inputs.
    given
        Calibration inputs, see `workloads.from_torch`.

    """
    if like.axis != 0:
        raise NetworkImportError(f"calibration needs samples along the first axis, batch_axis is {like.axis}")
    tallies: dict[str, Tally] = {}
    size, total = like.batch, 0
    for batch in _batches(given, like):
        for start in range(0, batch.batch, size):
            rows = [(start + i) % batch.batch for i in range(size)]
            new = min(size, batch.batch - start)
            _run(program, batch.picked(rows), network, made, tallies, (size, new))
            total += new
    if not total:
        raise NetworkImportError("calibration holds no sample")
    return with_measured(network, tallies.values())


def _batches(given: Any, like: Inputs) -> Iterator[Inputs]:
    """Yield calibration inputs, batch by batch, as the module takes them."""
    if isinstance(given, torch.Tensor | tuple | Mapping):
        batches: Iterable[Any] = [given]
    elif isinstance(given, Iterable):
        batches = given
    else:
        raise NetworkImportError(
            f"calibration must be inputs or an iterable of them, got {type(given).__name__}"
        )
    for batch in batches:
        inputs = Inputs.of(batch)
        if len(inputs.args) > len(like.args) > 0:
            inputs = Inputs(inputs.args[: len(like.args)], inputs.kwargs)
        have, want = [_form(t) for t in inputs.tensors()], [_form(t) for t in like.tensors()]
        if have != want:
            raise NetworkImportError(f"calibration inputs are {_text(have)}, example inputs {_text(want)}")
        yield inputs


def _form(tensor: Array) -> tuple[str, tuple[int, ...]]:
    """Return what must agree between inputs: type, and lengths but the batch's."""
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape[1:])


def _text(forms: list[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype} (batch, {', '.join(map(str, lengths))})" for dtype, lengths in forms)


def _run(
    program: Any,
    inputs: Inputs,
    network: Network,
    made: Mapping[FxNode, str],
    tallies: dict[str, Tally],
    samples: tuple[int, int],
) -> None:
    """Run the traced graph once, and count the non-zeros of every activation on the way."""
    size, new = samples
    seen: set[str] = set()

    class Counting(torch.fx.Interpreter):  # type: ignore[misc]
        def run_node(self, node: FxNode) -> Any:
            value = super().run_node(node)
            name = made.get(node)
            if name is not None and name not in seen and _counted(value):
                seen.add(name)
                if name not in tallies:
                    tallies[name] = Tally.of(network, name, size)
                _count(tallies[name], value, new)
            return value

    try:
        with torch.no_grad():
            Counting(program.graph_module).run(*_flat(program, inputs), enable_io_processing=False)
    except Exception as error:  # the module's own code runs: anything can come out of it
        raise NetworkImportError(f"calibration fails: {first_line(error)}") from error


def _counted(value: Any) -> bool:
    """Whether a value is an activation with channels."""
    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.dim() > 1


def _count(tally: Tally, value: Array, samples: int) -> None:
    """Count a run, of which the first `samples` are new."""
    counts = torch.count_nonzero(value.detach().unsqueeze(-1), dim=(*tally.others, value.dim()))
    tally.add(counts.cpu().numpy(), samples)


def _flat(program: Any, inputs: Inputs) -> list[Any]:
    """Return a value for every placeholder of the traced graph."""
    leaves = iter(torch.utils._pytree.tree_leaves(flat((inputs.args, inputs.kwargs))))
    values = []
    for spec in program.graph_signature.input_specs:
        if spec.kind.name == "USER_INPUT":
            values.append(next(leaves))
        elif spec.target in program.state_dict:
            values.append(program.state_dict[spec.target])
        else:
            values.append(program.constants[spec.target])
    return values
