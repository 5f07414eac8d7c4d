"""Joint search where accuracy is of a network *on a machine*: pairs are what is measured.

A machine's bits, formats or faults change what a network on it gets right. Then no network is measured once
for all machines: the budget counts pairs, and the predictor learns from both sides' axes.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dse.joint.picking import Promise
from dse.joint.state import Search
from workloads import Network, NetworkSpace
from workloads.errors import InputError

if TYPE_CHECKING:
    from dse.space.space import Space

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_MOST: Final = 2**62


class PairSpace(NetworkSpace):
    """Networks times machines, the machine's axes fastest: index = network * machines + machine."""

    def __init__(self, networks: NetworkSpace, machines: "Space") -> None:
        self.networks, self.machines = networks, machines
        self.name = f"{networks.name} on {machines.name}"
        self.axes = (*networks.axes, *machines.axes)
        if networks.size * machines.size > _MOST:
            count = f"{networks.size * machines.size:,}"
            raise InputError(f"space {self.name}: {count} pairs are more than 64-bit indices can number")

    def __getitem__(self, index: int) -> Network:
        """Return the network of a pair."""
        return self.networks[index // self.machines.size]

    @property
    def beside_sizes(self) -> tuple[str, ...]:
        """Names of the axes that sizes of the networks do not tell; all of the machine's."""
        return (*self.networks.beside_sizes, *(axis.name for axis in self.machines.axes))

    def machine(self, index: int) -> Any:
        """Return the machine of a pair."""
        return self.machines[index % self.machines.size]

    def allowed(self, index: IndexArray) -> NDArray[np.bool_]:
        """Whether each pair satisfies both sides' constraints over axes and fields, shape (n,)."""
        good = self.machines.violated(index % self.machines.size) < 0
        networks = index // self.machines.size
        each = {int(one): self.networks.allows(int(one)) for one in np.unique(networks[good])}
        good[good] = [each[int(one)] for one in networks[good]]
        return np.asarray(good)


class PairSearch(Search):
    """A search whose points are pairs: `trained` is of a `PairSpace`."""

    def run(self) -> None:
        """Measure what promises most hypervolume, round by round, after the first sample."""
        self._know_measured()
        rounds = self.rounds
        while self.left:
            if not self.step(rounds, self._choose if len(self.frame()) else None):
                return
            self._know_measured()
            rounds -= 1

    def head(self, index: int) -> dict[str, Any]:
        """Return what tells a pair: its network, that network's axes, and its machine."""
        machines = self.hardware.space.size
        fields = self._space.networks.configuration(index // machines)
        net = {f"net.{field}": value for field, value in fields.items()}
        return {"network": index // machines, **net}

    @property
    def _space(self) -> PairSpace:
        assert isinstance(self.trained.space, PairSpace)
        return self.trained.space

    def _know_measured(self) -> None:
        """Take up the pairs that were measured, each on its own machine."""
        machines = self.hardware.space.size
        for place in self.trained.good:
            index = self.trained.index[int(place)]
            if index not in self._pairs:
                self.know_machines(index, np.array([index % machines]))

    def _choose(self, index: IndexArray, mean: FloatArray, deviation: FloatArray, count: int) -> IndexArray:
        promise = Promise(self.trained, self.frame(), self.objectives, self.floor)
        networks, machines = np.divmod(index, self.hardware.space.size)
        looked: list[FloatArray] = [np.empty((0, len(self.objectives) - 1))] * len(index)
        for network in np.unique(networks):
            places = np.flatnonzero(networks == network)
            found = self.hardware.look(self._space.networks[int(network)], machines[places])
            for place, value, runs in zip(places.tolist(), *found, strict=True):
                looked[place] = value[None][: int(runs)]
        return promise.pick(mean, deviation, looked, count)
