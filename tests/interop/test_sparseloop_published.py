"""Sparseloop's mapper: what it found for the ISCA 2021 tutorial, and nothing worse in the same spaces."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hwmodels
from dse.cli import main
from hwmodels.interop.timeloop import load, map_project, model
from hwmodels.mapping import TIMELOOP, FirstTouch
from tests.interop.test_timeloop_cases import COMPRESSED, COMPRESSED_ERT, CONV, EVERY, SPAD, SPARSE, ert
from tests.interop.test_timeloop_input import write
from tests.machines.test_levels import nest, table

pytestmark = pytest.mark.published

# 04.2.2 and 04.2.3: an Eyeriss-like machine that gates, or skips and compresses; AlexNet layer 3, batch 4.
LIMITS = """
architecture_constraints:
  targets:
  - {target: psum_spad, type: bypass, bypass: [Inputs, Weights], keep: [Outputs]}
  - {target: weights_spad, type: bypass, bypass: [Inputs, Outputs], keep: [Weights]}
  - {target: ifmap_spad, type: bypass, bypass: [Weights, Outputs], keep: [Inputs]}
  - {target: DummyBuffer, type: bypass, bypass: [Inputs, Outputs, Weights]}
  - {target: shared_glb, type: bypass, bypass: [Weights], keep: [Inputs, Outputs]}
  - {target: DummyBuffer, type: spatial, split: 4, permutation: NPQR SCM, factors: P=1 Q=1 R=1 S=0 N=1}
  - {target: shared_glb, type: spatial, split: 7, permutation: NCPRSQM, factors: C=1 P=1 R=1 S=1 N=1}
  - {target: psum_spad, type: temporal, permutation: NCPQRS M, factors: C=1 R=1 S=1 P=1 Q=1}
  - {target: weights_spad, type: temporal, permutation: NMPQS CR, factors: M=1 P=1 Q=1 S=1 R=0}
  - {target: ifmap_spad, type: temporal, permutation: NMCPQRS, factors: M=1 C=1 P=1 Q=1 R=1 S=1}
  - {target: DummyBuffer, type: temporal, factors: N=1 M=1 C=1 P=1 Q=1 R=1 S=1}
mapspace_constraints:
  targets:
  - {target: DummyBuffer, type: temporal, permutation: NMCPQRS}
  - {target: shared_glb, type: temporal, permutation: QRSC PNM, factors: Q=1 R=1 S=1 P=0}
  - {target: DRAM, type: temporal, permutation: RSP CMNQ, factors: R=1 S=1 P=1}
"""
GATED = (
    COMPRESSED.replace("depth: 12, data_storage_width: 16, datawidth: 16", "depth: 12, datawidth: 17")
    .replace("depth: 224, data_storage_width: 16, datawidth: 16, meshX", "depth: 24, datawidth: 16, meshX")
    .replace("metadata_storage_width: 32, metadata_block_size: 8", "metadata_storage_width: 0")
    .replace("metadata_datawidth: 4, decompression", "metadata_datawidth: 0, decompression")
    .replace("metadata_storage_width: 8,", "")
)
GATED_ERT = ert(
    DRAM={"read": 512.0, "write": 512.0, "idle": 0.0},
    DummyBuffer={"read": 0.0, "write": 0.0},
    ifmap_spad={"write": 1.0, "read": 1.0, **SPAD},
    weights_spad={"write": 1.13063, "read": 0.71011, **SPAD},
    psum_spad={"write": 0.25281, "read": 0.25281, **SPAD},
    MACs={"mac_random": 2.20035, "mac_gated": 0.06595},
    shared_glb={
        **{"write": 37.1554, "read": 49.1739, "gated_write": 0.00616, "gated_read": 0.00616},
        **{"decompression_count": 0.0241, "compression_count": 0.0241},
    },
)
GATING = f"""
sparse_optimizations:
  targets:
  - name: DRAM
    representation-format:
      data-spaces:
      - {{name: Inputs, ranks: [{{format: UOP, {EVERY}}}, {{format: RLE, {EVERY}}}]}}
      - {{name: Outputs, ranks: [{{format: UOP, {EVERY}}}, {{format: RLE, {EVERY}}}]}}
  - name: weights_spad
    action-optimization: [{{type: gating, options: [{{target: Weights, condition-on: [Inputs]}}]}}]
"""
CASES = {
    "04.2.2": (GATED, GATED_ERT, GATING, 1_916_929, 8296.34),
    "04.2.3": (COMPRESSED, COMPRESSED_ERT, SPARSE, 1_054_311, 5260.15),
}
# The mapping that Timeloop found for 04.2.2.
FOUND = """
DRAM [ Weights:884736 (884736) Inputs:230400 (63361) Outputs:259584 (78654) ]
| for N in [0:4)
|   for M in [0:6)
|     for C in [0:2)
shared_glb [ Inputs:28800 (28800) Outputs:10816 (10816) ]
|       for M in [0:2)
|         for P in [0:13)
|           for C in [0:32)
|             for Q in [0:13) (Spatial-X)
DummyBuffer [ ]
|               for M in [0:2) (Spatial-Y)
|                 for C in [0:2) (Spatial-Y)
|                   for S in [0:3) (Spatial-Y)
ifmap_spad [ Inputs:6 (6) ]
weights_spad [ Weights:96 (96) ]
|                         for R in [0:3)
|                           for C in [0:2)
psum_spad [ Outputs:16 (16) ]
|                             for M in [0:16)
"""


def files(folder: Path, case: str) -> list[Path]:
    arch, energies, sparse, _, _ = CASES[case]
    densities = ", densities: {Inputs: 0.275, Weights: 0.346133, Outputs: 0.303}"
    problem = CONV.format(C=256, M=384, N=4, P=13, R=3, U=1, densities=densities)
    return write(folder, a=arch, p=problem, s=sparse, e=energies, c=LIMITS)


def test_the_mapping_that_timeloop_found_costs_what_it_said(tmp_path: Path) -> None:
    """04.2.2; the version of 2021 counted first touches, and rounded each count to whole accesses."""
    (tmp_path / "map.txt").write_text(FOUND)
    project = load([*files(tmp_path, "04.2.2"), tmp_path / "map.txt"])
    result = model(project, replace(TIMELOOP, first_touch=FirstTouch.COUNTED))
    assert result.cycles == pytest.approx(1_916_929, abs=1)
    assert result.energy_uj == pytest.approx(8296.34, rel=0.002)


@pytest.mark.compiled
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_nothing_is_worse_than_what_timeloop_found(tmp_path: Path, case: str, objective: str) -> None:
    cycles, energy_uj = CASES[case][3:]
    result, certificate = map_project(load(files(tmp_path, case)), objective)
    assert result.cycles <= cycles
    assert result.energy_uj <= energy_uj
    assert certificate.optimal
    assert certificate.represented == 8_167_500
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented


@pytest.mark.compiled
@pytest.mark.parametrize("case", CASES)
def test_the_machine_of_the_files_is_the_same_through_the_door(tmp_path: Path, case: str) -> None:
    """Its densities come from the network: non-zeros are whole numbers there, 63,361 inputs for 63,360."""
    machine = hwmodels.from_timeloop(files(tmp_path, case))
    assert machine.minds_zeros
    machine.save(tmp_path / "mine.yaml")
    assert hwmodels.load(str(tmp_path / "mine.yaml")) == machine
    cycles, energy_uj = CASES[case][3:]
    layers = table(nest(n=4, k=384, c=256, p=13, q=13, r=3, s=3))._replace(
        weight_density=np.array([0.346133]), input_density=np.array([0.275]), output_density=np.array([0.303])
    )
    account = machine.model.account(layers, machine.model.pack(machine), "energy")
    costs = account.operations()
    assert costs["optimal"][0]
    assert round(costs["latency_s"][0] * machine.clock_hz) <= cycles
    assert costs["energy_j"][0] * 1e6 <= energy_uj
    found, _ = map_project(load(files(tmp_path, case)), "energy")
    assert costs["energy_j"][0] * 1e6 == pytest.approx(found.energy_uj, rel=1e-5)


@pytest.mark.compiled
def test_the_command_maps_sparse_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = [str(file) for file in files(tmp_path, "04.2.3")]
    assert main(["timeloop", "map", *listed, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["cycles"] <= 1_054_311
    assert report["energy_uj"] <= 5260.15
    assert report["certificate"]["optimal"]


# The v0.4 tree of the same exercises, 02.2.1: a product of two sparse matrices, both skipping.
PRODUCT = """
architecture:
  version: 0.4
  nodes:
  - !Container {name: system}
  - !Component
    name: BackingStorage
    class: smartbuffer_metadata
    attributes: {depth: 512, width: 32, datawidth: 8, metadata_storage_depth: 128, metadata_storage_width: 4,
      metadata_datawidth: 4}
    sparse_optimizations: {representation_format: {data_spaces: [
      {name: A, ranks: [{format: UOP}, {format: CP}]}, {name: B, ranks: [{format: UOP}, {format: CP}]}]}}
  - !Container {name: PE}
  - !Component
    name: Buffer
    class: storage
    attributes: {depth: 128, width: 8, datawidth: 8, metadata_storage_depth: 128, metadata_storage_width: 4,
      metadata_datawidth: 4, read_bandwidth: 5, write_bandwidth: 5}
    sparse_optimizations:
      representation_format: {data_spaces: [
        {name: B, ranks: [{format: UOP}, {format: CP}]}, {name: A, ranks: [{format: UOP}, {format: CP}]}]}
      action_optimization:
      - {type: skipping, options: [{target: A, condition_on: [B]}]}
      - {type: skipping, options: [{target: B, condition_on: [A]}]}
      - {type: skipping, options: [{target: Z, condition_on: [A, B]}]}
  - !Component {name: mac, class: intmac, attributes: {multiplier_width: 8, adder_width: 16}}
problem:
  version: 0.4
  shape:
    name: MatrixMultiply
    dimensions: [M, N, K]
    data_spaces:
    - {name: A, projection: [[[M]], [[K]]]}
    - {name: B, projection: [[[N]], [[K]]]}
    - {name: Z, projection: [[[M]], [[N]]], read_write: true}
  instance: {M: 8, K: 8, N: 8, densities: {A: {distribution: fixed_structured, density: 0.25},
    B: {distribution: fixed_structured, density: 0.5}}}
mapping:
- {target: Buffer, type: temporal, factors: K=8 M=8 N=8, permutation: MNK}
- {target: Buffer, type: dataspace, bypass: [A]}
"""

PRODUCT_ERT = ert(
    BackingStorage={
        **{"read": 2.290882, "write": 2.694173, "update": 2.694173},
        **{"metadata_read": 0.373885, "metadata_write": 0.726887, "metadata_update": 0.726887},
    },
    Buffer={
        **{"read": 1.060977, "write": 0.988977, "update": 0.988977},
        **{"metadata_read": 0.553457, "metadata_write": 0.517458, "metadata_update": 0.517458},
    },
    mac={"compute": 0.315},
)


def test_timeloop_4_reads_no_metadata_that_it_skips_over(tmp_path: Path) -> None:
    """02.2.1 as that version printed it; with the prices of Timeloop 3.0.3 the skipped metadata is read."""
    new = PRODUCT_ERT.replace("version: 0.3", "version: 0.4")
    result = model(load(write(tmp_path, a=PRODUCT, e=new)))
    assert result.cycles == 64
    printed = {("Buffer", "B"): 166.15, ("Buffer", "Z"): 122.71, ("BackingStorage", "A"): 74.04}
    printed |= {("BackingStorage", "B"): 33.66, ("BackingStorage", "Z"): 43.11}
    for (level, operand), energy_pj in printed.items():
        assert result.levels[level][operand]["energy_pj"] == pytest.approx(energy_pj, abs=0.011)
    old = model(load(write(tmp_path, a=PRODUCT, e=PRODUCT_ERT)))
    assert old.levels["Buffer"]["B"]["energy_pj"] == pytest.approx(166.15 + 246 * 0.553457, abs=0.02)


# 03.2.2 of the same tree: outputs pass the buffer, and main memory writes them in blocks of four.
BLOCKS = """
architecture:
  version: 0.4
  nodes:
  - !Container {name: system}
  - !Component
    name: BackingStorage
    class: smartbuffer_metadata
    attributes: {depth: 512, width: 32, datawidth: 8, metadata_storage_depth: 128, metadata_storage_width: 4,
      metadata_datawidth: 4}
  - !Container {name: PE}
  - !Component
    name: Buffer
    class: storage
    attributes: {depth: 256, width: 8, datawidth: 8}
    sparse_optimizations:
      action_optimization:
      - {type: skipping, options: [{target: Inputs, condition_on: [Weights]}]}
      - {type: skipping, options: [{target: Outputs, condition_on: [Weights]}]}
  - !Component {name: mac, class: intmac, attributes: {multiplier_width: 8, adder_width: 16}}
problem:
  version: 0.4
  shape:
    name: Conv1dChannels
    dimensions: [Q, S, M]
    data_spaces:
    - {name: Weights, projection: [[[S]], [[M]]]}
    - {name: Inputs, projection: [[[Q], [S]]]}
    - {name: Outputs, projection: [[[Q]], [[M]]], read_write: true}
  instance: {Q: 9, S: 3, M: 16, densities: {Weights: {distribution: fixed_structured, density: 0.4333}}}
mapping:
- {target: Buffer, type: temporal, factors: Q=9 S=3 M=16, permutation: MSQ}
- {target: Buffer, type: dataspace, bypass: [Weights, Outputs]}
"""


def test_a_block_is_saved_only_where_all_that_it_meets_is_zero(tmp_path: Path) -> None:
    """Of four weights in a structured tile one at least is not zero; of one, 43 in a hundred are."""
    energies = PRODUCT_ERT.replace("version: 0.3", "version: 0.4")
    result = model(load(write(tmp_path, a=BLOCKS, e=energies)))
    assert result.cycles == 188
    outputs, inputs = result.levels["BackingStorage"]["Outputs"], result.levels["Buffer"]["Inputs"]
    assert (outputs["reads"], outputs["updates"], outputs["saved_reads"]) == (288, 432, 0)
    assert (inputs["reads"], inputs["saved_reads"]) == (188, 244)
    assert result.evaluation.energy_by_component_pj["mac"] == pytest.approx(59.22, abs=0.01)
    along = BLOCKS.replace("permutation: MSQ", "permutation: QSM")  # four outputs beside one weight
    turned = model(load(write(tmp_path, a=along, e=energies))).levels["BackingStorage"]["Outputs"]
    assert turned["updates"] == 188
