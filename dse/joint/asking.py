"""`dse.search`: one network's machines, or networks as an axis beside the machines'."""

from collections.abc import Callable
from typing import Any

from dse.joint.accuracy import Measured
from dse.joint.search import codesign
from dse.strategies import search as searching
from workloads import NetworkSpace, load
from workloads.errors import InputError


def search(
    network: Any,
    space: Any,
    *,
    accuracy: Callable[..., Any] | Measured | None = None,
    **options: Any,
) -> Any:
    """Search a space for its Pareto front, of one network or of networks and machines together.

    Parameters
    ----------
    network
        A network, its name, an ONNX file's path, a layer table or `dse.several`: the front of the space's
        machines. A list of networks or a `workloads.NetworkSpace`: networks are one more axis of the front.
    space
        The machines.
    accuracy
        For networks as an axis: `f(network)` -> accuracy or (mean, standard error), the column `accuracy`.
    options
        For one network `objectives`, `budget`, `strategy`, `seed`, `store`, `batch`, `mapping_objective`,
        `executor`, `workers`, `progress`: see `dse.strategies.search.search`. For networks as an axis those
        of `dse.codesign`; a list is measured whole unless `budget` says less.

    Returns
    -------
    Found or Codesigned
        A front: designs, or pairs of network and machine.

    Raises
    ------
    ValueError, UnknownNameError, InfeasibleSpaceError, StoreError
        As the two.

    Examples
    --------
    >>> import dse, workloads
    >>> space = dse.Space("edge_16x16", {"array.rows": [8, 16]})
    >>> said = {"lenet5": 0.99, "lenet_300_100": 0.98}
    >>> found = dse.search(list(said), space, accuracy=lambda network: said[network.name], progress=False)
    >>> sorted(set(found.frame["net.network"])), found.objectives[0].column
    (['lenet5', 'lenet_300_100'], 'accuracy')

    """
    several = isinstance(network, NetworkSpace | list | tuple)
    if not several:
        if accuracy is not None:
            raise InputError(
                "accuracy: is of networks as an axis; give a list of networks or a NetworkSpace",
                path="accuracy",
            )
        return searching.search(network, space, **options)
    if accuracy is None:
        raise InputError(
            "search: networks as an axis need accuracy=f(network); machines for several networks at once are "
            "dse.search(dse.several([...]), space)"
        )
    if not isinstance(network, NetworkSpace):
        network = [load(one) if isinstance(one, str) else one for one in network]
        options.setdefault("budget", len(network))
    return codesign(network, space, accuracy=accuracy, **options)
