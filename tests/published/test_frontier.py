"""Gemmini, TPU v4, A100: whole files of measurements, where they lie beside the project."""

import csv
from pathlib import Path

import numpy as np
import pytest

import dse
from hwmodels.validation.cases import tileflow, tpu_v4
from hwmodels.validation.silicon import gemmini as rtl
from hwmodels.validation.silicon.products import latencies_s, mean_error, product_table, products, tau

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "data" / "frontier"
REASON = "needs the measurements in ../shared/reference/data/frontier"
beside = pytest.mark.skipif(not FOLDER.is_dir(), reason=REASON)


def lines(name):
    with (FOLDER / name).open(encoding="utf-8") as stream:
        return [{key.lower(): value for key, value in row.items()} for row in csv.DictReader(stream)]


@beside
@pytest.mark.published
def test_every_gemmini_layer_errs_by_less_than_aimed_at_on_average():
    rows = lines("gemmini_rtl_firesim.csv")
    for row in rows:
        row["rtl_cycles"] = row["gemmini_this_mapping_rtl_cycles"]
    ours, measured = rtl.all_cycles(rows)
    timeloop = np.array([float(row["timeloop_cycles"]) for row in rows])
    assert mean_error(ours, measured) <= 0.15
    assert mean_error(ours, measured) < mean_error(timeloop, measured)


@beside
@pytest.mark.published
def test_every_eighth_tpu_product_errs_by_less_than_aimed_at_on_average():
    """Every eighth, for time; `tpu_v4.score` takes them all."""
    rows = lines("tpu_v4_matmul_measured.csv")
    sets = {
        name: products([row for row in rows if row["set"] == name][::8], "mean_us", 1e-6)
        for name in ("128", "1024", "4096")
    }
    launch, scored = tpu_v4.score(sets)
    assert 0.5e-6 < launch < 1.5e-6
    for name in tpu_v4.AIMED:
        assert mean_error(*scored[name]) <= tpu_v4.AIM


@beside
@pytest.mark.published
def test_the_projects_tables_say_what_the_files_say():
    seen = {tuple(row[key] for key in "mnk") for row in lines("tpu_v4_matmul_measured.csv")}
    for one in tpu_v4.sets().values():
        for m, n, k in zip(one.m, one.n, one.k, strict=True):
            assert (str(m), str(n), str(k)) in seen


def test_the_door_gives_the_same_latencies():
    sizes = np.array([256]), np.array([384]), np.array([512])
    layers = product_table(*sizes)
    found = dse.evaluate(layers, "tpu_v4", mapping_objective="latency", progress=False)
    assert found.operations["latency_s"].tolist() == latencies_s("tpu_v4", layers).tolist()


def test_a_mapping_of_gemmini_is_read_from_the_outside_in():
    row = rtl.layers()[1]
    read = rtl.mapping(row["mapping"])
    sizes = dict.fromkeys("NKCPQRS", 1)
    for level in read.levels:
        for dimension, count in (*level.temporal, *level.spatial_x, *level.spatial_y):
            sizes[dimension] *= count
    assert sizes == {"N": 1, **{name: int(row[name.lower()]) for name in "KCPQRS"}}


def test_tiles_of_tileflow_cover_their_product():
    for row in tileflow.read("tileflow_products"):
        sizes = dict.fromkeys("NKC", 1)
        for level in tileflow.mapping(row).levels:
            for dimension, count in (*level.temporal, *level.spatial_x, *level.spatial_y):
                sizes[dimension] *= count
        assert sizes == {"N": int(row["m"]), "K": int(row["n"]), "C": int(row["k"])}


def test_fused_pairs_of_tileflow_move_the_words_that_its_rtl_moves():
    for row in tileflow.read("tileflow_fused"):
        found = tileflow.fused(row)
        words = [sum(getattr(spent.row, way) for spent in found.spent) / 2 for way in ("read", "written")]
        assert words == [int(row["words_read"]), int(row["words_written"])]
        assert found.latency_s * tileflow.CLOCK_HZ <= int(row["rtl_cycles"])


@beside
@pytest.mark.published
def test_every_fused_pair_of_tileflow_errs_little_and_ranks_well():
    names = {"m": "m1", "k": "k1", "between": "n1", "n": "n2", "tile_m": "micro_m1"}
    rows = lines("tileflow_fused_gemm_rtl.csv")[::4]
    found = [tileflow.fused({name: row[theirs] for name, theirs in names.items()}) for row in rows]
    ours = np.array([one.latency_s for one in found]) * tileflow.CLOCK_HZ
    rtl = np.array([float(row["rtl_cycles"]) for row in rows])
    assert mean_error(ours, rtl) <= 0.1
    assert tau(ours, rtl) >= 0.9
