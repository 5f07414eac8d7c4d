"""One storage level of a machine, and what it and a MAC cost where components are not asked."""

import dataclasses
from collections.abc import Callable
from typing import Any

from hwmodels.checks import (
    at_least_zero,
    made_of,
    made_of_or_none,
    one_of,
    positive,
    refusal,
    truth,
    whole,
)
from hwmodels.level_sparsity import LETTERS, NO_ZEROS, LevelSparsity
from hwmodels.own import OwnPart
from hwmodels.own_storage import Asked, own_storage, storage_kinds
from hwmodels.parts import OPERANDS
from workloads.errors import InputError, WrongTypeError, shown

__all__ = ["LETTERS", "Level", "MacPrices", "Prices", "own_prices"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a level costs where components are not asked.

    Parameters
    ----------
    read_pj, fill_pj, update_pj
        Energy of one access of a block: read, written from outside, written from inside [pJ].
    leakage_w, area_mm2
        Of one instance [W, mm2].

    """

    read_pj: float = 0.0
    fill_pj: float = 0.0
    update_pj: float = 0.0
    leakage_w: float = 0.0
    area_mm2: float = 0.0

    def __post_init__(self) -> None:
        at_least_zero(self, "read_pj", "fill_pj", "update_pj", "leakage_w", "area_mm2")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MacPrices:
    """What a multiply-accumulate unit costs where components are not asked: pJ, W and um2 of one."""

    energy_pj: float
    leakage_w: float = 0.0
    area_um2: float = 0.0

    def __post_init__(self) -> None:
        at_least_zero(self, "energy_pj", "leakage_w", "area_um2")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One storage level.

    Parameters
    ----------
    name
        What paths, constraints and results call it.
    kind
        "registers" (flip-flops), "sram", "rram", "stt_mram", "pcm", "fefet" or "edram" on chip
        (`hwmodels.components.on_chip`), "main_memory" (the machine's, off chip), or a kind of your own
        (`hwmodels.register_component`).
    bytes
        Capacity of one instance; 0 is without limit.
    operands
        What it may hold, of "weight", "input" and "output".
    word_bits
        Width of a word, which holds one element; 0 is the datapath's width of the widest operand held, that
        of the accumulator where only outputs are.
    block_words
        Words that one access of the macro moves.
    banks
        Macros of equal size that make up the level; an access goes to one of them.
    cluster
        Instances that share one access.
    fanout_x, fanout_y
        Instances of the next level inwards (of MACs, inside the innermost one) that one instance feeds.
    read_port_bits, write_port_bits, shared_port_bits
        What one instance reads, writes, or does of both, a cycle; 0 is all that is asked, of an NVM what the
        write pulses of its banks leave.
    bytes_per_s
        Of a main memory: what its link carries; 0 is the memory's own sustained bandwidth.
    buffering
        Copies of each tile: 2 is double buffering.
    overlapped
        Whether transfers hide behind computation; otherwise their cycles add up.
    block_cycles
        Cycles of a block: what is held here is used for whole blocks (`hwmodels.timing.block_cycles`).
    prices
        What it costs, where not what its components do.
    sparsity
        What it does about zeros.

    """

    name: str
    kind: str = "sram"
    bytes: int = 0
    operands: tuple[str, ...] = OPERANDS
    word_bits: int = 0
    block_words: int = 1
    banks: int = 1
    cluster: int = 1
    fanout_x: int = 1
    fanout_y: int = 1
    read_port_bits: float = 0.0
    write_port_bits: float = 0.0
    shared_port_bits: float = 0.0
    bytes_per_s: float = 0.0
    buffering: float = 1.0
    overlapped: bool = True
    block_cycles: int = 1
    prices: Prices | None = None
    sparsity: LevelSparsity = NO_ZEROS

    def __post_init__(self) -> None:
        one_of(self, "kind", storage_kinds())
        made_of(self, sparsity=LevelSparsity)
        made_of_or_none(self, prices=Prices)
        truth(self, "overlapped")
        whole(self, "bytes", "word_bits", least=0)
        whole(self, "block_words", "banks", "cluster", "fanout_x", "fanout_y", "block_cycles")
        at_least_zero(self, "read_port_bits", "write_port_bits", "shared_port_bits", "bytes_per_s")
        positive(self, "buffering")
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise InputError(
                f"Level.name must be a word of letters and digits, got {shown(self.name)}", path="name"
            )
        if isinstance(self.operands, str):
            object.__setattr__(self, "operands", (self.operands,))
        if not isinstance(self.operands, tuple | list):
            raise refusal(self, "operands", f"be some of {', '.join(OPERANDS)}")
        object.__setattr__(self, "operands", tuple(self.operands))
        if not self.operands:
            raise InputError(
                f"Level.operands of {self.name}: it holds no operand; name some of {OPERANDS}",
                path="operands",
            )
        for operand in self.operands:
            if operand not in OPERANDS:
                raise InputError(
                    f"Level.operands of {self.name} must be of {', '.join(OPERANDS)}, got {shown(operand)}",
                    path="operands",
                )
        if self.kind != "main_memory" and self.bytes_per_s:
            raise InputError(
                f"Level.bytes_per_s of {self.name}: only a main memory has a link", path="bytes_per_s"
            )
        if self.kind != "main_memory" and not self.bytes and self.prices is None:
            raise InputError(
                f"Level.bytes of {self.name} must be positive, got 0 (boundless needs prices)", path="bytes"
            )
        for operand in OPERANDS:
            mine = self.sparsity.of(operand)
            if operand not in self.operands and (mine.stored or mine.mode != "none"):
                field = "format" if mine.stored else "mode"
                raise InputError(
                    f"Level.sparsity.{operand}.{field} of {self.name}: the level holds "
                    f"{', '.join(self.operands)}; name one of these, or let it hold {operand}",
                    path=f"sparsity.{operand}.{field}",
                )

    @property
    def rows(self) -> int:
        """`fanout_y`, as an array's rows."""
        return self.fanout_y

    @property
    def cols(self) -> int:
        """`fanout_x`, as an array's columns."""
        return self.fanout_x

    def __reduce__(self) -> tuple[Callable[..., "Level"], tuple[dict[str, Any], OwnPart | None]]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return _opened, (fields, own_storage(self.kind))

    @property
    def rests_on(self) -> str:
        """Code of a kind of one's own, for fingerprints; "" where the library prices it."""
        own = own_storage(self.kind)
        return own.digest if own is not None else ""

    @property
    def flip_flops(self) -> int:
        """Flip-flops of one instance."""
        return 8 * self.bytes if self.kind == "registers" else 0

    @property
    def off_chip(self) -> bool:
        """Whether it is main memory."""
        return self.kind == "main_memory"

    @property
    def hands_on(self) -> bool:
        """Whether it can hold, on chip, what one operation writes and the next one reads."""
        return not self.off_chip and {"input", "output"} <= set(self.operands)


def own_prices(kind: str, asked: Asked) -> Prices:
    """Ask a storage from user code for its prices.

    Raises
    ------
    ValueError, TypeError
        If it is registered no more, or its function fails or returns something else.

    """
    own = own_storage(kind)
    if own is None:
        raise InputError(
            f"Level.kind: {shown(kind)} is registered no more; call hwmodels.register_component again",
            path="kind",
        )
    found = own.ask(asked)
    if not isinstance(found, Prices):
        raise WrongTypeError(
            f"component {kind}: its function must return hwmodels.Prices, got {type(found).__name__}"
        )
    return found


def _opened(fields: dict[str, Any], own: OwnPart | None) -> Level:
    """Make a level that came from another process, with the storage that it brought along."""
    return Level(**fields)
