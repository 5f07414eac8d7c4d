"""What a machine of levels does about zeros: formats and savings by level and operand, and those of its MACs.

The words are Sparseloop's (Wu et al., MICRO 2022): a format says how an operand is stored with its zeros left
out; gating saves the energy of accesses that a zero of another operand makes idle, skipping their time too.
"""

import dataclasses
from typing import TYPE_CHECKING, Final

from hwmodels.checks import at_least_zero, made_of, made_of_or_none, one_of, refusal, truth, whole
from hwmodels.parts import OPERANDS
from hwmodels.zeros.section import Representation
from hwmodels.zeros.spelling import DENSE, read_format
from workloads.errors import InputError, shown

if TYPE_CHECKING:
    from hwmodels.levels import LevelMachine

LEVEL_MODES: Final = ("none", "gate", "skip", "skip_spatial", "skip_positions")
MAC_MODES: Final = ("none", "gate", "skip")
ROOMS: Final = ("fullest", "expected")
PLACES: Final = ("within", "beside", "uncounted")
LETTERS: Final = {"weight": "W", "input": "I", "output": "O"}
"""Operands as `hwmodels.mapping.convolution` calls them."""
DIMENSIONS: Final = {"weight": "GKCRS", "input": "NGCPQRS", "output": "NGKPQ"}
"""Dimensions of each operand of a convolution."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OperandZeros:
    """What a level does about the zeros of one operand.

    Parameters
    ----------
    format
        "dense", or how the level stores the operand: "bitmask", "rle", "coo", "csr", or ranks such as
        "UOP[K]-RLE:5" (`hwmodels.zeros.spelling`). Of candidates joined by "|" each nest takes what is best.
    mode
        What is done with accesses to the operand that zeros of its `leaders` make idle: "none", "gate" (they
        take their time and no energy), "skip" (no time either), "skip_spatial" (what is left is packed into
        the instances side by side), or "skip_positions" (its own zeros, which its format leaves out, take no
        step). A level that an operand passes hands this on to the one outside. Where the level is not the
        innermost one that keeps the operand, or feeds several instances, nothing is saved.
    leaders
        Operands whose zeros save an access.

    """

    format: str = DENSE
    mode: str = "none"
    leaders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of(self, "mode", LEVEL_MODES)
        if not isinstance(self.format, str):
            raise refusal(self, "format", "be a text, such as dense or bitmask")
        if isinstance(self.leaders, str):
            object.__setattr__(self, "leaders", (self.leaders,))
        if not isinstance(self.leaders, tuple | list):
            raise refusal(self, "leaders", f"be some of {', '.join(OPERANDS)}")
        object.__setattr__(self, "leaders", tuple(self.leaders))
        for leader in self.leaders:
            if leader not in ("weight", "input"):
                late = "; an output's zeros are known too late" if leader == "output" else ""
                raise InputError(
                    f"OperandZeros.leaders must be of weight, input, got {shown(leader)}{late}",
                    path="leaders",
                )
        wanted = self.mode in ("gate", "skip", "skip_spatial")
        if wanted and not self.leaders:
            raise InputError(
                f"OperandZeros.leaders must name the operands whose zeros save an access, as mode is "
                f"{self.mode}; got none",
                path="leaders",
            )
        if self.leaders and not wanted:
            raise InputError(
                f"OperandZeros.leaders must be empty where mode is {self.mode}, got {shown(self.leaders)}",
                path="leaders",
            )

    @property
    def stored(self) -> bool:
        """Whether a format other than dense is among the candidates."""
        return any(one.strip().lower() not in (DENSE, "none") for one in self.format.split("|"))

    def tells(self, operand: str) -> bool:
        """Whether the operand's format names positions, whichever of the candidates it is."""
        return all(form is not None and form.names_positions for form in self.candidates(operand))

    def needs(self, operand: str) -> tuple[str, ...]:
        """Operands whose zeros have to be known before the operand is read, as its mode has it."""
        return (operand,) if self.mode == "skip_positions" else self.leaders

    def candidates(self, operand: str, depth: int = 2) -> tuple[Representation | None, ...]:
        """Formats that a nest may take, with so many ranks where a name says none.

        Raises
        ------
        InputError
            If one is none; `.path` is "format".

        """
        try:
            found = [read_format(one, DIMENSIONS[operand], depth) for one in self.format.split("|")]
        except InputError as wrong:
            raise InputError(f"OperandZeros.format {wrong}", path="format") from None
        return tuple(dict.fromkeys(found))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPrices:
    """What zeros cost at a level, where not what its components do [pJ].

    Parameters
    ----------
    gated_read_pj, gated_write_pj, skipped_read_pj, skipped_write_pj
        Of an access that is saved; 0 where nothing is stated.
    metadata_read_pj, metadata_write_pj
        Of one access of metadata.
    gated_metadata_read_pj, skipped_metadata_read_pj
        Of one whose data is not read: what is gated is not looked at, what is skipped over is.
    decompress_pj, compress_pj
        Of a word that changes its form on its way to or from this level.

    """

    gated_read_pj: float = 0.0
    gated_write_pj: float = 0.0
    skipped_read_pj: float = 0.0
    skipped_write_pj: float = 0.0
    metadata_read_pj: float = 0.0
    metadata_write_pj: float = 0.0
    gated_metadata_read_pj: float = 0.0
    skipped_metadata_read_pj: float = 0.0
    decompress_pj: float = 0.0
    compress_pj: float = 0.0

    def __post_init__(self) -> None:
        at_least_zero(self, *(field.name for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LevelSparsity:
    """What a level does about zeros.

    Parameters
    ----------
    weight, input, output
        Of each operand.
    metadata
        Where metadata lies: "within" the level, among its words (it takes room, ports and the level's own
        energies); "beside" it, in a memory without limit; "uncounted": nowhere that costs anything.
    metadata_bits
        Bits of a word of metadata (a run, a coordinate, an offset) where a format says none; 0 is a word of
        the level. A bitmask has one bit an element.
    metadata_access_bits
        "beside": what one access of its memory moves.
    room
        What a compressed tile takes of the level: "fullest", what the fullest one does, where a mask tells it
        (the expected one where only a density is known); "expected", the average one's share: the level is
        overbooked, and what fuller tiles would spill is not costed.
    prices
        What saved accesses, metadata and conversion cost, where not what the level's own accesses do.

    """

    weight: OperandZeros = OperandZeros()
    input: OperandZeros = OperandZeros()
    output: OperandZeros = OperandZeros()
    metadata: str = "within"
    metadata_bits: int = 0
    metadata_access_bits: int = 0
    room: str = "fullest"
    prices: ZeroPrices | None = None

    def __post_init__(self) -> None:
        made_of(self, **dict.fromkeys(OPERANDS, OperandZeros))
        made_of_or_none(self, prices=ZeroPrices)
        one_of(self, "metadata", PLACES)
        one_of(self, "room", ROOMS)
        whole(self, "metadata_bits", "metadata_access_bits", least=0, most=1 << 20)
        if (self.metadata == "beside") != bool(self.metadata_access_bits):
            raise InputError(
                "LevelSparsity.metadata_access_bits must be positive where metadata lies beside the level, "
                f"and 0 elsewhere, got {self.metadata_access_bits} where metadata is {self.metadata}",
                path="metadata_access_bits",
            )
        for operand in OPERANDS:
            try:
                forms = self.of(operand).candidates(operand)
                if self.metadata == "within" and any(
                    form and form.blind(DIMENSIONS[operand]) for form in forms
                ):
                    raise InputError(
                        "OperandZeros.format gives every loop to offsets (UOP), so that no rank names "
                        "positions; say their dimensions, as UOP[K], or UOP[] for one loop, got "
                        f"{shown(self.of(operand).format)}"
                    )
            except InputError as wrong:
                raise InputError(str(wrong), path=f"{operand}.format") from None

    def of(self, operand: str) -> OperandZeros:
        """What is done about an operand."""
        found: OperandZeros = getattr(self, operand)
        return found

    @property
    def holds_packed(self) -> bool:
        """Whether it stores an operand in a format."""
        return any(self.of(operand).stored for operand in OPERANDS)

    @property
    def minds(self) -> bool:
        """Whether anything is done about zeros."""
        return any(self.of(operand).stored or self.of(operand).mode != "none" for operand in OPERANDS)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MacSparsity:
    """What the MACs of a machine do with a multiplication by a zero that reaches them.

    Parameters
    ----------
    mac
        "none", "gate" (it takes its time and no energy) or "skip". Zeros are told where the innermost level
        that keeps an operand stores it in a format.
    gated_pj, skipped_pj
        Energy of such a multiplication.
    idle_takes_time
        Whether one that a gated read leaves idle takes its cycle; in Timeloop only the port of the read does.

    """

    mac: str = "none"
    gated_pj: float = 0.0
    skipped_pj: float = 0.0
    idle_takes_time: bool = True

    def __post_init__(self) -> None:
        truth(self, "idle_takes_time")
        one_of(self, "mac", MAC_MODES)
        at_least_zero(self, "gated_pj", "skipped_pj")


NO_ZEROS: Final = LevelSparsity()
"""A level that treats zeros like any number."""
NO_MAC_ZEROS: Final = MacSparsity()
"""MACs that treat zeros like any number."""


def said_of_zeros(machine: "LevelMachine") -> list[str]:
    """What a machine does about zeros, and what is assumed of them, a sentence each."""
    if not machine.minds_zeros:
        return ["zeros are neither gated nor skipped"]
    said, outputs = [], False
    for level in machine.levels:
        for operand in OPERANDS:
            mine = level.sparsity.of(operand)
            if mine.stored:
                said.append(f"{operand} in {level.name} stored as {mine.format}")
                outputs |= operand == "output"
            if mine.mode != "none":
                led = f" where {' or '.join(mine.leaders)} is zero" if mine.leaders else ""
                said.append(f"{operand} accesses of {level.name}: {mine.mode.replace('_', ' ')}{led}")
    if machine.sparsity.mac != "none":
        said.append(f"MACs {machine.sparsity.mac} zeros that reach them")
    packed = [at.name for at in machine.levels if at.sparsity.holds_packed and not at.off_chip]
    for room, text in (
        ("fullest", "what the fullest takes, as the weights' mask tells it, else what is expected"),
        ("expected", "what is expected of them"),
    ):
        names = [name for name in packed if machine.level(name).sparsity.room == room]
        if names:
            said.append(f"room for compressed tiles in {', '.join(names)}: {text}")
    said.append("zeros fall independently of one another where no mask is known")
    said.append("a nest without zeros is the dense machine's")
    said.append(
        "nests with zeros: tiles are divisors, operands of a level share one tile but in small mapspaces"
    )
    return [*said, "partial sums are as dense as outputs where a format holds them"] if outputs else said


def minded_operands(machine: "LevelMachine") -> frozenset[str]:
    """Operands whose zeros make a difference on a machine."""
    found: set[str] = set()
    for level in machine.levels:
        for operand in OPERANDS:
            mine = level.sparsity.of(operand)
            found |= set(mine.leaders)
            if mine.stored or mine.mode == "skip_positions":
                found.add(operand)
    return frozenset(found)


def without_zeros(machine: "LevelMachine") -> "LevelMachine":
    """The same machine where it treats zeros like any number."""
    plain = tuple(dataclasses.replace(level, sparsity=NO_ZEROS) for level in machine.levels)
    return dataclasses.replace(machine, levels=plain, sparsity=NO_MAC_ZEROS)
