"""Sequences packed by their lengths, traced with the lengths of the example: a layer runs on what is left.

PyTorch runs a packed batch step by step, with fewer samples once short ones have ended. So does what is
traced here: steps of one number of samples are one call of the layer, from which states go on to the next.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from workloads.importers.torch.library import Array, torch

_FUNCTIONS = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu"}


@contextmanager
def noting_packs() -> Iterator[list[Array]]:
    """Note how many samples every step of every batch has that is packed meanwhile, in their order."""
    real = torch._VF._pack_padded_sequence
    met: list[Array] = []

    def packed(*args: Any) -> Any:
        met.append(args[1])
        data, met[-1] = real(*args)
        return data, met[-1]

    torch._VF._pack_padded_sequence = packed
    try:
        yield met
    finally:
        torch._VF._pack_padded_sequence = real


def lengths_of(call: Callable[[], Any]) -> list[Array]:
    """Return how many samples every step of every packed batch has while a module runs."""
    with torch.no_grad(), noting_packs() as met:
        call()
    return met


@contextmanager
def packing(met: Sequence[Array]) -> Iterator[None]:
    """Let batches be packed and run with known lengths for the while."""
    functions, layers = torch._VF, (torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN)
    known = {id(sizes): tuple(sizes.tolist()) for sizes in met}
    rest = iter(met)
    before = (functions._pack_padded_sequence, functions._pad_packed_sequence)
    forwards = [layer.forward for layer in layers]

    def pack(given: Array, _: Array, batch_first: bool) -> tuple[Array, Array]:
        sizes = next(rest)
        data = given.transpose(0, 1) if batch_first else given
        places = _places(known[id(sizes)])
        return data.reshape(-1, *data.shape[2:]).index_select(0, places), sizes

    def pad(data: Array, sizes: Array, batch_first: bool, value: float, total: int) -> tuple[Array, Array]:
        steps = known[id(sizes)]
        most, count = steps[0], max(total, len(steps))
        empty = data.new_full((count * most, *data.shape[1:]), value)
        padded = empty.index_copy(0, _places(steps), data).view(count, most, *data.shape[1:])
        lengths = torch.tensor([sum(step > i for step in steps) for i in range(most)])
        return padded.transpose(0, 1) if batch_first else padded, lengths

    def running(plain: Any) -> Any:
        def forward(layer: Any, given: Any, hx: Any = None) -> Any:
            if not isinstance(given, torch.nn.utils.rnn.PackedSequence):
                return plain(layer, given, hx)
            states = None if hx is None else layer.permute_hidden(hx, given.sorted_indices)
            data, ends = _run(layer, given.data, known[id(given.batch_sizes)], states)
            rest = given.batch_sizes, given.sorted_indices, given.unsorted_indices
            made = torch.nn.utils.rnn.PackedSequence(data, *rest)
            return made, layer.permute_hidden(ends, given.unsorted_indices)

        return forward

    functions._pack_padded_sequence, functions._pad_packed_sequence = pack, pad
    for layer, plain in zip(layers, forwards, strict=True):
        layer.forward = running(plain)
    try:
        yield
    finally:
        functions._pack_padded_sequence, functions._pad_packed_sequence = before
        for layer, plain in zip(layers, forwards, strict=True):
            layer.forward = plain


def _places(steps: Sequence[int]) -> Array:
    """Return where the rows of packed data lie in (steps * samples) rows."""
    return torch.tensor([step * steps[0] + i for step, count in enumerate(steps) for i in range(count)])


def _run(layer: Any, data: Array, steps: Sequence[int], states: Any) -> tuple[Array, Any]:
    """Run all layers and directions of a recurrent module on packed data."""
    directions, most = 1 + layer.bidirectional, steps[0]
    lstm = layer.mode == "LSTM"
    if states is None:
        count = layer.num_layers * directions
        zero = data.new_zeros(count, most, layer.proj_size or layer.hidden_size)
        states = (zero, data.new_zeros(count, most, layer.hidden_size)) if lstm else zero
    begins = states if lstm else (states,)
    ends: list[tuple[Array, ...]] = []
    for i in range(layer.num_layers):
        made = []
        for way in range(directions):
            place = i * directions + way
            own = tuple(state[place : place + 1] for state in begins)
            out, last = _one_way(layer, layer.all_weights[place], data, steps, own, backwards=bool(way))
            made.append(out)
            ends.append(last)
        data = made[0] if directions == 1 else torch.cat(made, -1)
    joined = tuple(torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*ends, strict=True))
    return data, joined if lstm else joined[0]


def _one_way(
    layer: Any,
    weights: Sequence[Array],
    data: Array,
    steps: Sequence[int],
    states: tuple[Array, ...],
    *,
    backwards: bool,
) -> tuple[Array, tuple[Array, ...]]:
    """Run one layer in one direction, a call for every run of steps with the same samples."""
    function = getattr(torch._VF, _FUNCTIONS[layer.mode])
    runs, start = [], 0
    for count, same in groupby(steps):
        length = len(list(same))
        runs.append((start, length, count))
        start += length * count
    outs: list[Array] = []
    for start, length, count in reversed(runs) if backwards else runs:
        given = data[start : start + length * count].view(length, count, -1)
        given = given.flip(0) if backwards else given
        own = tuple(state[:, :count] for state in states)
        hx = own if layer.mode == "LSTM" else own[0]
        out, *after = function(given, hx, list(weights), layer.bias, 1, 0.0, False, False, False)
        states = tuple(
            new if count == old.shape[1] else torch.cat([new, old[:, count:]], 1)
            for new, old in zip(after, states, strict=True)
        )
        outs.append((out.flip(0) if backwards else out).reshape(length * count, -1))
    outs = outs[::-1] if backwards else outs
    return outs[0] if len(outs) == 1 else torch.cat(outs), states
