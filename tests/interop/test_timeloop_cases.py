"""Files that people own: what their tools said, and what is said where they cannot be read."""

from dataclasses import replace
from pathlib import Path

import pytest

from hwmodels.interop.timeloop import TimeloopInputError, load, model
from hwmodels.mapping import TIMELOOP, FirstTouch
from tests.interop.test_timeloop_input import ARCHITECTURE, MAPPING, PROBLEM, write

CONV = """
problem:
  shape: cnn-layer
  instance: {{C: {C}, M: {M}, N: {N}, P: {P}, Q: {P}, R: {R}, S: {R}, Wstride: {U}, Hstride: {U}{densities}}}
"""


def ert(**tables: dict[str, float]) -> str:
    rows = [
        f"  - {{name: system.{name}, actions: ["
        + ", ".join(f"{{name: {action}, energy: {energy}}}" for action, energy in actions.items())
        + "]}"
        for name, actions in tables.items()
    ]
    return "\n".join(["ERT:", "  version: 0.3", "  tables:", *rows])


# timeloop-accelergy-exercises, September 2022: eyeriss_like_onchip_compression, AlexNet layer 3, batch 4.
COMPRESSED = """
architecture:
  version: 0.3
  subtree:
  - name: eyeriss_168
    local:
    - name: DRAM
      class: DRAM
      attributes: {width: 64, block_size: 4, datawidth: 16, metadata_storage_width: 60, metadata_datawidth: 5,
        metadata_block_size: 12}
    - name: shared_glb
      class: storage
      attributes: {data_storage_depth: 12800, data_storage_width: 64, block_size: 4, read_bandwidth: 16,
        write_bandwidth: 16, metadata_storage_depth: 4096, metadata_storage_width: 32, metadata_block_size: 8,
        metadata_datawidth: 4, decompression_supported: true, compression_supported: true}
    - name: DummyBuffer[0..13]
      class: storage
      attributes: {width: 16, depth: 0, datawidth: 16, entries: 0, meshX: 14}
    subtree:
    - name: PE[0..167]
      local:
      - name: ifmap_spad
        class: storage
        attributes: {data_storage_depth: 12, data_storage_width: 16, datawidth: 16, metadata_storage_width: 8,
          metadata_storage_depth: 4, metadata_datawidth: 4, metadata_block_size: 2, read_bandwidth: 2,
          write_bandwidth: 2, meshX: 14}
      - name: weights_spad
        class: storage
        attributes: {data_storage_depth: 224, data_storage_width: 16, datawidth: 16, read_bandwidth: 2,
          write_bandwidth: 2, meshX: 14}
      - name: psum_spad
        class: storage
        attributes: {data_storage_depth: 224, data_storage_width: 16, datawidth: 16, meshX: 14}
      - {name: MACs, class: compute, attributes: {meshX: 14, datawidth: 16}}
"""
EVERY = "flattened-rankIDs: [[R, S, P, C, M, N, Q]]"
SPARSE = f"""
sparse_optimizations:
  targets:
  - name: DRAM
    representation-format:
      data-spaces:
      - name: Inputs
        ranks: [{{format: UOP, {EVERY}}}, {{format: UOP, {EVERY}}}, {{format: RLE, {EVERY}}}]
      - name: Outputs
        ranks: [{{format: UOP, {EVERY}}}, {{format: RLE, {EVERY}}}]
  - name: shared_glb
    representation-format:
      data-spaces: [{{name: Inputs, ranks: [{{format: UOP, {EVERY}}}, {{format: RLE, {EVERY}}}]}}]
  - name: weights_spad
    action-optimization: [{{type: skipping, options: [{{target: Weights, condition-on: [Inputs]}}]}}]
  - name: ifmap_spad
    representation-format: {{data-spaces: [{{name: Inputs, ranks: [{{format: RLE, {EVERY}}}]}}]}}
"""
COMPRESSED_MAP = """
DRAM [ Weights:884736 (884736) Inputs:230400 (63361) Outputs:259584 (78654) ]
-----------------------------------------------------------------------------
| for N in [0:2)
|   for M in [0:4)
|     for C in [0:8)

shared_glb [ Inputs:14400 (3961) Outputs:32448 (32448) ]
--------------------------------------------------------
|       for M in [0:3)
|         for P in [0:13)
|           for C in [0:4)
|             for Q in [0:13) (Spatial-X)

DummyBuffer [ ]
---------------
|               for M in [0:2) (Spatial-Y)
|                 for C in [0:2) (Spatial-Y)
|                   for S in [0:3) (Spatial-Y)

ifmap_spad [ Inputs:24 (7) ]
----------------------------
|                       for N in [0:2)

weights_spad [ Weights:192 (192) ]
----------------------------------
|                         for R in [0:3)
|                           for C in [0:4)

psum_spad [ Outputs:16 (16) ]
-----------------------------
|                             for M in [0:16)
"""
SPAD = {"gated_write": 0.00595, "gated_read": 0.00595}
COMPRESSED_ERT = ert(
    DRAM={"read": 512.0, "write": 512.0, "idle": 0.0},
    DummyBuffer={"read": 0.0, "write": 0.0},
    ifmap_spad={"write": 0.18752, "read": 0.18752, **SPAD},
    weights_spad={"write": 1.13063, "read": 0.71011, **SPAD},
    psum_spad={"write": 1.13063, "read": 0.71011, **SPAD},
    MACs={"mac_random": 2.20035, "mac_gated": 0.06595},
    shared_glb={
        "write": 37.1554,
        "read": 49.1739,
        "gated_write": 0.00616,
        "gated_read": 0.00616,
        "metadata_read": 9.97801,
        "metadata_write": 6.86756,
        "gated_metadata_read": 0.00052,
    },
)


def compressed(folder: Path, arch: str = COMPRESSED) -> list[Path]:
    densities = ", densities: {Inputs: 0.275, Weights: 0.346133, Outputs: 0.303}"
    problem = CONV.format(C=256, M=384, N=4, P=13, R=3, U=1, densities=densities)
    (folder / "map.txt").write_text(COMPRESSED_MAP)
    return [*write(folder, a=arch, p=problem, s=SPARSE, e=COMPRESSED_ERT), folder / "map.txt"]


@pytest.mark.published
def test_a_compressed_tile_takes_its_nonzeros(tmp_path: Path) -> None:
    """24 words at density 0.275 are 7, in a pad of 12; the reference output's cycles and energy."""
    project = load(compressed(tmp_path))
    result = model(project)
    assert result.cycles == 1_054_311
    assert result.energy_uj == pytest.approx(5260.15, rel=0.005)
    counted = model(project, replace(TIMELOOP, first_touch=FirstTouch.COUNTED))
    assert counted.energy_uj == pytest.approx(5260.15, rel=0.0005)  # that version counted first touches
    smaller = COMPRESSED.replace("data_storage_depth: 12,", "data_storage_depth: 6,")
    with pytest.raises(ValueError, match=r"ifmap_spad capacity: Inputs alone needs 14 bytes .* but 12 can"):
        model(load(compressed(tmp_path, smaller)))


# The same tree: simple_weight_stationary, AlexNet layer 1; registers priced by an action `access`.
REGISTERS = """
architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - {name: DRAM, class: DRAM, attributes: {type: LPDDR4, width: 64, block-size: 4, word-bits: 16}}
    subtree:
    - name: simple_ws
      attributes: {technology: 45nm}
      local:
      - name: shared_glb
        class: smartbuffer_SRAM
        attributes: {memory_depth: 16384, memory_width: 64, n_banks: 32, block-size: 4, word-bits: 16,
          read_bandwidth: 16, write_bandwidth: 16}
      subtree:
      - name: PE[0..255]
        local:
        - name: pe_spad
          class: smartbuffer_RF
          attributes: {memory_depth: 192, memory_width: 16, block-size: 1, word-bits: 16, meshX: 16}
        - {name: mac, class: intmac, attributes: {datawidth: 16, meshX: 16}}
        - {name: weight_reg, class: reg_storage, attributes: {depth: 1, width: 16, meshX: 16}}
        - {name: input_activation_reg, class: reg_storage, attributes: {depth: 1, width: 16, meshX: 16}}
        - {name: output_activation_reg, class: reg_storage, attributes: {depth: 1, width: 16, meshX: 16}}
mapping:
- {target: DRAM, type: temporal, factors: Q=5}
- {target: shared_glb, type: temporal, factors: M=6 Q=11 P=55, permutation: PQM}
- {target: shared_glb, type: spatial, factors: M=16 C=3, permutation: CM, split: 1}
- {target: pe_spad, type: temporal, factors: S=11 R=11, permutation: RS}
- {target: shared_glb, type: bypass, keep: [Inputs], bypass: [Weights, Outputs]}
- {target: pe_spad, type: bypass, keep: [Weights], bypass: [Inputs, Outputs]}
- {target: weight_reg, type: bypass, keep: [Weights], bypass: [Inputs, Outputs]}
- {target: input_activation_reg, type: bypass, keep: [Inputs], bypass: [Weights, Outputs]}
- {target: output_activation_reg, type: bypass, keep: [Outputs], bypass: [Weights, Inputs]}
"""
REGISTER_ERT = ert(
    DRAM={"read": 512.0, "write": 512.0},
    shared_glb={"read": 52.667, "write": 52.667},
    pe_spad={"read": 0.71011, "write": 1.13063},
    weight_reg={"access": 0.009},
    input_activation_reg={"access": 0.009},
    output_activation_reg={"access": 0.009, "idle": 0.0},
    mac={"mac_random": 2.20035},
)


def test_the_tables_own_price_of_an_access_is_used(tmp_path: Path) -> None:
    problem = CONV.format(C=3, M=96, N=1, P=55, R=11, U=4, densities="")
    files = write(tmp_path, a=REGISTERS, p=problem, e=REGISTER_ERT)
    project = load(files)
    result = model(project)
    assert result.cycles == 2_196_150
    weights = result.levels["weight_reg"]["Weights"]
    words = (weights["reads"] + weights["fills"]) * weights["instances"]
    assert weights["energy_pj"] == pytest.approx(words * 0.009)
    assert any("weight_reg: the ERT lists access but no read" in note for note in project.notes)
    fitted = load(files, built_in_fit=True)  # what Timeloop 3.0.3 makes of the same table
    assert fitted.architecture.level("weight_reg").read_pj == pytest.approx(0.975, abs=0.001)
    assert model(fitted).energy_uj > 1.5 * result.energy_uj


DOT = """
architecture:
  version: 0.3
  subtree:
  - name: PE
    local:
    - name: Buffer
      class: storage
      subclass: regfile_metadata
      attributes: {data_storage_depth: 64, data_storage_width: 8, datawidth: 8, block-size: 1,
        metadata_storage_depth: 32, metadata_storage_width: 4, metadata_datawidth: 4, read_bandwidth: 4,
        write_bandwidth: 3}
    - {name: MAC, class: compute, subclass: intmac, attributes: {datawidth: 8}}
problem:
  shape:
    name: DotProduct
    dimensions: [K, M]
    data-spaces:
    - {name: A, projection: [[[K]]]}
    - {name: B, projection: [[[K]]]}
    - {name: Z, projection: [[[M]]], read-write: True}
  instance: {M: 1, K: 16, densities: {A: {distribution: fixed-structured, density: 0.25}}}
mapping:
- {target: Buffer, type: temporal, factors: K=16 M=1, permutation: KM}
"""
DOT_ERT = ert(
    MAC={"mac_random": 0.5608, "mac_gated": 0.03642},
    Buffer={"write": 0.42018, "read": 0.42018, "gated_read": 0.00441, "metadata_read": 0.18108},
)
BARE = """
sparse_optimizations:
  targets:
  - name: Buffer
    action-optimization:
    - {{type: {kind}, target: B, condition-on: [A]}}
    - {{type: {kind}, target: Z, condition-on: [A]}}
"""
FORMAT = "    representation-format: {data-spaces: [{name: A, ranks: [{format: CP}]}]}\n"


@pytest.mark.published
@pytest.mark.parametrize(
    ("kind", "more", "cycles", "utilisation"), [("gating", "", 16, 0.25), ("skipping", FORMAT, 4, 1.0)]
)
def test_an_action_without_options(
    tmp_path: Path, kind: str, more: str, cycles: int, utilisation: float
) -> None:
    """ISCA 2021 tutorial 01.2.2 (gating) and 01.2.3 (skipping on coordinates)."""
    arch = (
        DOT
        if more
        else DOT.replace("bandwidth: 4", "bandwidth: 3").replace("write_bandwidth: 3", "write_bandwidth: 1")
    )
    result = model(load(write(tmp_path, a=arch, e=DOT_ERT, s=BARE.format(kind=kind) + more)))
    assert (result.cycles, result.utilisation) == (cycles, utilisation)
    long = BARE
    for operand in "BZ":
        long = long.replace(
            f"target: {operand}, condition-on: [A]",
            f"options: [{{{{target: {operand}, condition-on: [A]}}}}]",
        )
    same = model(load(write(tmp_path, a=arch, e=DOT_ERT, s=long.format(kind=kind) + more)))
    assert same.energy_uj == result.energy_uj


OWN = """
sparse_optimizations:
  targets:
  - name: Buffer
    action-optimization:
    - {type: position-skipping, target: A, condition-on: []}
"""


@pytest.mark.parametrize("more", ["", FORMAT, FORMAT.replace("CP", "B")])
def test_positions_of_an_operands_own_zeros_are_skipped(tmp_path: Path, more: str) -> None:
    """A quarter of A's sixteen elements is not zero: so many are read, and so many steps are taken."""
    wide = DOT.replace("read_bandwidth: 4", "read_bandwidth: 40").replace(
        "write_bandwidth: 3", "write_bandwidth: 40"
    )
    result = model(load(write(tmp_path, a=wide, e=DOT_ERT, s=OWN + more)))
    reads = {name: held["reads"] for name, held in result.levels["Buffer"].items()}
    assert (result.cycles, reads["A"], reads["B"]) == (4, 4, 16)
    # one zero is skipped once, whoever notices
    both = BARE.format(kind="skipping") + "    - {type: position-skipping, target: A}\n"
    assert model(load(write(tmp_path, a=wide, e=DOT_ERT, s=both + more))).cycles == 4


def test_positions_of_other_operands_are_no_positions_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="skips the positions of B's own zeros; leave 'condition-on' empty"):
        model(load(write(tmp_path, a=DOT, e=DOT_ERT, s=BARE.format(kind="position-skipping"))))


def test_component_files_are_merged(tmp_path: Path) -> None:
    files = {
        f"components{i}": f"compound_components: {{version: 0.3, classes: [{{name: {n}}}]}}"
        for i, n in enumerate("ab")
    }
    whole = {"arch": ARCHITECTURE, "prob": PROBLEM, "map": MAPPING}
    with_them = model(load(write(tmp_path, **whole, **files)))
    assert with_them.energy_uj == model(load(write(tmp_path, **whole))).energy_uj
    other = "compound_components: {version: 0.3, classes: [{name: a, attributes: {width: 3}}]}"
    with pytest.raises(
        TimeloopInputError, match=r"class 'a' is already defined otherwise in the files before"
    ):
        load(write(tmp_path, **whole, **files, more=other))


# The Sparseloop artifact, figure 15: the dense tensor core on M 512, K 1024, N 256.
CORE = """
architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - {name: DRAM, class: DRAM, attributes: {cluster-size: 1, datawidth: 8, width: 64, read_bandwidth: 32,
        write_bandwidth: 16}}
    subtree:
    - name: SM
      local:
      - {name: SMEM, class: storage, attributes: {cluster-size: 1, data_storage_depth: 4096,
          data_storage_width: 512, datawidth: 8, read_bandwidth: 42, write_bandwidth: 42}}
      subtree:
      - name: Subpartition[0..3]
        local:
        - {name: RF, class: storage, attributes: {cluster-size: 1, data_storage_depth: 2048,
            data_storage_width: 8, datawidth: 8, meshX: 1, meshY: 4}}
        subtree:
        - name: PE[0..255]
          local:
          - {name: LRF, class: storage, attributes: {block_size: 1, cluster-size: 1, data_storage_depth: 1,
              data_storage_width: 8, datawidth: 8, meshX: 16, meshY: 64}}
          - {name: MAC, class: compute, attributes: {datawidth: 8, meshX: 16, meshY: 64}}
problem:
  shape:
    name: gemm-ABZ
    dimensions: [M, N, K]
    data-spaces:
    - {name: A, projection: [[[M]], [[K]]]}
    - {name: B, projection: [[[N]], [[K]]]}
    - {name: Z, projection: [[[M]], [[N]]], read-write: True}
  instance: {M: 512, K: 1024, N: 256}
mapping:
- {target: LRF, type: datatype, keep: [A], bypass: [B, Z], stream: []}
- {target: RF, type: datatype, keep: [Z], bypass: [A, B], stream: []}
- {target: SMEM, type: datatype, keep: [B], bypass: [A, Z], stream: [A, B]}
- {target: DRAM, type: datatype, keep: [A, B, Z], bypass: [], stream: [A, B, Z]}
- {target: LRF, type: temporal, factors: M1 N128 K1, permutation: NMK}
- {target: RF, type: spatial, factors: M16 N1 K16, permutation: KMN, split: 1}
- {target: RF, type: temporal, factors: M1 N1 K64, permutation: KMN}
- {target: SMEM, type: spatial, factors: M4 N1 K1, permutation: MNK, split: 0}
- {target: SMEM, type: temporal, factors: M1 N1 K1, permutation: MNK}
- {target: DRAM, type: temporal, factors: M8 N2 K1, permutation: MNK}
"""
CORE_ERT = ert(
    DRAM={"read": 512.0, "write": 512.0},
    LRF={"read": 0.02435, "write": 0.02435},
    RF={"read": 3.1647, "write": 3.20183},
    SMEM={"read": 536.05005, "write": 599.806},
    MAC={"mac_random": 0.44688},
)


@pytest.mark.published
def test_a_streamed_operand_is_written_and_read_on_its_way(tmp_path: Path) -> None:
    result = model(load(write(tmp_path, all=CORE, ert=CORE_ERT)))
    assert result.cycles == 131_072
    passing = result.levels["SMEM"]["A"]
    assert (passing["reads"], passing["fills"], passing["tile_words"]) == (1_048_576, 1_048_576, 0)
    assert passing["energy_pj"] == pytest.approx(18_609_865.52, abs=0.01)
    assert result.energy_uj == pytest.approx(247.59, rel=0.002)  # it counts first touches, which are 0.42
    without = model(load(write(tmp_path, all=CORE.replace("stream: [A, B]", "stream: []"), ert=CORE_ERT)))
    assert result.energy_uj - without.energy_uj == pytest.approx(18.61, abs=0.001)
    by_component = result.evaluation.energy_by_component_pj
    assert sum(by_component.values()) * 1e-6 == pytest.approx(result.energy_uj)


# The same figure: A at density 0.5, packed into half the lanes of twice as many.
PACKED = (
    CORE.replace("M1 N1 K64, permutation", "M1 N1 K32, permutation")
    .replace("M16 N1 K16", "M16 N1 K32")
    .replace("{target: SMEM, type: temporal, factors: M1 N1", "{target: SMEM, type: temporal, factors: M4 N1")
    .replace("factors: M8 N2 K1, permutation: MNK", "factors: M2 N2 K1, permutation: NMK")
    .replace("keep: [B], bypass: [A, Z], stream: [A, B]", "keep: [A, B], bypass: [Z]")
    .replace(
        "K: 1024, N: 256", "K: 1024, N: 256, densities: {A: {distribution: fixed-structured, density: 0.5}}"
    )
)
PACKED_SPARSE = """
sparse_optimizations:
  targets:
  - name: DRAM
    representation-format: {data-spaces: [{name: A, rank-application-order: inner-to-outer, ranks: [
      {format: UOP, payload-word-bits: 0}, {format: UOP, payload-word-bits: 0},
      {format: UOP, payload-word-bits: 0}, {format: UOP, payload-word-bits: 0},
      {format: UOP, payload-word-bits: 0}, {format: UOP, payload-word-bits: 0},
      {format: CP, metadata-word-bits: 2}]}]}
  - name: SMEM
    representation-format: {data-spaces: [{name: A, rank-application-order: inner-to-outer, ranks: [
      {format: UOP, payload-word-bits: 0}, {format: UOP, payload-word-bits: 0},
      {format: UOP, payload-word-bits: 0}, {format: UOP, payload-word-bits: 0},
      {format: CP, metadata-word-bits: 2}]}]}
  - name: RF
    action-optimization:
    - {type: skipping-spatial, target: B, condition-on: [A]}
    - {type: skipping-spatial, target: Z, condition-on: [A]}
  - name: LRF
    representation-format: {data-spaces: [{name: A, ranks: [{format: CP, metadata-word-bits: 2}]}]}
"""


@pytest.mark.published
def test_zeros_skipped_in_space_take_no_lane(tmp_path: Path) -> None:
    """Figure 15, STC at weight density 0.5: 65,536 cycles, half the MACs, all lanes busy."""
    files = {"all": PACKED, "ert": CORE_ERT, "s": PACKED_SPARSE}
    result = model(load(write(tmp_path, **files)))
    assert (result.cycles, result.utilisation) == (65_536, 1.0)
    assert result.evaluation.energy_by_component_pj["MAC"] == pytest.approx(67_108_864 * 0.44688)
    assert result.levels["SMEM"]["B"]["reads"] == 2_097_152  # every lane's, before the choice
    assert result.levels["RF"]["Z"]["updates"] == 1_048_576
    larger = PACKED.replace("data_storage_depth: 4096", "data_storage_depth: 8192")
    dense = larger.replace("density: 0.5", "density: 0.6")
    with pytest.raises(ValueError, match="it exceeds RF fanout X: its spatial loops there need 32"):
        model(load(write(tmp_path, **{**files, "all": dense})))


def test_streams_take_time_and_are_refused_where_unknown(tmp_path: Path) -> None:
    slow = CORE.replace("write_bandwidth: 42", "write_bandwidth: 8")
    result = model(load(write(tmp_path, all=slow, ert=CORE_ERT)))
    words = 1_048_576 + result.levels["SMEM"]["B"]["fills"]
    assert (result.cycles, result.evaluation.bound) == (words / 8, "SMEM write port")
    for old, new, message in (
        ("stream: [A, B]}", "stream: [A, Z]}", "stream of Z at SMEM: partial sums cannot be streamed"),
        (
            "bypass: [A, B], stream: []",
            "bypass: [A, B], stream: [B]",
            "stream of B at RF is not supported: 4",
        ),
        ("stream: [A, B]}", "stream: [X]}", r"stream\[0\]: unknown operand 'X'"),
    ):
        assert old in CORE
        with pytest.raises(ValueError, match=message):
            model(load(write(tmp_path, all=CORE.replace(old, new), ert=CORE_ERT)))


def test_a_directive_given_twice_is_named(tmp_path: Path) -> None:
    twice = MAPPING + "- {target: DRAM, type: temporal, permutation: KP}\n"
    message = (
        r"map\.yaml: mapping\[4\]: the temporal directive of DRAM is given twice, here and as mapping\[0\]"
    )
    with pytest.raises(TimeloopInputError, match=message):
        load(write(tmp_path, arch=ARCHITECTURE, prob=PROBLEM, map=twice))
    limits = """
architecture_constraints:
  targets:
  - {target: buffer, type: temporal, factors: K=2, permutation: KP}
  - {target: buffer, type: temporal, factors: P=1, permutation: PK}
"""
    with pytest.raises(TimeloopInputError, match=r"targets\[1\]: the permutation of buffer is given twice"):
        load(write(tmp_path, arch=ARCHITECTURE, prob=PROBLEM, con=limits))
    with pytest.raises(TimeloopInputError, match=r"factor of K at buffer is given twice: = 2 and = 4"):
        load(write(tmp_path, arch=ARCHITECTURE, prob=PROBLEM, con=limits.replace("P=1", "K=4")))


OLD = """
arch:
  arithmetic: {instances: 4, meshX: 4, word_bits: 16}
  storage:
  - {name: buffer, entries: 64, instances: 1, word_bits: 16, network_word_bits: 16, read_bandwidth: 2}
  - {name: DRAM, technology: DRAM, instances: 1, word_bits: 16, block_size: 4}
"""
OLD_ERT = ert(DRAM={"read": 8.0, "write": 8.0}, buffer={"read": 2.0, "write": 3.0}, MAC={"mac_random": 1.0})
BARE_SHAPE = """
shape:
  name: CNN_Layer
  dimensions: [R, S, P, Q, C, K, N]
  coefficients: [{name: Wstride, default: 1}, {name: Hstride}, {name: Wdilation}, {name: Hdilation}]
  data_spaces:
  - {name: Weights, projection: [[[C]], [[K]], [[R]], [[S]]]}
  - {name: Inputs, projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]]]}
  - {name: Outputs, projection: [[[N]], [[K]], [[Q]], [[P]]], read_write: True}
"""


def test_older_grammars(tmp_path: Path) -> None:
    """v0.1's flat list of storage, and a problem shape in a file of its own, cost what v0.3 does."""
    new = model(load(write(tmp_path, arch=ARCHITECTURE, prob=PROBLEM, map=MAPPING)))
    files = {"arch": OLD, "ert": OLD_ERT, "shape": BARE_SHAPE, "map": MAPPING}
    old = model(load(write(tmp_path, **files, prob=PROBLEM.replace("cnn-layer", "CNN_Layer"))))
    assert (old.cycles, old.energy_uj) == (new.cycles, new.energy_uj)
    without = PROBLEM.replace("  shape: cnn-layer\n", "")
    assert model(load(write(tmp_path, **files, prob=without))).cycles == new.cycles
    with pytest.raises(TimeloopInputError, match=r"key .arch\.maths. is not supported"):
        load(write(tmp_path, **{**files, "arch": OLD.replace("arithmetic", "maths")}, prob=PROBLEM))


RANKS = (
    "problem: {{shape: {{dimensions: [K], data-spaces: [{{name: A, projection: {}}}]}}, instance: {{K: 2}}}}"
)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("section", "text", "message"),
    [
        ("mapper", "mapper: 7", r"mapper: must be a mapping, got 7"),
        ("prob", BOMB + "problem: *j", r"its aliases stand for more than 2,000,000 values"),
        ("prob", "problem: &p {shape: *p}", r"is no YAML|its aliases stand"),
        (
            "prob",
            "[" * 100_000,
            r"line 1: (exceeded maximum nesting depth|lists and mappings are more than 100 deep)",
        ),
        (
            "prob",
            "problem: {shape: cnn-layer, instance: {C: " + "9" * 5000 + "}}",
            r"one line|cannot be read|digits",
        ),
        (
            "arch",
            ARCHITECTURE.replace("energy: 8}", "energy: " + "9" * 400 + "}"),
            r"at most 1e30, got a number of 40\d digits",
        ),
        (
            "arch",
            ARCHITECTURE.replace("PE[0..3]", "PE[0..999999999999]"),
            r"must|counts|more than|multiply|intmac|divide",
        ),
        (
            "prob",
            RANKS.format("[[[]]]"),
            r"projection\[0\]: needs terms",
        ),
        (
            "prob",
            RANKS.format("[[[J]]]"),
            r"unknown dimension J, this problem has K",
        ),
        (
            "prob",
            PROBLEM.replace("C: 4", "C: 4, densities: {Inputs: 1.5}"),
            r"a density must be at most 1, got 1.5",
        ),
        (
            "prob",
            "problem: {shape: cnn-layer, instance: {C: 2001-13-45}}",
            r"C: must be a whole number|cannot be read",
        ),
        ("map", MAPPING.replace("K=4 P=3", "K=4 P=" + "9" * 30), r"is no factor"),
        ("map", MAPPING.replace("permutation: PK", "permutation: PP"), r"permutation: names 'P' twice"),
        (
            "prob",
            "Layer, M, N, K,\nfc, 1, 10, 20,\n",
            r"looks like a SCALE-Sim topology; read it with workloads.from_scalesim",
        ),
        (
            "prob",
            "name: x\nmemories: {}\n",
            r"looks like a ZigZag accelerator; read it with hwmodels.from_zigzag",
        ),
        ("prob", "Network vgg {\nLayer A {\nType: CONV\n}\n}", r"looks like a MAESTRO network"),
    ],
)
def test_bad_files_are_one_short_line(tmp_path: Path, section: str, text: str, message: str) -> None:
    files = {"arch": ARCHITECTURE, "prob": PROBLEM, "map": MAPPING, section: text}
    with pytest.raises(ValueError, match=message) as raised:
        load(write(tmp_path, **files))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400 + 2 * len(str(tmp_path))
