"""`dse.search`: one network's machines, or networks as an axis beside the machines'."""

from collections.abc import Callable
from typing import Any, Final

from dse.joint.accuracy import Measured
from dse.joint.listed import networks_of
from dse.joint.search import OBJECTIVES, codesign
from dse.joint.sweeping import sweep
from dse.space.named import space_of
from dse.strategies import search as searching
from workloads import NetworkSpace
from workloads.errors import InputError
from workloads.table import LayerTable

_MOST_MEASURED: Final = 1000
"""Pairs of network and machine that are all measured where no budget is named."""
_OF_A_SWEEP: Final = {"objectives", "mapping_objective", "store", "progress", "seed"}


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
        For networks as an axis: `f(network)` or `f(network, machine)` -> accuracy or (mean, standard error),
        the column `accuracy`.
    options
        For one network `objectives`, `budget`, `strategy`, `seed`, `store`, `batch`, `mapping_objective`,
        `schedule`, `executor`, `workers`, `progress`: see `dse.strategies.search.search`. For networks as an
        axis those of `dse.codesign`; a list is measured whole unless `budget` says less. An accuracy that
        takes the machine is measured for every pair where there are a thousand at most, else for `budget` of
        them.

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
    table = isinstance(network, LayerTable)  # a tuple of columns, and one network
    several = isinstance(network, NetworkSpace | list | tuple) and not table
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
    space = space_of(space)
    listed = not isinstance(network, NetworkSpace)
    if listed:
        network = networks_of(network)
    measured = accuracy if isinstance(accuracy, Measured) else Measured(accuracy)
    if measured.wants_machine and "budget" not in options:
        if network.size * space.size > _MOST_MEASURED or not options.keys() <= _OF_A_SWEEP:
            raise InputError("budget: say how many pairs of network and machine are to be measured")
        options.setdefault("objectives", OBJECTIVES)
        return sweep(network, space, accuracy=accuracy, **options).front()
    if listed:
        options.setdefault("budget", network.size)
    return codesign(network, space, accuracy=accuracy, **options)
