"""The figures of a mapping: what they show is what the engine counted, and it stays on the page."""

import io
from math import prod

import numpy as np
import pytest

from dse.views.nest_energy import draw_energy, energy_bars
from dse.views.nest_picture import Flow, nest_picture
from dse.views.nest_plot import draw_nest, loop_text
from dse.views.operand_colours import OPERAND_COLOURS, operand_colour
from dse.views.style import width_inches
from hwmodels.mapping import (
    Architecture,
    LevelMapping,
    Mapping,
    StorageLevel,
    convolution,
    evaluate,
    matrix_product,
)

LAYER = convolution(k=8, c=4, p=6, q=6, r=3, s=3)
MACHINE = Architecture(
    name="small",
    levels=(
        StorageLevel(name="register", capacity_words=4, instances=8, read_pj=1, fill_pj=1, update_pj=1),
        StorageLevel(
            name="buffer", capacity_words=1024, fanout_x=4, fanout_y=2, read_pj=6, fill_pj=6, update_pj=6
        ),
        StorageLevel(name="DRAM", read_pj=200, fill_pj=200, update_pj=200),
    ),
    macs=8,
    mac_pj=2.0,
    mac_leakage_w=1e-4,
)
MAPPING = Mapping(
    levels=(
        LevelMapping(level="register", keep=frozenset("W")),
        LevelMapping(
            level="buffer",
            temporal=(("C", 4), ("R", 3), ("S", 3), ("Q", 6)),
            spatial_x=(("K", 4),),
            spatial_y=(("P", 2),),
            keep=frozenset("IO"),
        ),
        LevelMapping(level="DRAM", temporal=(("K", 2), ("P", 3)), keep=frozenset("WIO")),
    )
)
RESULT = evaluate(LAYER, MACHINE, MAPPING)
PICTURE = nest_picture(LAYER, MACHINE, MAPPING, RESULT)
BARS = energy_bars(LAYER, MACHINE, RESULT)
each_width = pytest.mark.parametrize("width", ["column", "page"])


def texts(figure):
    return [text for axes in figure.axes for text in axes.texts]


def test_loops_are_those_of_the_mapping_outermost_first():
    assert [band.name for band in PICTURE.bands] == ["DRAM", "buffer", "register"]
    rendered = [line.lstrip("| ") for line in MAPPING.render(LAYER).splitlines() if "for " in line]
    drawn = [loop_text(loop) for band in PICTURE.bands for loop in band.loops]
    assert drawn == [
        line.replace(" (spatial", " spatial").rstrip(")") + ")" * ("spatial" not in line) for line in rendered
    ]
    assert prod(loop.times for band in PICTURE.bands for loop in band.loops) == LAYER.macs
    assert [band.instances for band in PICTURE.bands] == [1, 1, 8]


def test_tiles_are_where_operands_are_kept():
    kept = {(PICTURE.bands[t.band].name, PICTURE.operands[t.lane]): t for t in PICTURE.tiles}
    assert set(kept) == {(counts.level, counts.operand) for counts in RESULT.counts}
    for (level, operand), tile in kept.items():
        assert tile.words == RESULT.at(level, operand).tile_words
        usable = MACHINE.level(level).usable_words
        assert tile.share == (0 if level == "DRAM" else tile.words / usable)


def test_flows_lead_from_the_outermost_level_to_the_macs_and_nothing_is_lost():
    for lane, operand in enumerate(PICTURE.operands):
        way = sorted(flow for flow in PICTURE.flows if flow.lane == lane)
        assert [flow.outer for flow in way] == sorted(t.band for t in PICTURE.tiles if t.lane == lane)
        assert [flow.inner for flow in way] == [*[flow.outer for flow in way[1:]], len(PICTURE.bands)]
        for flow in way:
            outer = RESULT.at(PICTURE.bands[flow.outer].name, operand)
            assert (flow.inwards, flow.outwards) == (outer.reads, outer.updates)
            if operand == "O":
                continue
            arrive = LAYER.macs
            if flow.inner < len(PICTURE.bands):
                arrive = RESULT.at(PICTURE.bands[flow.inner].name, operand).fills
            assert flow.inwards * flow.copies == pytest.approx(arrive)


def test_multicast_and_reduction_by_hand():
    # P spreads over two rows, so a weight that the DRAM sends serves two registers; K over four columns, so
    # an input read from the buffer serves four MACs; nothing that is reduced is spread.
    def copies(lane: int, inner: int) -> float:
        (flow,) = [flow for flow in PICTURE.flows if (flow.lane, flow.inner) == (lane, inner)]
        return flow.copies

    assert copies(0, 2) == 2
    assert copies(1, 3) == 4
    assert copies(2, 3) == 1
    reduced = MAPPING.levels[1]
    spread = LevelMapping(
        level="buffer",
        temporal=(("K", 4), ("R", 3), ("S", 3), ("Q", 6)),
        spatial_x=(("C", 4),),
        spatial_y=(("P", 2),),
        keep=reduced.keep,
    )
    mapping = Mapping(levels=(MAPPING.levels[0], spread, MAPPING.levels[2]))
    flows = nest_picture(LAYER, MACHINE, mapping, evaluate(LAYER, MACHINE, mapping)).flows
    (sums,) = [flow for flow in flows if (flow.lane, flow.inner) == (2, 3)]
    assert sums.copies == 4
    assert sums.outwards * 4 == LAYER.macs


def test_bars_add_up_to_the_energy():
    assert BARS.components == ("DRAM", "buffer", "register", "mac", "leakage")
    assert BARS.energy_pj.sum() == pytest.approx(RESULT.energy_pj)
    for name, energy in zip(BARS.components, BARS.energy_pj.sum(axis=1), strict=True):
        assert energy == pytest.approx(RESULT.energy_by_component_pj[name])
    assert not BARS.energy_pj[:3, -1].any()
    free = Architecture(name="free", levels=MACHINE.levels, macs=8)
    assert energy_bars(LAYER, free, evaluate(LAYER, free, MAPPING)).components == (
        "DRAM",
        "buffer",
        "register",
    )


@each_width
def test_the_nest_says_everything_and_stays_on_the_page(width):
    figure = draw_nest(PICTURE, width=width)
    assert figure.get_figwidth() == width_inches(width)
    written = [text.get_text() for text in texts(figure)]
    for band in PICTURE.bands:
        assert band.name in written
        for loop in band.loops:
            assert loop_text(loop) in written
    for words in ("× 8", "×2", "×4", f"{RESULT.cycles:,} cycles (compute)"):
        assert words in written
    figure.draw_without_rendering()
    page = figure.bbox
    boxes = [text.get_window_extent() for text in texts(figure)]
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    assert all(page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)


@each_width
def test_no_words_of_the_nest_lie_on_others(width):
    figure = draw_nest(PICTURE, width=width)
    figure.draw_without_rendering()
    found = texts(figure)
    for i, one in enumerate(found):
        for other in found[:i]:
            clash = one.get_window_extent().padded(-1).overlaps(other.get_window_extent().padded(-1))
            assert not clash, (one.get_text(), other.get_text())


@each_width
def test_the_bars_are_drawn_to_scale(width):
    axes = draw_energy(BARS, width=width)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(BARS.components)
    lengths = np.array([[bar.get_width() for bar in group] for group in axes.containers]).T
    assert lengths * BARS.energy_pj.max() == pytest.approx(BARS.energy_pj * lengths.max())
    shares = [float(text.get_text().rstrip("%").lstrip("< ")) for text in axes.texts]
    assert sum(shares) == pytest.approx(100, abs=0.3)  # five shares, each rounded to 0.1


def test_figures_save_as_text_and_equal_files():
    for figure in (draw_nest(PICTURE), draw_energy(BARS)):
        first, again = io.BytesIO(), io.BytesIO()
        figure.savefig(first, format="pdf")
        figure.savefig(again, format="pdf")
        assert first.getvalue() == again.getvalue()
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_one_level_and_one_word_are_drawn_too():
    point = convolution(k=1, c=1, p=1, q=1)
    dram = Architecture(name="dram", levels=(StorageLevel(name="DRAM"),), macs=1)
    mapping = Mapping(levels=(LevelMapping(level="DRAM", keep=frozenset("WIO")),))
    picture = nest_picture(point, dram, mapping, evaluate(point, dram, mapping))
    assert picture.flows[0] == Flow(lane=0, outer=0, inner=1, inwards=1, outwards=0, copies=1.0)
    draw_nest(picture, width="column").draw_without_rendering()
    with pytest.raises(ValueError, match="no level of this architecture takes energy"):
        draw_energy(energy_bars(point, dram, evaluate(point, dram, mapping)))


def test_bad_widths_are_refused():
    for draw, what in ((draw_nest, PICTURE), (draw_energy, BARS)):
        with pytest.raises(ValueError, match=r"width must be .* got 'poster'"):
            draw(what, width="poster")


def test_colours_repeat_after_six():
    assert len(set(OPERAND_COLOURS)) == 6
    assert operand_colour(7) == OPERAND_COLOURS[1]


def test_operands_stored_at_loops_of_their_own_have_bands_of_their_own() -> None:
    """All of O outside K, a row of W outside M, one word of I: the buffer shows three times."""
    problem = matrix_product(m=4, k=4, n=4)
    buffer, memory = StorageLevel(name="B", capacity_words=42), StorageLevel(name="D")
    machine = Architecture(name="one", levels=(buffer, memory), macs=1)
    inner = LevelMapping(
        level="B",
        temporal=(("K", 4), ("M", 4), ("N", 4)),
        keep=frozenset("WIO"),
        depths=(("W", 1), ("I", 2)),
    )
    mapping = Mapping(levels=(inner, LevelMapping(level="D", keep=frozenset("WIO"))))
    picture = nest_picture(problem, machine, mapping, evaluate(problem, machine, mapping))
    assert [(band.name, [loop.dimension for loop in band.loops]) for band in picture.bands] == [
        ("D", []),
        ("B", ["K"]),
        ("B", ["M"]),
        ("B", ["N"]),
    ]
    held = {(tile.band, picture.operands[tile.lane]): (tile.words, tile.share) for tile in picture.tiles}
    assert held[1, "O"] == (16, 16 / 42)
    assert held[2, "W"] == (4, 4 / 42)
    assert held[3, "I"] == (1, 1 / 42)
    assert {(flow.outer, flow.inner) for flow in picture.flows if picture.operands[flow.lane] == "W"} == {
        (0, 2),
        (2, 4),
    }
