"""Three machines with a few neighbours each: small spaces of every kind of machine, to compare ideas on."""

from dse.space.space import Space


def three_machines() -> tuple[Space, ...]:
    """Return spaces around a dense machine of two levels, a sparse one, and one of levels that fuses.

    Examples
    --------
    >>> [(space.name, space.size) for space in three_machines()]
    [('edge_32x32', 600), ('scnn', 72), ('edge_levels', 4)]

    """
    memories = ["lpddr4", "hbm2"]
    edges = [16, 24, 32, 48, 64]
    dense = Space(
        "edge_32x32",
        axes={
            "array.rows": edges,
            "array.cols": edges,
            "array.dataflow": ["os", "ws"],
            "buffers.weight.bytes": ["64 KiB", "256 KiB"],
            "buffers.input.bytes": ["64 KiB", "256 KiB", "1 MiB"],
            "main_memory": memories,
        },
        name="edge_32x32",
    )
    sparse = Space(
        "scnn",
        axes={
            "positions": [{"array.unroll.p": side, "array.unroll.q": side} for side in (4, 8)],
            "array.unroll.n": [2, 4],
            "array.unroll.k": [2, 4, 8],
            "buffers.input.bytes": ["160 KiB", "640 KiB", "2560 KiB"],
            "main_memory": memories,
        },
        name="scnn",
    )
    levels = Space(
        "edge_levels",
        axes={"levels.buffer.bytes": ["64 KiB", "256 KiB"], "main_memory": memories},
        name="edge_levels",
    )
    return dense, sparse, levels
