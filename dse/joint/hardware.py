"""The machines' side of a joint search: fronts a network, kept on disk by content, and quick looks."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.errors import InfeasibleSpaceError, StoreError
from dse.metrics import Objective, objectives_of, to_minimise
from dse.run.digest import model_digest
from dse.run.frames import frame_of
from dse.run.schedule import LAYERS, check_keeper, check_schedule
from dse.space.space import Space
from dse.strategies.problem import LEAST, work_of
from dse.strategies.search import search
from workloads.table import fingerprint

if TYPE_CHECKING:
    from workloads import Network

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_MOST_ROWS: Final = 4096
_MOST_PACKS: Final = 128


class _Remembering(Space):
    """A space that packs the same machines once: every network is asked about the same ones."""

    def __init__(self, space: Space) -> None:
        self.__dict__.update(space.__dict__)
        self.__dict__["packed"] = {}

    def pack(self, index: IndexArray) -> Any:
        """Pack machines, or find them packed."""
        if len(index) > _MOST_ROWS:
            return super().pack(index)
        packed: dict[bytes, Any] = self.__dict__["packed"]
        key = np.ascontiguousarray(index, dtype=np.int64).tobytes()
        if key not in packed:
            packed[key] = super().pack(index)
            if len(packed) > _MOST_PACKS:
                del packed[next(iter(packed))]
        return packed[key]


class Hardware:
    """Machines of a space, asked about one network after the other.

    Parameters
    ----------
    space
        The machines.
    objectives
        What is minimised or maximised of a machine: every objective but accuracy.
    mapping_objective
        What each operation's mapping minimises.
    store
        Folder for fronts, or None.
    seed
        Of searches that are not exact.
    workers
        Threads.
    schedule
        "layers", or "resident" or "fused" where a level of the machines' memory allows it.

    Attributes
    ----------
    evaluations
        Pairs of network and machine costed, those of fronts found in the store included.

    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[Objective],
        mapping_objective: str = "edp",
        *,
        store: Path | None = None,
        seed: int = 0,
        workers: int | None = None,
        schedule: str = LAYERS,
    ) -> None:
        self.space = _Remembering(space)
        self.objectives = objectives_of(objectives)
        self.mapping_objective = mapping_objective
        self.store, self.seed, self.workers = store, seed, workers
        self.schedule = check_schedule(schedule)
        self.evaluations = 0
        exact = all(one.column in LEAST and not one.maximise for one in self.objectives)
        self.strategy = "certified" if exact else "auto"
        self._described = [space.fingerprint(), [str(o) for o in self.objectives], mapping_objective]
        if schedule != LAYERS:
            check_keeper(schedule, space.base, space.fields)
            self._described.append(schedule)
        self._fronts: dict[str, pandas.DataFrame | None] = {}

    def front(self, network: "Network") -> "pandas.DataFrame | None":
        """Return a network's front over all machines, objectives and all metrics; None where none runs it.

        Certified where every objective can be bounded from below, else of a search by `dse.search`'s own
        choice.
        """
        key = self._key(network)
        if key not in self._fronts:
            kept = self._read(key)
            if kept is None:
                kept = self._searched(network)
                self._write(key, kept)
            evaluations, frame = kept
            self.evaluations += evaluations
            self._fronts[key] = frame
        return self._fronts[key]

    def _searched(self, network: "Network") -> "tuple[int, pandas.DataFrame | None]":
        try:
            found = search(
                network,
                self.space,
                objectives=self.objectives,
                strategy=self.strategy,
                mapping_objective=self.mapping_objective,
                schedule=self.schedule,
                seed=self.seed,
                workers=self.workers,
                progress=False,
            )
        except InfeasibleSpaceError:
            return 0, None
        frame = found.frame.copy()
        for name in frame.select_dtypes("category"):
            frame[name] = frame[name].astype(object)
        return found.evaluated, frame

    def look(self, network: "Network", index: IndexArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Cost a network on some machines: objectives to minimise, shape (n, m), and which can run it."""
        work = work_of(network, schedule=self.schedule)
        found = work.cost(self.space, index, self.mapping_objective)
        self.evaluations += len(index)
        values = to_minimise([found[o.column] for o in self.objectives], self.objectives)
        return values, np.asarray(found["feasible"], dtype=np.bool_)

    def rows(self, network: "Network", index: IndexArray) -> "pandas.DataFrame":
        """Cost a network on some machines in full: axis values and all metrics, feasible machines only."""
        work = work_of(network, schedule=self.schedule)
        found = work.cost(self.space, index, self.mapping_objective)
        frame = frame_of(self.space, found)
        kept = frame[frame["feasible"]].drop(columns=["feasible", "limit"])
        for name in kept.select_dtypes("category"):
            kept[name] = kept[name].astype(object)
        return kept

    def _key(self, network: "Network") -> str:
        layers = work_of(network).layers
        parts = [fingerprint(layers), *self._described, model_digest()]
        if self.schedule != LAYERS:  # which follows from who reads what, too
            parts.append(network.fingerprint)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def _read(self, key: str) -> "tuple[int, pandas.DataFrame | None] | None":
        if self.store is None or not (file := self.store / f"{key}.parquet").exists():
            return None
        try:
            frame = pandas.read_parquet(file)
        except (OSError, ValueError) as error:
            raise StoreError(f"store {self.store}: {file.name} cannot be read ({error})") from None
        evaluations = int(frame.attrs.get("evaluations", 0))
        return evaluations, (frame if len(frame) else None)

    def _write(self, key: str, kept: "tuple[int, pandas.DataFrame | None]") -> None:
        if self.store is None:
            return
        evaluations, frame = kept
        frame = pandas.DataFrame() if frame is None else frame
        frame.attrs["evaluations"] = evaluations
        try:
            self.store.mkdir(parents=True, exist_ok=True)
            beside = self.store / f"{key}.{os.getpid()}.tmp"
            frame.to_parquet(beside)
            beside.replace(self.store / f"{key}.parquet")
        except OSError as error:
            raise StoreError(f"store {self.store}: cannot be written ({error.strerror})") from None
