"""Built-in networks by name, and files by path."""

import difflib
from collections.abc import Mapping
from importlib import import_module
from os import PathLike, fspath

from workloads.errors import UnknownNetworkError
from workloads.importers import from_onnx
from workloads.network import Network

_BUILDERS = {
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
    "resnet110_cifar10": "cifar",
    "resnet152": "resnet",
    "resnet152_v2": "resnet_v2",
    "resnet18": "resnet",
    "resnet18_cifar10": "cifar",
    "resnet20_cifar10": "cifar",
    "resnet50": "resnet",
    "resnet56_cifar10": "cifar",
    "secret": "perceptron",
    "shufflenet_v2": "shufflenet",
    "squeezenet1_0": "squeezenet",
    "squeezenet1_1": "squeezenet",
    "vgg16": "vgg",
    "vgg16_cifar10": "cifar",
    "vgg16_cifar100": "cifar",
    "vgg19": "vgg",
    "vgg19_cifar10": "cifar",
    "vgg19_cifar100": "cifar",
    "vit_b16": "vit",
    "wide_deep": "wide_deep",
}
"""Name, which is that of the building function -> module of this package, imported when asked for."""


def names() -> list[str]:
    """Return the names of the built-in networks, sorted."""
    return sorted(_BUILDERS)


def load(
    name: str | PathLike[str],
    *,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    unknown: str = "refuse",
) -> Network:
    """Load a built-in network by its name, or an ONNX file by its path.

    Parameters
    ----------
    name
        One of `names()`, or a path that ends in ".onnx".
    batch
        Images in a run; by default 1, or what the file says.
    dims, unknown
        For a file, see `from_onnx`.

    Raises
    ------
    UnknownNetworkError
        If there is no such network; names the nearest.
    NetworkImportError
        If the file cannot be read as a network.

    Examples
    --------
    >>> load("resnet50").macs
    4089184256

    """
    key = fspath(name)
    if key.lower().endswith(".onnx"):
        return from_onnx(key, dims=dims, batch=batch, unknown=unknown)
    if key not in _BUILDERS:
        near = difflib.get_close_matches(key, _BUILDERS, n=3, cutoff=0.5)
        hint = f"nearest: {', '.join(near)}" if near else f"there are: {', '.join(names())}"
        raise UnknownNetworkError(
            f"unknown network {key!r}; {hint}; a path to an ONNX file must end in .onnx"
        )
    built = getattr(import_module(f"workloads.networks.{_BUILDERS[key]}"), key)(
        batch=1 if batch is None else batch
    )
    assert isinstance(built, Network)
    return built
