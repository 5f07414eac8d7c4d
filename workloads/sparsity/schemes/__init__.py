"""Compression schemes by name: pure functions from network to network, each citing its paper."""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workloads.network import Network
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.schemes.channel import channel
from workloads.sparsity.schemes.density import erk, uniform
from workloads.sparsity.schemes.magnitude import magnitude
from workloads.sparsity.schemes.published import published
from workloads.sparsity.schemes.rewiring import dnr
from workloads.sparsity.schemes.structured import block, n_m, psconv
from workloads.sparsity.schemes.synflow import synflow
from workloads.sparsity.schemes.tucker2 import tucker2


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme: what to call, and where it comes from."""

    apply: Callable[..., Network]
    source: str

    @property
    def line(self) -> str:
        """What it does, in one line, and its source."""
        return f"{(self.apply.__doc__ or '').splitlines()[0]} [{self.source}]"


REGISTRY: dict[str, Scheme] = {
    "block": Scheme(block, "Narang et al., arXiv 1711.02782"),
    "channel": Scheme(channel, "CGaP: Du, Li, Cao, IEEE JETCAS 2019"),
    "dnr": Scheme(dnr, "Kundu et al., ASP-DAC 2021"),
    "erk": Scheme(erk, "Evci et al., RigL, ICML 2020"),
    "magnitude": Scheme(magnitude, "Han et al., NeurIPS 2015"),
    "n_m": Scheme(n_m, "Mishra et al., arXiv 2104.08378"),
    "psconv": Scheme(psconv, "Kundu et al., IEEE TC 2020"),
    "published": Scheme(published, "each table names its own"),
    "synflow": Scheme(synflow, "Tanaka et al., NeurIPS 2020"),
    "tucker2": Scheme(tucker2, "Kim et al., ICLR 2016; HALOC, AAAI 2023"),
    "uniform": Scheme(uniform, "common baseline"),
}


def schemes() -> dict[str, str]:
    """Return the compression schemes by name, each with a line that says what it does and who proposed it.

    Examples
    --------
    >>> schemes()["uniform"]
    "Keep the same fraction of every layer's weights. [common baseline]"

    """
    return {name: scheme.line for name, scheme in REGISTRY.items()}


def sparsify(network: Network, scheme: str, **options: Any) -> Network:
    """Return another network, compressed by a scheme.

    Parameters
    ----------
    network
        Any network; it stays as it is.
    scheme
        One of `schemes()`.
    **options
        What the scheme asks for, most often `density`; see its own documentation in
        `workloads.sparsity.schemes`.

    Raises
    ------
    SparsityError
        If there is no such scheme, an option is unknown or missing, or a value makes no sense; one line that
        names it.

    Examples
    --------
    >>> import workloads
    >>> net = sparsify(workloads.load("resnet50"), "erk", density=0.1)
    >>> round(net.effectual_macs / net.macs, 3)
    0.242

    """
    if scheme not in REGISTRY:
        near = difflib.get_close_matches(scheme, REGISTRY, n=1, cutoff=0.5)
        hint = f"nearest: {near[0]}" if near else f"there are: {', '.join(REGISTRY)}"
        raise SparsityError(f"unknown scheme {scheme!r}; {hint}")
    call = REGISTRY[scheme].apply
    try:
        inspect.signature(call).bind(network, **options)
    except TypeError as error:
        asked = ", ".join(list(inspect.signature(call).parameters)[1:])
        raise SparsityError(f"scheme {scheme!r}: {error}; options are: {asked}") from None
    return call(network, **options)


__all__ = [
    "REGISTRY",
    "Scheme",
    "block",
    "channel",
    "dnr",
    "erk",
    "magnitude",
    "n_m",
    "psconv",
    "published",
    "schemes",
    "sparsify",
    "synflow",
    "tucker2",
    "uniform",
]
