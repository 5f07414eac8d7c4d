"""What Sparseloop's section says of a machine, as fields of its levels and MACs."""

from collections.abc import Mapping

from hwmodels.level_sparsity import LETTERS, LevelSparsity, MacSparsity, OperandZeros, ZeroPrices
from hwmodels.mapping.problem import Problem
from hwmodels.zeros.section import Metadata, Optimization, Representation, SparseSection
from hwmodels.zeros.spelling import DENSE, spell_format
from workloads.errors import InputError

Actions = Mapping[str, float]


def mac_sparsity(section: SparseSection, actions: Actions) -> MacSparsity:
    """What the MACs do, with what Accelergy's table says of them."""
    mode = "skip" if section.compute_skips else "gate" if section.compute_gates else "none"
    return MacSparsity(
        mac=mode,
        gated_pj=actions.get("mac_gated", 0.0),
        skipped_pj=actions.get("mac_skipped", 0.0),
        idle_takes_time=False,
    )


def level_sparsity(
    level: str,
    section: SparseSection,
    problem: Problem,
    tensors: Mapping[str, str],
    metadata: Metadata,
    actions: Actions,
) -> LevelSparsity:
    """What a level does about zeros.

    Parameters
    ----------
    level
        Its name in the files.
    section, problem
        What the files say, and of which operands and dimensions.
    tensors
        Operands of the files -> letters of `hwmodels.mapping.convolution`.
    metadata, actions
        Memory of its metadata, and prices by action [pJ].

    Raises
    ------
    InputError
        If no machine can do that.

    """
    names = {letter: operand for operand, letter in LETTERS.items()}
    found = {}
    for tensor, letter in tensors.items():
        dimensions = problem.operand(tensor).dimensions
        form = section.formats.get((level, tensor))
        saving = section.optimizations.get((level, tensor))
        text = DENSE if form is None else spell_format(_renamed(form, dimensions), _letters(dimensions))
        leaders = () if saving is None else tuple(names[tensors[one]] for one in saving.conditions)
        mode = "none" if saving is None else _mode(saving)
        try:
            found[names[letter]] = OperandZeros(
                format=text, mode=mode, leaders=() if mode == "skip_positions" else leaders
            )
        except InputError as wrong:
            raise InputError(f"{tensor} at {level}: {wrong}", path=wrong.path) from None
    counted = metadata.width_bits > 0
    return LevelSparsity(
        **found,
        metadata="beside" if counted else "uncounted",
        metadata_bits=metadata.bits or metadata.width_bits,
        metadata_access_bits=metadata.width_bits,
        room="expected",
        prices=_prices(actions),
    )


def _mode(saving: Optimization) -> str:
    if saving.position:
        return "skip_positions"
    if saving.spatial:
        return "skip_spatial"
    return "skip" if saving.skips else "gate"


def _letters(dimensions: frozenset[str]) -> frozenset[str]:
    return frozenset("K" if d == "M" else d for d in dimensions)


def _renamed(form: Representation, dimensions: frozenset[str]) -> Representation:
    """In letters; loops over groups go where all others may."""
    ranks = []
    for rank in form.ranks:
        taken = None
        if rank.dimensions is not None:
            some = rank.dimensions & dimensions
            taken = _letters(dimensions if some >= dimensions - {"G"} else some)
        ranks.append(
            type(rank)(
                format=rank.format,
                metadata_bits=rank.metadata_bits,
                payload_bits=rank.payload_bits,
                dimensions=taken,
            )
        )
    return Representation(ranks=tuple(ranks), inner_to_outer=form.inner_to_outer)


def _prices(actions: Actions) -> ZeroPrices:
    """As `SparseModel.prices` reads them: what is saved costs what a gated access does, or idling."""

    def price(*names: str) -> float:
        return next((actions[name] for name in names if name in actions), 0.0)

    return ZeroPrices(
        gated_read_pj=price("gated_read", "idle"),
        gated_write_pj=price("gated_write", "idle"),
        skipped_read_pj=price("skipped_read", "gated_read", "idle"),
        skipped_write_pj=price("skipped_write", "gated_write", "idle"),
        metadata_read_pj=price("metadata_read"),
        metadata_write_pj=price("metadata_write"),
        gated_metadata_read_pj=price("gated_metadata_read"),
        skipped_metadata_read_pj=price("skipped_metadata_read", "metadata_read"),
        decompress_pj=price("decompression_count"),
        compress_pj=price("compression_count"),
    )
