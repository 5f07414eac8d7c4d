"""Networks as a user gives them: a space, a list of networks and names, or one of them."""

from collections.abc import Iterable, Sequence

from dse.run.named import load_network
from workloads import Network, NetworkSpace, of_networks
from workloads.errors import InputError, WrongTypeError, shown


def networks_of(given: "NetworkSpace | Network | str | Sequence[Network | str]") -> NetworkSpace:
    """Return the space of some networks; names and paths are loaded.

    Raises
    ------
    TypeError
        If something is neither a network nor a name.
    ValueError
        If there is none.

    """
    if isinstance(given, NetworkSpace):
        return given
    if not isinstance(given, Network | str | Iterable):
        raise WrongTypeError(f"network: expected networks or a NetworkSpace, got {shown(given)}")
    every = [given] if isinstance(given, Network | str) else list(given)
    if not every:
        raise InputError("network: the list is empty; give at least one network")
    return of_networks([_loaded(one) for one in every])


def _loaded(one: object) -> Network:
    if isinstance(one, str):
        return load_network(one)
    if not isinstance(one, Network):
        raise WrongTypeError(f"network: a list holds networks or their names, got {type(one).__name__}")
    return one
