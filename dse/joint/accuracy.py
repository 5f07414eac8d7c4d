"""Accuracy of networks: measured by a call, kept on disk by content, failures recorded."""

import hashlib
import inspect
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tqdm import tqdm

from dse.arguments import folder_named
from dse.errors import StoreError
from dse.joint.workers import Crew
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import NATURAL, NUMBER, PATH, TEXT, TRUTH, takes
from workloads.plain_files import read_plain
from workloads.watched import watched

if TYPE_CHECKING:
    from workloads import Network

_LIMIT_S: Final = 600.0
_KNOWN: Final = ("accuracy", "error", "log_loss", "test_accuracy", "test_error")


@dataclass(frozen=True)
class Measurement:
    """What a call said about one network.

    Attributes
    ----------
    accuracy, error
        On samples that choose, and its standard error (NaN where it was not said).
    log_loss
        Cross entropy on them; where it was not said -ln(accuracy), that of a classifier sure of itself in
        that share of cases. NaN of a score that is no share, such as a percentage.
    test_accuracy, test_error
        On samples that nothing chose by; NaN where there are none.
    seconds
        The call took.
    failed
        Why there is no accuracy; "" where there is one.

    """

    accuracy: float = math.nan
    error: float = math.nan
    log_loss: float = math.nan
    test_accuracy: float = math.nan
    test_error: float = math.nan
    seconds: float = 0.0
    failed: str = ""

    @property
    def target(self) -> float:
        """What predictors learn: ln(log loss), to minimise; of a score that is no share, its negative."""
        if math.isnan(self.log_loss):
            return -self.accuracy
        return math.log(max(self.log_loss, 1e-6))


class Measured:
    """Measures networks once each.

    Parameters
    ----------
    call
        `f(network)` or `f(network, machine)`, with `seed=` where it takes one -> accuracy, or (accuracy,
        standard error), or a mapping with fields of `Measurement`, as `workloads.learning` trainers return.
        A call with `reads(machine)` is measured once for machines of which it reads the same text.
    store
        Folder in which measurements are kept by content: network, call and seed. A process that is killed
        loses at most what it was measuring.
    workers
        Processes; 0 measures in this one.
    limit_s
        Seconds after which a call counts as failed.
    progress
        Whether to show a bar; None on a terminal only.
    what
        What messages call the measure.

    Attributes
    ----------
    calls
        Measurements made, those found in the store not counted.

    Raises
    ------
    TypeError
        If `call` cannot be called with a network.

    """

    @takes(store=PATH.or_none(), workers=NATURAL, limit_s=NUMBER, progress=TRUTH.or_none(), what=TEXT)
    def __init__(
        self,
        call: Callable[..., Any],
        *,
        store: str | os.PathLike[str] | None = None,
        workers: int = 0,
        limit_s: float = _LIMIT_S,
        progress: bool | None = None,
        what: str = "accuracy",
    ) -> None:
        if not callable(call):
            raise WrongTypeError(f"{what} must be a callable of a network, got {shown(call)}")
        if not limit_s > 0:
            raise InputError(f"limit_s must be positive, got {limit_s}", path="limit_s")
        self.call = call
        self.store = None if store is None else folder_named(store)
        self.workers, self.limit_s, self.progress = workers, limit_s, progress
        self.calls, self.what = 0, what
        self._kept: dict[str, Measurement] = {}
        self.wants_machine, seeded = _signature(call, what)
        self._crew = Crew(_Call(call, self.wants_machine, seeded), workers, limit_s)

    @cached_property
    def description(self) -> Any:
        """What tells this call from others in the store."""
        if hasattr(self.call, "describe"):
            return self.call.describe()
        name = f"{getattr(self.call, '__module__', '')}.{getattr(self.call, '__qualname__', '')}"
        code = getattr(self.call, "__code__", None)
        return [name, code.co_code.hex() + repr(code.co_consts) if code else repr(type(self.call))]

    def key(self, network: "Network", machine: Any = None, seed: int = 0) -> str:
        """Content that a measurement depends on, as 32 hexadecimal digits."""
        read = getattr(self.call, "reads", repr)  # of a machine, what the call depends on
        parts = [network.fingerprint, None if machine is None else read(machine), seed, self.description]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def __call__(
        self, networks: Sequence["Network"], machines: Sequence[Any] = (), *, seed: int = 0
    ) -> list[Measurement]:
        """Measure networks (with their machines, where the call takes one); equal ones once."""
        pairs = [(one, machines[i] if self.wants_machine else None) for i, one in enumerate(networks)]
        keys = [self.key(network, machine, seed) for network, machine in pairs]
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if self._remembered(key) is None}
        tasks = [(network, machine, seed) for network, machine in missing.values()]
        names = list(missing)
        if tasks:
            self._reach_store()
            with self._bar(len(tasks)) as bar:
                for place, said, why, seconds in self._crew.run(tasks):
                    self._keep(names[place], _read(said, why, seconds))
                    self.calls += 1
                    bar.update(1)
        return [self._kept[key] for key in keys]

    def close(self) -> None:
        """End the processes that measure; they are started again when needed."""
        self._crew.close()

    def _remembered(self, key: str) -> Measurement | None:
        if key not in self._kept and self.store is not None:
            file = self.store / f"{key}.json"
            if file.exists():
                try:
                    self._kept[key] = Measurement(**json.loads(read_plain(file)))
                except (ValueError, TypeError, OSError) as error:
                    raise StoreError(f"store {self.store}: {file.name} cannot be read ({error})") from None
        return self._kept.get(key)

    def _reach_store(self) -> None:
        """Make the folder before anything is measured: no training is lost to a path that will not do."""
        if self.store is not None:
            try:
                self.store.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"store {self.store}: cannot be written ({error.strerror})") from None

    def _keep(self, key: str, measurement: Measurement) -> None:
        self._kept[key] = measurement
        if self.store is None:
            return
        self._reach_store()
        try:
            beside = self.store / f"{key}.{os.getpid()}.tmp"
            beside.write_text(json.dumps(asdict(measurement)))
            beside.replace(self.store / f"{key}.json")
        except OSError as error:
            raise StoreError(f"store {self.store}: cannot be written ({error.strerror})") from None

    def _bar(self, total: int) -> Any:
        shown = watched(self.progress)
        return tqdm(
            total=total,
            desc="trainings" if self.what == "accuracy" else self.what,
            unit="",
            disable=not shown,
            dynamic_ncols=True,
        )


@dataclass(frozen=True)
class _Call:
    """The user's call with the arguments that it takes, as something that can be sent."""

    call: Callable[..., Any]
    machine: bool
    seeded: bool

    def __call__(self, network: Any, machine: Any, seed: int) -> Any:
        given = (network, machine) if self.machine else (network,)
        return self.call(*given, seed=seed) if self.seeded else self.call(*given)


def _signature(call: Callable[..., Any], what: str) -> tuple[bool, bool]:
    """Whether a call takes a machine, and a seed."""
    try:
        parameters = inspect.signature(call).parameters
    except (TypeError, ValueError):
        return False, False
    needed = [
        one
        for one in parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        and (one.default is one.empty or one.name == "machine")
    ]
    if not 1 <= len(needed) <= 2:
        names = ", ".join(parameters) or "nothing"
        raise WrongTypeError(f"{what} must be f(network) or f(network, machine), it takes ({names})")
    return len(needed) == 2, "seed" in parameters


def _read(said: Any, why: str, seconds: float) -> Measurement:
    """Make a measurement of what a call returned."""
    if why:
        return Measurement(seconds=seconds, failed=why)
    values: dict[str, Any] = {}
    try:
        if isinstance(said, Mapping):
            values = {name: _number(said[name]) for name in _KNOWN if name in said}
        elif isinstance(said, tuple | list) or (isinstance(said, np.ndarray) and said.ndim == 1):
            values["accuracy"], values["error"] = map(_number, said)
        else:
            values["accuracy"] = _number(said)
    except (TypeError, ValueError, OverflowError):
        return Measurement(seconds=seconds, failed=f"returned {said!r:.60}, no number and no (mean, error)")
    if "accuracy" not in values:
        return Measurement(seconds=seconds, failed=f"returned no accuracy, but {said!r:.60}")
    accuracy = values["accuracy"]
    if not math.isfinite(accuracy):
        return Measurement(seconds=seconds, failed=f"returned {accuracy}")
    if values.get("error", 0.0) < 0:
        return Measurement(seconds=seconds, failed=f"its standard error is {values['error']}")
    if "log_loss" in values:
        if not 0 <= values["log_loss"] < math.inf:
            return Measurement(seconds=seconds, failed=f"its log loss is {values['log_loss']}")
    elif 0 <= accuracy <= 1:
        values["log_loss"] = -math.log(min(max(accuracy, 1e-6), 1 - 1e-6))
    return Measurement(seconds=seconds, **values)


def _number(value: Any) -> float:
    """Read what a call returned as a number; texts and truths are none."""
    if isinstance(value, str | bytes | bool):
        raise TypeError
    return float(value)
