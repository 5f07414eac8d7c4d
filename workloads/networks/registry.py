"""Built-in networks by name, and files by path."""

import ast
import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from workloads.errors import UnknownNetworkError, WorkloadError, shown
from workloads.grammar.arguments import MAPPING, NAME, TEXT, WHOLE, takes
from workloads.grammar.errors import alike
from workloads.importers import from_file
from workloads.network import Network
from workloads.networks.decoders import DECODERS
from workloads.networks.mamba import MAMBAS
from workloads.networks.sizes import whole
from workloads.networks.whisper import SIZES

_BUILDERS = (
    dict.fromkeys(DECODERS, "language")
    | dict.fromkeys(MAMBAS, "mamba")
    | dict.fromkeys(SIZES, "whisper")
    | {
        "alexnet": "alexnet",
        "bert_base": "bert",
        "deeplab_v3_resnet50": "deeplab",
        "deepspeech2": "deepspeech",
        "densenet121": "densenet",
        "diabnn_edge": "lstm",
        "diabnn_server": "perceptron",
        "efficientnet_b0": "efficientnet",
        "faster_rcnn_resnet50": "faster_rcnn",
        "googlenet": "googlenet",
        "gpt2_decode": "gpt2",
        "gpt2_prefill": "gpt2",
        "inception_resnet_v2": "inception_resnet",
        "inception_v3": "inception",
        "lenet5": "lenet",
        "lenet_300_100": "lenet",
        "llama_1b_decode": "llama",
        "llama_1b_prefill": "llama",
        "mlp": "perceptron",
        "mlp_dna": "perceptron",
        "mlp_har": "perceptron",
        "mlp_landsat": "perceptron",
        "mlp_letter": "perceptron",
        "mlp_musk": "perceptron",
        "mlp_pen": "perceptron",
        "mlp_seizure": "perceptron",
        "mlp_sendrive": "perceptron",
        "mlp_shar": "perceptron",
        "mobilenet_v1": "mobilenet",
        "mobilenet_v2": "mobilenet",
        "nasnet_mobile": "nasnet",
        "neuraltalk_lstm": "lstm",
        "pnasnet_large": "nasnet",
        "pnasnet_mobile": "nasnet",
        "ptb_lstm_large": "lstm",
        "ptb_lstm_medium": "lstm",
        "resnet101": "resnet",
        "resnet110_cifar10": "cifar",
        "resnet152": "resnet",
        "resnet152_v2": "resnet_v2",
        "resnet18": "resnet",
        "resnet18_cifar10": "cifar",
        "resnet20_cifar10": "cifar",
        "resnet34": "resnet",
        "resnet50": "resnet",
        "resnet56_cifar10": "cifar",
        "secret": "perceptron",
        "shufflenet_v2": "shufflenet",
        "squeezenet1_0": "squeezenet",
        "squeezenet1_1": "squeezenet",
        "unet": "unet",
        "vgg11": "vgg",
        "vgg13": "vgg",
        "vgg16": "vgg",
        "vgg16_cifar10": "cifar",
        "vgg16_cifar100": "cifar",
        "vgg19": "vgg",
        "vgg19_cifar10": "cifar",
        "vgg19_cifar100": "cifar",
        "vit_b16": "vit",
        "wide_deep": "wide_deep",
    }
)
"""Name, which is that of the building function -> module of this package, imported when asked for."""


def names() -> list[str]:
    """Return the names of the built-in networks, sorted."""
    return sorted(_BUILDERS)


@takes(name=TEXT)
def parameters(name: str) -> dict[str, Any]:
    """Return what a built-in network can be given, beside its batch, with the defaults.

    Raises
    ------
    UnknownNetworkError
        If there is no such network.

    Examples
    --------
    >>> parameters("mobilenet_v2")
    {'width': 1.0, 'resolution': 224, 'classes': 1000}

    """
    given = inspect.signature(_builder(name)).parameters.values()
    return {one.name: one.default for one in given if one.name != "batch"}


@takes(
    name=NAME,
    batch=WHOLE.or_none(),
    dims=MAPPING.or_none(),
    unknown=TEXT,
    inputs=MAPPING.or_none(),
    weights=TEXT.or_none(),
    caches=TEXT,
    batch_axis=WHOLE.or_none(),
)
def load(
    name: str | PathLike[str],
    *,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    unknown: str = "refuse",
    inputs: Mapping[str, Any] | None = None,
    weights: str | None = None,
    caches: str = "append",
    batch_axis: int | None = None,
    **sizes: Any,
) -> Network:
    """Load a built-in network by its name, or a file by its path.

    Parameters
    ----------
    name
        One of `names()`, its sizes behind it in brackets if others than the published are wanted, as in
        "mobilenet_v2(width=0.5, resolution=160)"; or a path of a file that `from_file` reads: it ends in
        ".onnx" or is there.
    batch
        Images in a run; by default 1, or what the file says.
    dims, unknown, inputs, weights, caches, batch_axis
        For a file, see `from_onnx`.
    **sizes
        For a built-in network: what `parameters(name)` lists, such as `width`, `resolution`, `layers` or
        `context`. A network with other sizes than the default is called by them.

    Raises
    ------
    UnknownNetworkError
        If there is no such network; names the nearest.
    WorkloadError
        If the network has no such size, or it makes no sense.
    NetworkImportError
        If the file cannot be read as a network.

    Examples
    --------
    >>> load("resnet50").macs
    4089184256
    >>> half = load("mobilenet_v2", width=0.5, resolution=160)
    >>> half.name, half.parameters
    ('mobilenet_v2(width=0.5,resolution=160)', 1968680)

    """
    key = fspath(name)
    if key.lower().endswith(".onnx") or (key not in _BUILDERS and Path(key).is_file()):
        if sizes:
            raise WorkloadError(
                f"{next(iter(sizes))}: {shown(key)} is a file, only built-in networks have sizes"
            )
        return from_file(
            key,
            dims=dims,
            batch=batch,
            unknown=unknown,
            inputs=inputs,
            weights=weights,
            caches=caches,
            batch_axis=batch_axis,
        )
    told = {"dims": dims, "inputs": inputs, "weights": weights, "batch_axis": batch_axis}
    told["caches"] = None if caches == "append" else caches
    for what, value in told.items():
        if value not in (None, {}):
            raise WorkloadError(f"{what}: {shown(key)} is no file, give its sizes by name")
    key, written = _written(key)
    twice = written.keys() & sizes.keys()
    if twice:
        raise WorkloadError(f"{min(twice)}: given twice, in {shown(fspath(name))} and beside it")
    build, wanted = _builder(key), written | sizes
    defaults = parameters(key)
    for size in wanted:
        if size not in defaults:
            known = ", ".join(defaults) or "none"
            raise WorkloadError(f"network {shown(key)} has no parameter {shown(size)}; there are: {known}")
    built = build(batch=whole("batch", 1 if batch is None else batch), **wanted)
    other = {size: wanted[size] for size in defaults if size in wanted and wanted[size] != defaults[size]}
    return built.rename(f"{key}({','.join(f'{k}={_text(v)}' for k, v in other.items())})") if other else built


def _builder(name: str) -> Callable[..., Network]:
    if name not in _BUILDERS:
        near = alike(name, _BUILDERS)
        hint = f"nearest: {', '.join(near)}" if near else f"there are: {', '.join(names())}"
        raise UnknownNetworkError(f"unknown network {shown(name)}; {hint}; no file is called so")
    build: Callable[..., Network] = getattr(import_module(f"workloads.networks.{_BUILDERS[name]}"), name)
    return build


def _written(name: str) -> tuple[str, dict[str, Any]]:
    """Cut a name into what is before its brackets and the sizes in them, which are Python's literals."""
    base, bracket, inside = name.partition("(")
    if not bracket:
        return name, {}
    try:
        call = ast.parse(f"_({inside}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(one.arg is None for one in call.keywords):
            raise ValueError
        return base.strip(), {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnknownNetworkError(
            f"network {shown(name[:200])}: write sizes as in mobilenet_v2(width=0.5, resolution=160)"
        ) from None


def _text(value: object) -> str:
    """Write a size so that it can be read back, without blanks."""
    return repr(tuple(value) if isinstance(value, list) else value).replace(" ", "")
