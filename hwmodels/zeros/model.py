"""Sparse optimisations of Timeloop projects: what zeros save of the counts that the engine gives.

Sparseloop's method (Wu et al., MICRO 2022) over our dense counts: formats leave zeros out and add metadata;
gating and skipping save accesses where another operand is zero, down to the multiply-accumulates. Counts are
expectations, with zeros of different operands independent.
"""

from collections.abc import Iterator
from collections.abc import Mapping as Dense
from dataclasses import dataclass
from math import ceil, floor, inf, prod

from hwmodels.accounting import Entry, energies_pj
from hwmodels.lines import Line
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.evaluation import LEAKAGE, Evaluation, LevelCounts, by_component
from hwmodels.mapping.mapping import Mapping
from hwmodels.mapping.pack import pack_architecture
from hwmodels.mapping.problem import MappingError, Operand, Problem
from hwmodels.zeros.counts import Key, SparseCounts, SparseEvaluation
from hwmodels.zeros.density import Density, Zeros
from hwmodels.zeros.formats import (
    Groups,
    NonZeros,
    RankWords,
    fibers,
    innermost_first,
    rank_loops,
    words,
)
from hwmodels.zeros.section import Metadata, Optimization, SparseSection


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseModel:
    """A project's sparse optimisations over its dense evaluation."""

    problem: Problem
    architecture: Architecture
    mapping: Mapping
    densities: dict[str, Density]
    metadata: dict[str, Metadata]
    actions: dict[str, dict[str, float]]
    section: SparseSection
    rounding: NonZeros = NonZeros.FIBER
    within: frozenset[str] = frozenset()  # levels among whose words metadata takes room
    leaks: bool = False  # whether what is drawn in every cycle counts
    idles: bool = False  # whether multiply-accumulates that gated reads leave idle take their time
    overbooked: frozenset[str] = frozenset()  # levels where compressed tiles take their expected room
    lenient: bool = False  # where a level cannot save, nothing is saved; else the mapping is refused

    def evaluate(self, dense: Evaluation) -> SparseEvaluation:
        """Apply formats, then gating and skipping, then price what is left.

        Parameters
        ----------
        dense
            What the engine says about the same mapping.

        Raises
        ------
        MappingError
            If a format has too few ranks, or gating is asked for at a level that is not the innermost of its
            operand or spreads over several instances: the leader of one access is then not one element.

        """
        counts = {(c.level, c.operand): self._stored(c) for c in dense.counts}
        reached = self.reached()
        self._check_leaders(reached)
        self._save(counts, reached, dense)
        self._convert(counts)
        computes, gated, skipped = self.computes(reached)
        entries = tuple(
            entry
            for (level, name), at in counts.items()
            for entry in self._entries(level, name, at, dense.at(level, name).instances)
        ) + tuple(
            Entry(Line(self.architecture.mac_name, "", action, "MAC", "mac"), amount, price_pj)
            for action, (amount, price_pj) in self.mac_amounts(computes, gated, skipped).items()
        )
        # multiply-accumulates a cycle while computing, in packed lanes only the effectual ones
        lanes = dense.macs / dense.compute_cycles * self.packed
        compute = ceil((computes + gated + self.idle(reached)) / lanes - 1e-6)
        ports = self._ports(counts, dense)
        cycles, bound = self._cycles(ports, compute)
        if self.leaks:
            entries += (self._leaked(cycles),)
        return SparseEvaluation(
            counts=counts,
            computes=computes,
            gated_computes=gated,
            skipped_computes=skipped,
            compute_cycles=compute,
            port_cycles=ports,
            cycles=cycles,
            bound=bound,
            energy_by_component_pj=by_component(self.architecture, entries, leaks=self.leaks),
            energy_by_operand_pj=energies_pj(entries, lambda line: (line.component, line.operand)),
            entries=entries,
        )

    def words_held(self, level: str, dense: Dense[str, float]) -> dict[str, float]:
        """Words that tiles take at a level: of compressed ones the expected non-zeros, rounded up."""
        shares = {name: self.held(level, self.problem.operand(name)) for name in dense}
        return {name: ceil(words * shares[name] - 1e-9) for name, words in dense.items()}

    def words_needed(self, level: str, dense: Dense[str, float]) -> dict[str, float]:
        """The same of the mapping's tiles; of compressed ones that a mask tells, the fullest's non-zeros."""
        found = self.words_held(level, dense)
        for name in dense:
            boxes = self.zeros(self.problem.operand(name)).boxes
            if boxes is not None and self.counts_fullest(level, name):
                extents = self.mapping.tile(self.problem, self.architecture.index(level))
                found[name] = boxes.fullest(extents)
        return found

    def counts_fullest(self, level: str, operand: str) -> bool:
        """Whether a level has to hold the fullest compressed tile of an operand: a mask tells it."""
        known = self.densities[operand].mask is not None and level not in self.overbooked
        return known and self._compressed(level, operand)

    def metadata_room(self, level: str, operand: str) -> int:
        """Words of a level that the metadata of an operand's tile takes; none where it lies elsewhere."""
        if level not in self.within or (level, operand) not in self.section.formats:
            return 0
        width = self.metadata[level].width_bits
        fullest = level not in self.overbooked
        words = self.metadata_words(level, self.problem.operand(operand), fullest=fullest)
        bits = sum(one.stored_bits(width) for one in words)
        return ceil(bits / self.architecture.level(level).word_bits - 1e-9)

    def held(self, level: str, operand: Operand) -> float:
        """Share of an operand's words that take room at a level."""
        return self.zeros(operand).share if self._compressed(level, operand.name) else 1.0

    @property
    def packed(self) -> float:
        """Share of a mapping's lanes that are left where zeros are skipped in space; 1 where none are."""
        return prod(self.zeros(self.problem.operand(name)).share for name in self._packing)

    @property
    def _packing(self) -> set[str]:
        """Operands whose zeros take no lane."""
        savings = self.section.optimizations.values()
        return {condition for saving in savings if saving.spatial for condition in saving.conditions}

    def spread(self, level: str) -> float:
        """Share of the instances a mapping asks for below a level that its packed lanes need."""
        spatial = any(
            at == level and saving.spatial for (at, _), saving in self.section.optimizations.items()
        )
        return self.packed if spatial else 1.0

    def zeros(self, operand: Operand) -> Zeros:
        """How an operand's zeros fall."""
        return Zeros.of(self.densities[operand.name], operand.elements(self.problem.extents))

    def left(self, level: str, operand: Operand) -> float:
        """Share of an operand's words that its format at a level leaves; 1 where there is none."""
        return self.zeros(operand).share if self._leaves_out(level, operand.name) else 1.0

    def _leaves_out(self, level: str, operand: str) -> bool:
        """Whether an operand's format at a level leaves its zeros out."""
        stored = self.section.formats.get((level, operand))
        return stored is not None and (stored.compressed or len(stored.ranks) > 1)

    def _stored(self, dense: LevelCounts) -> SparseCounts:
        """Counts under the format alone: zeros left out, metadata added."""
        operand = self.problem.operand(dense.operand)
        if (dense.level, dense.operand) not in self.section.formats:
            return SparseCounts(reads=dense.reads, fills=dense.fills, updates=dense.updates)
        share, number = self.left(dense.level, operand), dense.instances
        width = self.metadata[dense.level].width_bits
        bits = sum(one.stored_bits(width) for one in self.metadata_words(dense.level, operand))
        tiles = max(dense.tile_words, 1)
        return SparseCounts(
            reads=dense.reads - _whole(dense.reads, 1.0 - share, number),
            fills=dense.fills - _whole(dense.fills, 1.0 - share, number),
            updates=dense.updates - _whole(dense.updates, 1.0 - share, number),
            read_bits=bits * dense.reads / tiles,
            fill_bits=bits * dense.fills / tiles,
            update_bits=bits * dense.updates / tiles,
        )

    def metadata_words(self, level: str, operand: Operand, *, fullest: bool = False) -> list[RankWords]:
        """Expected metadata of an operand's tile at a level, innermost rank first; see `formats.words`."""
        stored = self.section.formats[level, operand.name]
        index = self.architecture.index(level)
        spans = fibers(operand, self._groups(index, operand))
        held = self.metadata[level]
        default_bits = held.bits or held.width_bits
        return words(stored, spans, self.zeros(operand), default_bits, self.rounding, fullest=fullest)

    def _groups(self, level: int, operand: Operand) -> Groups:
        """Loops of the ranks of an operand's tile; one flat rank where the level has no format."""
        stored = self.section.formats.get((self.architecture.levels[level].name, operand.name))
        if stored is None:
            return [[loop for at in self.mapping.levels[: level + 1] for loop in innermost_first(at)]]
        child = self._child(level, operand)
        inside = None
        if child >= 0 and stored.compressed:
            extents = self.mapping.tile(self.problem, child)
            if operand.elements(extents) > 1:
                inside = self._groups(child, operand)
        return rank_loops(operand, self.mapping, level, child, stored, inside)

    def _child(self, level: int, operand: Operand) -> int:
        """The next level inwards that keeps an operand; -1: none."""
        inner = [i for i in range(level) if operand.name in self.mapping.levels[i].keep]
        return inner[-1] if inner else -1

    def reached(self) -> dict[Key, float]:
        """Share of the accesses that reaches the MACs, where gating or skipping saves the others."""
        found: dict[Key, float] = {}
        for (level, name), saving in self.savings().items():
            if self._child(self.architecture.index(level), self.problem.operand(name)) >= 0:
                raise MappingError(
                    f"gating or skipping {name} at {level} is not supported: a level further in keeps it too"
                )
            lead = self._leader(level)
            found[level, name] = prod(
                self.zeros(condition).nonempty(condition.elements(lead), lead)
                for condition in map(self.problem.operand, saving.conditions)
            )
        return found

    def _leader(self, level: str) -> dict[str, int]:
        """Extents of what one access looks at: a block of a level goes along the innermost loop, else one."""
        block, index = self.architecture.level(level).block_words, self.architecture.index(level)
        loops = [loop for at in self.mapping.levels[: index + 1] for loop in innermost_first(at)]
        iterating = [dimension for dimension, count in loops if count > 1]
        return {iterating[0]: block} if block > 1 and iterating else {}

    def _save(self, counts: dict[Key, SparseCounts], reached: dict[Key, float], dense: Evaluation) -> None:
        """Gate and skip; whole accesses, of sums that are read and written the more."""
        for (level, name), share in reached.items():
            at, number = counts[level, name], dense.at(level, name).instances
            up = self.problem.operand(name).read_write
            at.saved_reads = _whole(at.reads, 1.0 - share, number, up=up)
            at.saved_updates = _whole(at.updates, 1.0 - share, number)
            at.saved_read_bits = at.read_bits * (1.0 - share)
            at.reads -= at.saved_reads
            at.updates -= at.saved_updates
            at.read_bits *= share

    def savings(self) -> dict[Key, Optimization]:
        """What is gated or skipped over time, each where the operand is read from.

        A level that the mapping lets an operand pass saves accesses of the level outside that keeps it.
        Zeros skipped in space save no access: the lanes are packed, and fed as all of them. Positions of an
        operand's own zeros are skipped where it is stored with them.
        """
        savings: dict[Key, Optimization] = {}
        for (level, name), saving in self.section.optimizations.items():
            if saving.spatial or not self._able(level, name):
                continue
            at = (self.architecture.levels[self._kept_at(level, name)].name, name)
            if saving.position and self._leaves_out(*at):
                continue  # its format has no zeros to skip: only the steps are saved
            if at in savings and savings[at] != saving:
                why = f"gating or skipping {name} at {level} is not supported"
                raise MappingError(f"{why}: {at[0]} does too")
            savings[at] = saving
        return savings

    def _kept_at(self, level: str, name: str) -> int:
        """The first level from this one outwards that keeps an operand; the outermost keeps everything."""
        index = self.architecture.index(level)
        while name not in self.mapping.levels[index].keep:
            index += 1
        return index

    def _able(self, level: str, name: str) -> bool:
        """Whether what a level would save can be: its leader is one element; always, unless `lenient`."""
        if not self.lenient:
            return True
        index = self._kept_at(level, name)
        one = all(at.fanout_x * at.fanout_y == 1 for at in self.architecture.levels[: index + 1])
        return one and self._child(index, self.problem.operand(name)) < 0

    def _check_leaders(self, reached: dict[Key, float]) -> None:
        """Refuse an optimisation whose leader is more than one element."""
        for level, name in reached:
            levels = self.mapping.levels[: self.architecture.index(level) + 1]
            if any(at.spatial_x or at.spatial_y for at in levels):
                raise MappingError(
                    f"gating or skipping {name} at {level} is not supported: it feeds several instances"
                )

    def _convert(self, counts: dict[Key, SparseCounts]) -> None:
        """Count the words that change between compressed and not on their way between two levels."""
        for (level, name), at in counts.items():
            outer = self.packer(level, name)
            if outer:
                at.decompressed_words = at.fills
                at.compressed_words = counts[outer, name].updates

    def packer(self, level: str, operand: str) -> str:
        """The level that hands on an operand compressed to a level that does not hold it so; "" if none."""
        outer = [at.level for at in self.mapping.levels[self.architecture.index(level) + 1 :]]
        kept = [name for name in outer if operand in self.mapping.levels[self.architecture.index(name)].keep]
        packs = not self._compressed(level, operand) and kept and self._compressed(kept[0], operand)
        return kept[0] if packs else ""

    def _compressed(self, level: str, operand: str) -> bool:
        stored = self.section.formats.get((level, operand))
        return stored is not None and stored.compressed

    def computes(self, reached: dict[Key, float]) -> tuple[float, float, float]:
        """Multiply-accumulates done, gated and skipped."""
        sources = [operand for operand in self.problem.operands if not operand.read_write]
        total = float(self.problem.macs) * self.packed
        savings = [
            (at, saving)
            for at, saving in self.section.optimizations.items()
            if saving.spatial or self._able(*at)
        ]
        names = {source.name for source in sources}
        by_position = {name for (_, name), saving in savings if saving.position}
        for (_, name), share in reached.items():
            own = name in by_position or self.problem.operand(name).read_write
            total -= 0.0 if own else _whole(total, 1.0 - share)
        # Where one operand is fetched only where another is not zero, the other's zeros never come.
        led = self._packing | {
            condition
            for (_, name), saving in savings
            if name in names and not saving.position
            for condition in saving.conditions
        }
        for name in sorted(by_position - led):
            total -= _whole(total, 1.0 - self.zeros(self.problem.operand(name)).share)
        led |= by_position
        effectual, absent = total, 0.0
        for operand in sources:
            if operand.name in led:
                continue
            share = self.zeros(operand).share
            if self._located(operand):
                absent += effectual * (1.0 - share)
                effectual *= share
        absent = _whole(absent, 1.0)
        effectual = total - absent
        if self.section.compute_skips:
            return effectual, 0.0, absent
        if self.section.compute_gates:
            return effectual, absent, 0.0
        return effectual + absent, 0.0, 0.0

    def idle(self, reached: dict[Key, float]) -> float:
        """Multiply-accumulates that gated reads leave idle: they take their time and no energy.

        None in Timeloop, where the port of the gated reads takes that time.
        """
        left, found = float(self.problem.macs) * self.packed, 0.0
        for (level, name), share in reached.items() if self.idles else ():
            lost = 0.0 if self.problem.operand(name).read_write else _whole(left, 1.0 - share)
            left -= lost
            found += 0.0 if self.skips(level, name) else lost
        return found

    def _located(self, operand: Operand) -> bool:
        """Whether the MACs can tell an operand's zeros: its innermost level has metadata for it."""
        kept = [i for i, level in enumerate(self.mapping.levels) if operand.name in level.keep]
        return (self.architecture.levels[kept[0]].name, operand.name) in self.section.formats

    def mac_amounts(self, computes: float, gated: float, skipped: float) -> dict[str, tuple[float, float]]:
        """Multiply-accumulates done, gated and skipped, each with its price [pJ]."""
        actions = self.actions[self.architecture.mac_name]
        return {
            "work": (computes, self.architecture.mac_pj),
            "gate": (gated, actions.get("mac_gated", 0.0)),
            "skip": (skipped, actions.get("mac_skipped", 0.0)),
        }

    def prices(self, level: str, name: str) -> dict[str, float]:
        """Prices [pJ] of what an operand does at a level, by action, in the order of `_amounts`.

        Timeloop 3.0.3: saved accesses cost what gated ones do, or idling; but metadata that is skipped over
        is read, unless a price of its own says otherwise (as the reader of Timeloop 4's tables makes it).
        """
        store = self.architecture.level(level)
        actions = self.actions[level]
        skips = self.skips(level, name)
        saves = "skip" if skips else "gate"

        def price(*names: str) -> float:
            return next((actions[n] for n in names if n in actions), 0.0)

        return {
            "read": store.read_pj,
            "fill": store.fill_pj,
            "update": store.update_pj,
            f"{saves} read": price("skipped_read" if skips else "gated_read", "gated_read", "idle"),
            f"{saves} update": price("skipped_write" if skips else "gated_write", "gated_write", "idle"),
            "metadata read": price("metadata_read"),
            "metadata fill": price("metadata_write"),
            "metadata update": price("metadata_write"),
            f"{saves} metadata read": price("skipped_metadata_read", "metadata_read")
            if skips
            else price("gated_metadata_read"),
            "decompress": price("decompression_count"),
            "compress": price("compression_count"),
        }

    def _entries(self, level: str, name: str, at: SparseCounts, instances: int) -> Iterator[Entry]:
        """What an operand does at a level, line by line."""
        amounts = self._amounts(level, at, instances)
        for (action, price_pj), amount in zip(self.prices(level, name).items(), amounts, strict=True):
            yield Entry(Line(level, name, action, "access", "buffer"), amount, price_pj)

    def _amounts(self, level: str, at: SparseCounts, instances: int) -> Iterator[float]:
        """Whole blocks of the average instance, and words that change their form."""
        store, width = self.architecture.level(level), self.metadata[level].width_bits
        block, macros = store.block_words, float(instances)
        if store.cluster > 1:
            macros = min(macros, store.instances / store.cluster)
        for count in (at.reads, at.fills, at.updates, at.saved_reads, at.saved_updates):
            yield macros * ceil(count / instances / block - 1e-9)
        for bits in (at.read_bits, at.fill_bits, at.update_bits, at.saved_read_bits):
            yield macros * ceil(bits / instances / width - 1e-9) if width else 0.0
        yield at.decompressed_words
        yield at.compressed_words

    def _leaked(self, cycles: int) -> Entry:
        """What is drawn in every cycle."""
        leak_pj = float(pack_architecture(self.architecture).totals[2])
        return Entry(Line(LEAKAGE, "", "leak", "cycle", "static"), cycles, leak_pj)

    def skips(self, level: str, operand: str) -> bool:
        """Whether what is saved of an operand at a level takes no time."""
        saving = self.savings().get((level, operand))
        return saving is not None and saving.skips

    def _ports(self, counts: dict[Key, SparseCounts], dense: Evaluation) -> dict[str, int]:
        """Busy cycles of ports; gated accesses take their time, skipped ones none."""
        found: dict[str, int] = {}
        memory, reads, writes = "", 0.0, 0.0
        for level in self.architecture.levels:
            if not level.joined:
                memory, reads, writes = level.name, 0.0, 0.0
            for (name, operand), at in counts.items():
                if name != level.name:
                    continue
                each = 1.0 / dense.at(name, operand).instances
                gated = 0.0 if self.skips(name, operand) else each
                bits = level.word_bits
                reads += (at.reads + at.read_bits / bits) * each
                reads += (at.saved_reads + at.saved_read_bits / bits) * gated
                writes += (at.fills + at.updates + (at.fill_bits + at.update_bits) / bits) * each
                writes += at.saved_updates * gated
            for port, busy in _ports(level, reads, writes):
                found[f"{memory} {port} port"] = busy
        return found

    def _cycles(self, ports: dict[str, int], compute: int) -> tuple[int, str]:
        """The slowest of compute and hidden ports, and what bounds it; exposed levels add to it."""
        longest, bound, exposed = compute, "compute", 0
        for level in self.architecture.levels:
            mine = {name: busy for name, busy in ports.items() if name.rsplit(" ", 2)[0] == level.name}
            if not level.overlapped:
                exposed += max(mine.values(), default=0)
                continue
            for name, busy in mine.items():
                if busy > longest:
                    longest, bound = busy, name
        return longest + exposed, bound


def _whole(count: float, share: float, instances: int = 1, *, up: bool = False) -> float:
    """A share of a count in whole accesses of the average instance, rounded down unless `up`."""
    each = count / instances * share
    return instances * (ceil(each - 1e-9) if up else floor(each + 1e-9))


def _ports(level: StorageLevel, reads: float, writes: float) -> Iterator[tuple[str, int]]:
    """Busy cycles of the ports of a level that have a limit."""
    for port, rate, moved in (
        ("read", level.read_words_per_cycle, reads),
        ("write", level.write_words_per_cycle, writes),
        ("shared", level.shared_words_per_cycle, reads + writes),
    ):
        if rate != inf:
            yield port, ceil(moved / rate - 1e-6)
