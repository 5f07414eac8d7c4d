"""What a machine does about zeros: skip or gate them, store them packed, and what keeps it from doing better.

One description for all: any array may have any of it. Source of the three words: Sparseloop (Wu et al., MICRO
2022): a format says how zeros are stored, gating saves energy, skipping saves time as well.
"""

from __future__ import annotations

import dataclasses

from hwmodels.checks import at_least_zero, made_of, one_of, truth, whole
from workloads.errors import InputError, shown

MODES = {"none": 0, "gate": 1, "skip": 2}
"""What is done with a multiplication by zero, with the codes that tables carry."""

FORMATS = {
    "dense": 0,
    "bitmask": 1,
    "rle": 2,
    "csr": 3,
    "csc": 4,
    "coo": 5,
    "n_m": 6,
    "block": 7,
    "periodic": 8,
}
"""Storage formats; the codes are those of `workloads.sparsity.formats.Format`."""

IMBALANCES = {"none": 0, "binomial": 1, "masks": 2, "fitted": 3}
"""How unevenly work falls on lanes, with the codes that tables carry; see `Sparsity`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OperandSparsity:
    """What is done about the zeros of one operand.

    Parameters
    ----------
    mode
        "none", "gate" (the multiplier does not switch) or "skip" (the cycle is not spent either). An output
        is never skipped or gated: its zeros are known too late.
    format
        How the operand is stored: "dense", "bitmask", "rle", "csr", "csc", "coo", "n_m", "block", "periodic".
    on_chip
        Whether buffers hold the format too, or only main memory (it is then unpacked on its way).
    run_bits
        "rle": bits of a run of zeros. A skipping machine spends a cycle on each stored filler.
    n, m
        "n_m": at most n non-zeros in each group of m. A skipping machine does n of m multiplications, for
        tensors no denser than n / m: these are taken to have been pruned to the pattern, denser ones are
        stored and done dense.
    block
        "block": elements of a block, neighbours along a row. "periodic": elements of one cycle of patterns.
    skip_block
        Neighbouring elements that are skipped only when all of them are zero; 1 skips each.
    group, width
        Packing: of each group of elements, `width` non-zeros are taken a cycle, and a group starts a new
        cycle. 1 and 1 pack without loss. (A 32-element bitmap read 8 at a time: 32 and 8.)

    """

    mode: str = "none"
    format: str = "dense"
    on_chip: bool = True
    run_bits: int = 4
    n: int = 2
    m: int = 4
    block: int = 1
    skip_block: int = 1
    group: int = 1
    width: int = 1

    def __post_init__(self) -> None:
        one_of(self, "mode", MODES)
        one_of(self, "format", FORMATS)
        truth(self, "on_chip")
        whole(self, "run_bits", "n", "m", "block", "skip_block", "group", "width")
        if self.n > self.m:
            raise InputError(f"OperandSparsity.n must be at most m = {self.m}, got {shown(self.n)}", path="n")
        if self.group % self.width:
            raise InputError(
                f"OperandSparsity.group must be a multiple of width = {self.width}, got {shown(self.group)}",
                path="group",
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sparsity:
    """What a machine does about zeros, operand by operand, and the limits of doing it.

    Parameters
    ----------
    weight, input, output
        Of each operand.
    front_end_positions_per_cycle
        Mask positions that the front end of a lane examines a cycle, when any operand is skipped; 0 has no
        such limit. A lane of w multipliers needs w / share of them to sustain a speed-up of 1 / share.
    fifo_depth
        Entries, of one lane's width each, by which a lane may run ahead of the others.
    imbalance
        How much longer the fullest lane works than the mean. "none": no longer. "binomial": as independent
        zeros do. "masks": with the over-dispersion between filters that the layer table knows from real
        masks, binomial where it does not. "fitted": as "masks", and over-dispersed by the geometric mean of
        four published masks where the table does not know.
    waiting_lanes
        Lanes that wait for one another; 0 is all of the array.
    outputs_between_waits
        Outputs that a lane finishes between two waits, each of another filter; 0 is all it is given.
    sorted
        Whether filters are ordered by density beforehand, so that those that wait for one another are alike.
    depthwise
        Whether zeros are skipped or gated where every filter has one input channel. A PE that looks for the
        non-zero weights of all the filters of a channel, as Eyeriss v2's does, finds one filter there and
        runs dense.

    """

    weight: OperandSparsity = OperandSparsity()
    input: OperandSparsity = OperandSparsity()
    output: OperandSparsity = OperandSparsity()
    front_end_positions_per_cycle: float = 0.0
    fifo_depth: int = 0
    imbalance: str = "none"
    waiting_lanes: int = 0
    outputs_between_waits: int = 1
    sorted: bool = False
    depthwise: bool = True

    def __post_init__(self) -> None:
        truth(self, "sorted", "depthwise")
        at_least_zero(self, "front_end_positions_per_cycle")
        one_of(self, "imbalance", IMBALANCES)
        whole(self, "fifo_depth", "waiting_lanes", "outputs_between_waits", least=0)
        made_of(self, **dict.fromkeys(("weight", "input", "output"), OperandSparsity))
        if self.output.mode != "none":
            raise InputError(
                f'Sparsity.output.mode must be "none", got {shown(self.output.mode)}', path="output"
            )

    @property
    def skips(self) -> bool:
        """Whether any operand is skipped."""
        return "skip" in (self.weight.mode, self.input.mode)
