"""Spaces of networks by name, made to fit a data set."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from workloads.errors import InputError, shown
from workloads.grammar.errors import nearest
from workloads.spaces.space import NetworkSpace

if TYPE_CHECKING:
    from workloads.learning.data import Data


def _convolutional(shape: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    channels, resolution = shape[0], shape[1]
    axes = {
        "resolution": sorted({max(4, resolution // 2), max(4, 3 * resolution // 4), resolution}),
        "stages": [1, 2, 3],
        "depth.stage1": [1, 2],
        "depth.stage2": [1, 2],
        "width.stage1": [4, 6, 8, 12, 16, 24],
        "width.stage2": [8, 12, 16, 24, 32, 48],
        "width.stage3": [16, 32, 64],
        "kernel": [1, 3, 5],
        "block": ["plain", "residual", "separable", "inverted"],
        "hidden": [0, 16, 32],
        "sparsity.density": [1.0, 0.5, 0.25],
    }
    return axes, {"channels": channels}


def _perceptron(shape: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    features = 1
    for length in shape:
        features *= length
    widths = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    axes = {
        "depth": [1, 2, 3],
        **{f"width.layer{i}": widths for i in (1, 2, 3)},
        "skip": [False, True],
        "sparsity.density": [1.0, 0.5, 0.25, 0.1],
    }
    return axes, {"features": features, "width": (64, 64, 64)}


_SPACES: Final[dict[str, Callable[[tuple[int, ...]], tuple[dict[str, Any], dict[str, Any]]]]] = {
    "convolutional": _convolutional,
    "perceptron": _perceptron,
}


def network_space(
    name: str,
    data: "Data",
    *,
    axes: Mapping[str, Any] | None = None,
    constraints: Sequence[str] = (),
) -> NetworkSpace:
    """Return a named space of networks with the inputs and classes of a data set.

    Parameters
    ----------
    name
        "convolutional" (images: blocks, widths, depths, kernels, resolution, density) or "perceptron" (any
        samples: depth, widths, skips, density).
    data
        What the networks classify.
    axes
        Axes that replace those of the same name, or are added.
    constraints
        As `NetworkSpace` takes them.

    Raises
    ------
    ValueError
        If there is no such space, or a convolutional one is asked for samples that are no square images.

    Examples
    --------
    >>> from workloads.learning.data import load_data
    >>> network_space("convolutional", load_data("digits")).size
    419904

    """
    if name not in _SPACES:
        raise InputError(f"unknown network space {shown(name)}{nearest(name, _SPACES)}")
    shape = data.inputs.shape[1:]
    if name == "convolutional" and (len(shape) != 3 or shape[1] != shape[2]):
        raise InputError(f"network space convolutional: samples of {data.name} are {shape}, no square images")
    own, fixed = _SPACES[name](shape)
    return NetworkSpace(
        name,
        {**own, **(axes or {})},
        constraints,
        fixed={**fixed, "classes": data.classes},
        name=f"{name} for {data.name}",
    )
