"""What a mapping moves and costs with its zeros."""

from dataclasses import dataclass

from hwmodels.accounting import Entry

Key = tuple[str, str]  # (level, operand)


@dataclass(slots=True, kw_only=True)
class SparseCounts:
    """Words one operand moves at one level, summed over instances; bits are of metadata."""

    reads: float
    fills: float
    updates: float
    read_bits: float = 0.0
    fill_bits: float = 0.0
    update_bits: float = 0.0
    saved_reads: float = 0.0  # gated or skipped, as the level does
    saved_updates: float = 0.0
    saved_read_bits: float = 0.0
    compressed_words: float = 0.0  # that pass the compressor on their way out
    decompressed_words: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseEvaluation:
    """What a mapping costs with its zeros."""

    counts: dict[Key, SparseCounts]
    computes: float  # effectual multiply-accumulates, and ineffectual ones that nothing saves
    gated_computes: float
    skipped_computes: float
    compute_cycles: int
    port_cycles: dict[str, int]  # busy cycles by "level port", of ports that have a limit
    cycles: int
    bound: str
    energy_by_component_pj: dict[str, float]
    energy_by_operand_pj: dict[Key, float]
    entries: tuple[Entry, ...]  # the account

    @property
    def energy_pj(self) -> float:
        """Energy of all components."""
        return sum(self.energy_by_component_pj.values())
