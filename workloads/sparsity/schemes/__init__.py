"""Compression schemes by name: pure functions from network to network, each citing its paper."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.sparsity.checks import SparsityError, check_density
from workloads.sparsity.layers import prunable, with_densities, with_masks
from workloads.sparsity.schemes.channel import channel
from workloads.sparsity.schemes.density import erk, uniform
from workloads.sparsity.schemes.magnitude import magnitude
from workloads.sparsity.schemes.published import published
from workloads.sparsity.schemes.rewiring import dnr
from workloads.sparsity.schemes.saliency import grasp, snip
from workloads.sparsity.schemes.structured import block, n_m, psconv
from workloads.sparsity.schemes.synflow import synflow
from workloads.sparsity.schemes.tucker2 import tucker2

if TYPE_CHECKING:
    from workloads.network import Network


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme: what to call, and where it comes from."""

    apply: Callable[..., Any]
    source: str

    @property
    def line(self) -> str:
        """What it does, in one line, and its source."""
        said = (inspect.getdoc(self.apply) or "").strip().splitlines()
        return f"{said[0] if said else 'Says nothing of itself.'} [{self.source}]"


REGISTRY: dict[str, Scheme] = {
    "block": Scheme(block, "Narang et al., arXiv 1711.02782"),
    "channel": Scheme(channel, "CGaP: Du, Li, Cao, IEEE JETCAS 2019"),
    "dnr": Scheme(dnr, "Kundu et al., ASP-DAC 2021"),
    "erk": Scheme(erk, "Evci et al., RigL, ICML 2020"),
    "grasp": Scheme(grasp, "Wang et al., ICLR 2020"),
    "magnitude": Scheme(magnitude, "Han et al., NeurIPS 2015"),
    "n_m": Scheme(n_m, "Mishra et al., arXiv 2104.08378"),
    "psconv": Scheme(psconv, "Kundu et al., IEEE TC 2020"),
    "published": Scheme(published, "each table names its own"),
    "snip": Scheme(snip, "Lee et al., ICLR 2019"),
    "synflow": Scheme(synflow, "Tanaka et al., NeurIPS 2020"),
    "tucker2": Scheme(tucker2, "Kim et al., ICLR 2016; HALOC, AAAI 2023"),
    "uniform": Scheme(uniform, "common baseline"),
}


_YEAR = re.compile(r"(?:19|20)\d\d|arXiv")


def schemes() -> dict[str, str]:
    """Return the compression schemes by name, each with a line that says what it does and who proposed it.

    Examples
    --------
    >>> schemes()["uniform"]
    "Keep the same fraction of every layer's weights. [common baseline]"

    """
    return {name: scheme.line for name, scheme in REGISTRY.items()}


def register_scheme(
    name: str, scheme: Any = None, *, source: str = "registered", replace: bool = False
) -> Any:
    """Add a scheme of your own, so that `net.sparsify(name)` finds it; also as a decorator.

    Parameters
    ----------
    name
        What it is called.
    scheme
        A function of a network and keyword options, or an object with a method `apply` of these. It returns
        another network; or masks by layer, true where weights stay; or densities by layer, in (0, 1]. Layers
        are called as by `sparsity.layers.prunable`; those left out stay. None makes a decorator.
    source
        Who proposed it.
    replace
        Whether the name may be taken already.

    Raises
    ------
    SparsityError
        If the name is taken or no name, or the scheme cannot be called with a network.

    Examples
    --------
    >>> import workloads
    >>> @register_scheme("half", source="an example")
    ... def half(network):
    ...     "Keep every second weight."
    ...     return {name: 0.5 for name in prunable(network)}
    >>> net = workloads.load("lenet5").sparsify("half")
    >>> net.weight("fc1").density, schemes()["half"], REGISTRY.pop("half").source
    (0.5, 'Keep every second weight. [an example]', 'an example')

    """
    if scheme is None:
        return partial(register_scheme, name, source=source, replace=replace)
    if not isinstance(name, str) or not name.isidentifier():
        raise SparsityError(f"register_scheme: name must be letters, digits and _, got {shown(name)}")
    if name in REGISTRY and not replace:
        raise SparsityError(f"register_scheme: there is a scheme {shown(name)}; replace=True takes its place")
    REGISTRY[name] = Scheme(_callable(scheme, name), source)
    return scheme


def sparsify(network: Network, scheme: Any, **options: Any) -> Network:
    """Return another network, compressed by a scheme.

    Parameters
    ----------
    network
        Any network; it stays as it is.
    scheme
        One of `schemes()`; or a function or object as `register_scheme` takes it.
    **options
        What the scheme asks for, most often `density`; see its own documentation in
        `workloads.sparsity.schemes`.

    Raises
    ------
    SparsityError
        If there is no such scheme, an option is unknown or missing, a value makes no sense, or a scheme of
        one's own returns what it should not; one line that names it.

    Examples
    --------
    >>> import workloads
    >>> net = sparsify(workloads.load("resnet50"), "erk", density=0.1)
    >>> round(net.effectual_macs / net.macs, 3)
    0.242

    """
    if isinstance(scheme, str):
        if scheme not in REGISTRY:
            near = difflib.get_close_matches(scheme, REGISTRY, n=1, cutoff=0.5)
            hint = f"nearest: {near[0]}" if near else f"there are: {', '.join(REGISTRY)}"
            raise SparsityError(f"unknown scheme {shown(scheme)}; {hint}")
        name, call = scheme, REGISTRY[scheme].apply
    else:
        name = getattr(scheme, "__name__", type(scheme).__name__)
        call = _callable(scheme, name)
    try:
        inspect.signature(call).bind(network, **options)
    except TypeError as error:
        asked = ", ".join(list(inspect.signature(call).parameters)[1:]) or "none"
        raise SparsityError(f"scheme {shown(name)}: {error}; options are: {asked}") from None
    pruned = _checked(network, call(network, **options), name)
    known = REGISTRY.get(scheme) if isinstance(scheme, str) else None
    if known is None or not _YEAR.search(known.source):  # no work to cite
        return pruned
    said = f"{name}: {known.source}"
    return type(network)(pruned.graph, f"{pruned.source}; {said}" if pruned.source else said)


def _callable(scheme: Any, name: str) -> Callable[..., Any]:
    """Return what of a scheme is called, or refuse it by name."""
    call = scheme if inspect.isroutine(scheme) else getattr(scheme, "apply", scheme)
    if not callable(call) or inspect.isclass(call):
        raise SparsityError(
            f"scheme {shown(name)} must be a function of a network, or an object with apply(network), got "
            f"{type(scheme).__name__}"
        )
    try:
        given = list(inspect.signature(call).parameters.values())
    except ValueError:
        given = []
    if not given or given[0].kind in (given[0].KEYWORD_ONLY, given[0].VAR_KEYWORD):
        raise SparsityError(f"scheme {shown(name)} takes no network: its first argument must be one")
    return call


def _checked(network: Network, result: Any, name: str) -> Network:
    """Return a scheme's result as a network, or say what is wrong with it."""
    if isinstance(result, type(network)):
        return result
    if not isinstance(result, Mapping):
        raise SparsityError(
            f"scheme {shown(name)} must return a network, or masks or densities by layer, got "
            f"{type(result).__name__}"
        )
    layers = prunable(network)
    for layer in result:
        if layer not in layers:
            raise SparsityError(
                f"scheme {shown(name)}: network {shown(network.name)} has no layer {shown(layer)} to prune"
            )
    masks, densities = {}, {}
    for layer, value in result.items():
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        if np.ndim(value):
            masks[layer] = np.asarray(value)
        elif isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
            raise SparsityError(
                f"scheme {shown(name)}: layer {shown(layer)} must get a mask or a density, got {value!r:.60}"
            )
        else:
            densities[layer] = check_density(float(value), f"scheme {name!r}: layer {layer!r}")
    try:
        return with_masks(with_densities(network, densities), masks)
    except WorkloadError as error:
        raise SparsityError(f"scheme {shown(name)}: {error}") from None


__all__ = [
    "REGISTRY",
    "Scheme",
    "block",
    "channel",
    "dnr",
    "erk",
    "grasp",
    "magnitude",
    "n_m",
    "psconv",
    "published",
    "register_scheme",
    "schemes",
    "snip",
    "sparsify",
    "synflow",
    "tucker2",
    "uniform",
]
