"""Training: seeded, with early stop, refusing what is not a number."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NATURAL, NUMBER, having, takes
from workloads.importers.torch.library import Array, one_thread, torch
from workloads.learning.arguments import DATA
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.memory import Memory
from workloads.network import Network

F: Final = torch.nn.functional
_MODULE: Final = having("a module of workloads.to_module", "network", "parameters")
_EVALUATED: Final = 1024  # samples at once


Loss = Callable[[Any, Array, Array], Array]
"""What is made small, of a module, inputs and labels."""


class TrainingError(WorkloadError):
    """A training went wrong: its loss is not a number."""


@dataclass(frozen=True)
class Training:
    """How to train: Adam, its rate falling along half a cosine to nothing.

    Attributes
    ----------
    epochs
        Passes over the training samples at most.
    batch
        Samples a step.
    learning_rate, weight_decay
        Of Adam, decay decoupled.
    patience
        Epochs without a better validation loss before it stops; 0 never stops early. Methods that change
        connections count from the last change.
    seed
        Of the order of samples; equal seeds give equal results on one machine.

    """

    epochs: int = 20
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise WorkloadError(f"training: {name} must be a positive integer, got {shown(value)}")
        for name in ("patience", "seed"):
            value = getattr(self, name)
            if not NATURAL.fits(value):
                raise WorkloadError(f"training: {name} must be {NATURAL.words}, got {shown(value)}")
        numbers = NUMBER.fits(self.learning_rate) and NUMBER.fits(self.weight_decay)
        if not numbers or not (0 < self.learning_rate < math.inf and 0 <= self.weight_decay < math.inf):
            raise WorkloadError(
                f"training: learning_rate must be positive and weight_decay not negative, got "
                f"{shown(self.learning_rate)} and {shown(self.weight_decay)}"
            )

    def describe(self) -> dict[str, Any]:
        """Return every field as plain data."""
        return asdict(self)


TRAINING: Final = Training()
"""How to train where nothing else is said."""


@dataclass(frozen=True)
class Score:
    """How good a module is on samples it has not seen.

    Attributes
    ----------
    accuracy
        Share of samples whose class is right.
    error
        Standard error of that share: sqrt(a (1 - a) / n), of a a half sample away from 0 and 1.
    log_loss
        Mean negative logarithm of the probability of the right class.

    """

    accuracy: float
    error: float
    log_loss: float


@dataclass(frozen=True)
class Fitted:
    """What a training came to.

    Attributes
    ----------
    validation, test
        Scores; nothing chose anything by the test samples.
    epochs, steps
        Done.
    history
        Validation loss after each epoch.

    """

    validation: Score
    test: Score
    epochs: int
    steps: int
    history: tuple[float, ...] = field(repr=False)

    def as_numbers(self) -> dict[str, float]:
        """Return scores as plain numbers, as an accuracy callable gives them."""
        return {
            "accuracy": self.validation.accuracy,
            "error": self.validation.error,
            "log_loss": self.validation.log_loss,
            "test_accuracy": self.test.accuracy,
            "test_error": self.test.error,
            "epochs": float(self.epochs),
        }


class Samples:
    """A data set as tensors, in the shape a network takes."""

    def __init__(self, data: Data, network: Network) -> None:
        self.data = data
        graph_inputs = network.graph.inputs()
        if len(graph_inputs) != 1:
            raise WorkloadError(f"training: {network.name} takes {len(graph_inputs)} inputs, expected 1")
        (tensor,) = graph_inputs
        axis = tensor.batch_axis or 0
        shape = tuple(n for a, n in enumerate(tensor.shape) if a != axis)
        self.batch_axis = axis
        self.inputs = torch.from_numpy(data.fitted_to(shape))
        self.labels = torch.from_numpy(data.labels)
        scores = [network.graph.tensors[name].shape for name in network.graph.outputs]
        if len(scores) == 1 and scores[0][-1] < data.classes:
            raise WorkloadError(
                f"training: {network.name} scores {scores[0][-1]} classes, {data.name} has {data.classes}"
            )

    def batch(self, positions: Any) -> tuple[Array, Array]:
        """Return inputs and labels of samples, the batch along the network's own axis."""
        chosen = torch.as_tensor(positions)
        inputs = self.inputs[chosen]
        return (inputs.movedim(0, self.batch_axis) if self.batch_axis else inputs), self.labels[chosen]

    def score(self, module: Any, positions: Any) -> Score:
        """Score a module in evaluation mode."""
        was = module.training
        module.eval()
        right, loss = 0, 0.0
        with torch.no_grad():
            for start in range(0, len(positions), _EVALUATED):
                inputs, labels = self.batch(positions[start : start + _EVALUATED])
                logits = module(inputs)
                right += int((logits.argmax(1) == labels).sum())
                loss += float(F.cross_entropy(logits, labels, reduction="sum"))
        module.train(was)
        count = len(positions)
        share = min(max(right / count, 0.5 / count), 1 - 0.5 / count)
        return Score(right / count, math.sqrt(share * (1 - share) / count), loss / count)


def cross_entropy(module: Any, inputs: Array, labels: Array) -> Array:
    """Return -mean ln p of the right classes, p = softmax of the module's scores."""
    return F.cross_entropy(module(inputs), labels)


@takes(module=_MODULE, data=DATA, training=_TRAINING)
def fit(
    module: Any,
    data: Data,
    training: Training = TRAINING,
    *,
    after_epoch: Callable[[int], None] | None = None,
    after_step: Callable[[], None] | None = None,
    after_update: Callable[[], None] | None = None,
    patient_after: int = 0,
    loss: Loss | None = None,
    samples: Samples | None = None,
) -> Fitted:
    """Train a module of `workloads.to_module` as a classifier, in place.

    Parameters
    ----------
    module
        The module; its network's one output is a score a class.
    data
        Samples with a split.
    training
        How.
    after_epoch
        Called with the number of epochs done: the place to grow and prune. Adam's moments of connections that
        appear are those of `memory.Memory`.
    after_step
        Called after every backward pass, before the weights move: the place to look at gradients.
    after_update
        Called after every update of the weights.
    patient_after
        Epochs after which early stop begins, and weights can be the best: where connections come and go on
        the way, those after the last change.
    loss
        `loss(module, inputs, labels)` -> what is made small; by default cross entropy of the scores.
    samples
        The data as tensors, where they are at hand already.

    Returns
    -------
    Fitted
        With early stop the module has the weights of its best epoch by validation loss.

    Raises
    ------
    TrainingError
        If a loss is not a number.

    """
    held = samples or Samples(data, module.network)
    cost = loss or cross_entropy
    order = np.random.default_rng(training.seed)
    optimizer = torch.optim.AdamW(
        module.parameters(), training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    memory = Memory(module, optimizer)
    batches = -(-len(data.train) // training.batch)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, training.epochs * batches)
    history: list[float] = []
    best: dict[str, Array] | None = None
    steps = 0
    with one_thread():
        module.train()
        for epoch in range(training.epochs):
            shuffled = order.permutation(data.train)
            for start in range(0, len(shuffled), training.batch):
                inputs, labels = held.batch(shuffled[start : start + training.batch])
                if len(labels) < 2 <= len(shuffled):
                    continue  # batch norm has no variance of one sample
                optimizer.zero_grad()
                made = cost(module, inputs, labels)
                if not math.isfinite(made.item()):
                    raise TrainingError(
                        f"{module.network.name}: the loss is {made.item()} in epoch {epoch + 1}; a smaller "
                        "learning_rate may help"
                    )
                made.backward()
                if after_step is not None:
                    after_step()
                optimizer.step()
                if after_update is not None:
                    after_update()
                cosine.step()
                steps += 1
            if after_epoch is not None:
                memory.note()
                after_epoch(epoch + 1)
                memory.settle()
            history.append(held.score(module, data.validation).log_loss)
            if training.patience and len(history) > patient_after:
                since = history[patient_after:]
                if since[-1] == min(since):
                    best = {name: value.clone() for name, value in module.state_dict().items()}
                elif len(since) - 1 - int(np.argmin(since)) >= training.patience:
                    break
        if best is not None:
            module.load_state_dict(best)
        return Fitted(
            held.score(module, data.validation),
            held.score(module, data.test),
            len(history),
            steps,
            tuple(history),
        )
