"""Without the data: images inverted from a network, and pruning, transfer and further classes learnt on them.

Yin, Molchanov, Alvarez, Li, Mallya, Hoiem, Jha, Kautz, "Dreaming to distill", CVPR 2020 (DeepInversion).
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NATURAL, NUMBER, POSITIVE, takes
from workloads.importers.torch.library import Array, one_thread, torch
from workloads.learning.arguments import IMAGES, MODULE
from workloads.learning.plasticity import prune
from workloads.learning.starts import start_sparse
from workloads.network import Network

F: Final = torch.nn.functional
_WARM: Final = 3.0
"""Temperature at which student and teacher are compared, as the authors' code has it."""


@dataclass(frozen=True)
class Inversion:
    """How images are inverted.

    L = CE(f(x), y) + statistics sum_l (|mu_l - m_l| + |var_l - v_l|) + smooth TV(x) + norm |x|^2
      + compete (1 - JS(f(x), student(x)))

    Attributes
    ----------
    steps, learning_rate, batch
        Of Adam on the images; its rate falls along half a cosine.
    statistics, first
        Weight of the distance to what batch norms know, and how much more the first one counts.
    smooth, norm
        Of total variation and of the mean square.
    compete
        Of disagreement with a student (adaptive inversion); counts where one is given.
    jitter
        Largest move of the images, in pixels, before each step.
    seed
        Of first images and moves.

    """

    steps: int = 200
    learning_rate: float = 0.1
    batch: int = 250
    statistics: float = 1.0
    first: float = 1.0
    smooth: float = 1e-3
    norm: float = 1e-4
    compete: float = 0.0
    jitter: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch", 2), ("jitter", 0), ("seed", 0)):
            value = getattr(self, name)
            if not NATURAL.fits(value) or value < least:
                raise WorkloadError(
                    f"inversion: {name} must be a whole number of at least {least}, got {shown(value)}"
                )
        for name in ("learning_rate", "statistics", "first", "smooth", "norm", "compete"):
            value = getattr(self, name)
            if not NUMBER.fits(value) or not 0 <= value < math.inf:
                raise WorkloadError(f"inversion: {name} must be a number of at least 0, got {shown(value)}")


@dataclass(frozen=True)
class Inverted:
    """Images that a teacher dreamt.

    Attributes
    ----------
    images, labels
        Shape (n, channels, rows, columns), and the classes they were made for.
    agreement
        Share of them that the teacher takes for their class.
    distance
        Of batch statistics to what batch norms know, at the end.
    steps, batch
        Adam steps, and images at once, summed over all batches: the input of `phases`.

    """

    images: Array
    labels: Array
    agreement: float
    distance: float
    steps: int
    batch: int


@takes(teacher=MODULE, count=POSITIVE)
def invert(
    teacher: Any,
    count: int,
    how: Inversion | None = None,
    *,
    student: Any = None,
    classes: Sequence[int] = (),
) -> Inverted:
    """Invert images from a trained module with batch norms; it stays as it is.

    Parameters
    ----------
    teacher
        Of `workloads.to_module`, trained.
    count
        Images, spread evenly over the classes.
    how
        By default `Inversion()`.
    student
        A module that images should tell from the teacher, for `how.compete` > 0.
    classes
        Of the teacher's to make; by default all.

    Raises
    ------
    WorkloadError
        If the teacher has no batch norm, or does not take images.

    """
    how = how or Inversion()
    norms = [m for m in teacher.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not norms:
        raise WorkloadError(
            f"network {shown(teacher.network.name)} has no batch norm whose statistics could guide"
        )
    (tensor,) = teacher.network.graph.inputs()
    if len(tensor.shape) != 4 or count < 2:
        raise WorkloadError(f"invert: needs images and two of them at least, got {tensor.shape} and {count}")
    network_classes = teacher.network.graph.tensors[teacher.network.graph.outputs[0]].shape[1]
    wanted = list(classes) or list(range(network_classes))
    frozen = copy.deepcopy(teacher).eval().requires_grad_(False)
    rival = None if student is None else copy.deepcopy(student).eval().requires_grad_(False)
    pieces, labels, distances, steps, images_at_once = [], [], [], 0, 0
    with one_thread():
        for start in range(0, count, how.batch):
            size = min(how.batch, count - start)
            if size < 2:
                break
            own = torch.tensor([wanted[(start + i) % len(wanted)] for i in range(size)])
            draw = torch.Generator().manual_seed(how.seed + start)
            x = torch.randn(size, *tensor.shape[1:], generator=draw)
            x, distance = _dream(frozen, x, own, how, draw, rival)
            pieces.append(x)
            labels.append(own)
            distances.append(distance)
            steps, images_at_once = steps + how.steps, max(images_at_once, size)
        images, given = torch.cat(pieces), torch.cat(labels)
        with torch.no_grad():
            agreement = float((frozen(images).argmax(1) == given).float().mean())
    return Inverted(images, given, agreement, float(np.mean(distances)), steps, images_at_once)


def _dream(
    teacher: Any, x: Array, labels: Array, how: Inversion, draw: Any, rival: Any
) -> tuple[Array, float]:
    """Optimise a batch of images."""
    seen: list[Array] = []

    def watch(norm: Any, given: tuple[Array, ...]) -> None:
        value = given[0]
        axes = [a for a in range(value.dim()) if a != 1]
        mean, variance = value.mean(axes), value.var(axes, unbiased=False)
        seen.append((mean - norm.running_mean).norm() + (variance - norm.running_var).norm())

    hooks = [
        m.register_forward_pre_hook(watch)
        for m in teacher.modules()
        if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)
    ]
    x = x.requires_grad_()
    optimizer = torch.optim.Adam([x], how.learning_rate, betas=(0.5, 0.9))
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, how.steps)
    distance = 0.0
    try:
        for _ in range(how.steps):
            seen.clear()
            moves = torch.randint(-how.jitter, how.jitter + 1, (2,), generator=draw).tolist()
            moved = torch.roll(x, moves, (2, 3))
            scores = teacher(moved)
            apart = how.first * seen[0] + sum(seen[1:], torch.zeros(()))
            distance = float(sum(one.detach() for one in seen))
            loss = F.cross_entropy(scores, labels) + how.statistics * apart
            loss = loss + how.smooth * _variation(moved) + how.norm * moved.square().mean()
            if rival is not None and how.compete:
                loss = loss + how.compete * (1 - _divergence(scores, rival(moved)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cosine.step()
    finally:
        for hook in hooks:
            hook.remove()
    return x.detach(), distance


def _variation(x: Array) -> Array:
    """Return total variation: the norm of differences to neighbours in both directions."""
    across, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
    return across.norm() + down.norm()


def _divergence(scores: Array, others: Array) -> Array:
    """Return Jensen and Shannon's divergence of softened outputs, at most 1 (base 2)."""
    p, q = F.softmax(scores / _WARM, 1), F.softmax(others / _WARM, 1)
    m = ((p + q) / 2).clamp(1e-7, 1.0)
    half = [F.kl_div(m.log(), one.clamp(1e-7, 1.0), reduction="batchmean") for one in (p, q)]
    return ((half[0] + half[1]) / (2 * np.log(2))).clamp(0, 1)


@takes(
    student=MODULE,
    teacher=MODULE,
    images=IMAGES,
    epochs=POSITIVE,
    batch=POSITIVE,
    learning_rate=NUMBER,
    seed=NATURAL,
)
def distil(
    student: Any,
    teacher: Any,
    images: Array,
    *,
    epochs: int = 30,
    learning_rate: float = 3e-3,
    batch: int = 64,
    seed: int = 0,
    real: tuple[Array, Array] | None = None,
    classes: Sequence[int] = (),
) -> int:
    """Train a student to say what a teacher says of images, in place; return the steps.

    L = T^2 KL(teacher(x) / T, student(x) / T), of real samples with labels CE besides

    Parameters
    ----------
    student, teacher
        Modules; a pruned student is repaired so.
    images
        Inverted or any, shape (n, ...); more than one.
    epochs, learning_rate, batch, seed
        Of Adam, its rate falling along half a cosine.
    real
        Images and labels learnt together with them, such as those of new classes (continual learning).
    classes
        Those that the teacher knows; it gives others probability 0. By default all.

    """
    if len(images) < 2:
        raise WorkloadError(f"distil: needs two images at least, got {len(images)}")
    frozen = copy.deepcopy(teacher).eval().requires_grad_(False)
    with one_thread():
        with torch.no_grad():
            said = torch.cat([frozen(part) for part in images.split(512)])
        if len(classes):  # what the teacher does not know has probability 0
            unknown = [one for one in range(said.shape[1]) if one not in set(classes)]
            said[:, unknown] = -torch.inf
        optimizer = torch.optim.Adam(student.parameters(), learning_rate)
        batches = -(-len(images) // batch)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
        order, steps = np.random.default_rng(seed), 0
        student.train()
        for _ in range(epochs):
            shuffled = order.permutation(len(images))
            for start in range(0, len(shuffled), batch):
                chosen = torch.from_numpy(shuffled[start : start + batch])
                if len(chosen) < 2:
                    continue
                inputs, wanted = images[chosen], F.softmax(said[chosen] / _WARM, 1)
                extra: Any = None
                if real is not None:
                    drawn = torch.from_numpy(order.integers(0, len(real[0]), len(chosen)))
                    inputs, extra = torch.cat([inputs, real[0][drawn]]), real[1][drawn]
                scores = student(inputs)
                own = scores[: len(chosen)]
                loss = _WARM**2 * F.kl_div(F.log_softmax(own / _WARM, 1), wanted, reduction="batchmean")
                if extra is not None:
                    loss = loss + F.cross_entropy(scores[len(chosen) :], extra)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                cosine.step()
                steps += 1
    return steps


@takes(teacher=MODULE, density=NUMBER, images=IMAGES, epochs=POSITIVE, seed=NATURAL)
def prune_without_data(
    teacher: Any, density: float, images: Array, *, method: str = "magnitude", epochs: int = 30, seed: int = 0
) -> tuple[Any, Network]:
    """Prune a trained module and repair it on images that came without data.

    Parameters
    ----------
    teacher
        Of `to_module(network, masked=True)`, trained; stays as it is.
    density
        Of its connections, in (0, 1].
    images
        What the repair sees.
    method
        "magnitude", "synflow" or "random".
    epochs, seed
        Of the repair.

    Returns
    -------
    module, network
        The pruned module, and its network with masks, ready to be costed.

    """
    if not 0 < density <= 1:
        raise WorkloadError(f"density must be in (0, 1], got {shown(density)}")
    if method not in ("magnitude", "synflow", "random"):
        raise WorkloadError(f"method must be magnitude, synflow or random, got {shown(method)}")
    student = copy.deepcopy(teacher)
    layers = student.masked_layers()
    if not layers:
        raise WorkloadError("prune_without_data: the teacher has no masked layer; use to_module(masked=True)")
    keep = max(1, round(density * sum(layer.mask.numel() for layer in layers.values())))
    if method == "magnitude":
        prune(student, keep)
    else:
        start_sparse(student, _Shape(student), keep, method, seed)  # type: ignore[arg-type]
    distil(student, teacher, images, epochs=epochs, seed=seed)
    return student.eval(), student.network.with_masks(student)


class _Shape:
    """What a start that looks at no data has to know of the samples: one of them, in shape."""

    batch_axis = 0

    def __init__(self, module: Any) -> None:
        (tensor,) = module.network.graph.inputs()
        self._one = torch.zeros(1, *tensor.shape[1:])

    def batch(self, positions: Any) -> tuple[Array, None]:
        """Return the one sample."""
        return self._one, None
