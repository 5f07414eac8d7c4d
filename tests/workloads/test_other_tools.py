"""Networks in other tools' files: SCALE-Sim topologies, ZigZag workloads, MAESTRO networks."""

import random
import time
from pathlib import Path

import pytest

import dse
import workloads
from workloads import NetworkImportError
from workloads.file_kinds import FORMATS, file_kind

HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
)
CONVOLUTIONS = (
    HEADER + "Conv1, 224, 224, 7, 7, 3, 64, 2,\nConv2_1a, 56, 56, 3, 3, 64, 64, 1,\nFC, 1,1,1,1,512,1000,1,\n"
)
PRODUCTS = "Layer, M, N, K,\nQKT,1024,1024,64,\nLinear1,1024,4800,1600,\n"


def write(folder: Path, text: str, name: str = "net.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def ours(height, width, r, s, c, k, stride):
    """SCALE-Sim's own count: ceil((size - filter + stride) / stride) positions an axis."""
    p, q = (-(-(size - window + stride) // stride) for size, window in ((height, r), (width, s)))
    return p * q * r * s * c * k


def test_convolutions_count_as_scalesim_counts_them(tmp_path):
    net = workloads.from_scalesim(write(tmp_path, CONVOLUTIONS))
    sizes = [(224, 224, 7, 7, 3, 64, 2), (56, 56, 3, 3, 64, 64, 1), (1, 1, 1, 1, 512, 1000, 1)]
    assert [operation.name for operation in net.operations] == ["Conv1", "Conv2_1a", "FC"]
    assert [row.macs for row in net.lowering().rows] == [ours(*size) for size in sizes]
    assert ours(*sizes[0]) == 110 * 110 * 49 * 192  # 224 - 7 is odd: the last window reaches beyond
    assert net.macs == sum(ours(*size) for size in sizes)
    assert net.parameters == 7 * 7 * 3 * 64 + 9 * 64 * 64 + 512_000


def test_matrix_products(tmp_path):
    net = workloads.from_scalesim(write(tmp_path, PRODUCTS))
    assert net.macs == 1024 * 1024 * 64 + 1024 * 4800 * 1600
    table = net.table()
    assert (table.n[0], table.c[0], table.k[0]) == (1024, 64, 1024)


@pytest.mark.parametrize(
    ("text", "macs"),
    [
        ("\ufeff" + CONVOLUTIONS.replace(", ", "\t"), None),
        (CONVOLUTIONS.replace("\n", "\r\n"), None),
        (CONVOLUTIONS.replace("FC,", "Decoder,,,,,\nFC,"), None),
        (CONVOLUTIONS.replace("Layer name, IFMAP Height", "Layer, IFMAP Width"), None),
        (
            HEADER.replace("Strides,", "Strides, Batch Size,") + "C,8,8,3,3,2,4,1,5,\n",
            5 * ours(8, 8, 3, 3, 2, 4, 1),
        ),
        (HEADER.replace("Strides,", "Stride Height, Stride Width,") + "C,9,9,3,3,2,4,2,3,\n", 4 * 3 * 9 * 8),
        (HEADER + "DP1,8,8,3,3,16,2,1,\n", 16 * ours(8, 8, 3, 3, 1, 2, 1)),  # depthwise, by its name
        (HEADER + "C,8,8,3,3,2,4,1\nC,8,8,3,3,2,4,1", 2 * ours(8, 8, 3, 3, 2, 4, 1)),  # a name twice
        (HEADER + '"C, the ""first""; one", 8, 8, 3, 3, 2, 4, 1,\n', ours(8, 8, 3, 3, 2, 4, 1)),
        (HEADER + '"C, 8, 8, 3, 3, 2, 4, 1,\n"D", 8, 8, 3, 3, 2, 4, 1,\n', 2 * ours(8, 8, 3, 3, 2, 4, 1)),
        (HEADER + "C, 9, 9, 3, 3, 2, 4, 2, 3,\n", 4 * 3 * 9 * 8),  # a second stride without a heading
    ],
)
def test_spellings(tmp_path, text, macs):
    wanted = workloads.from_scalesim(write(tmp_path, CONVOLUTIONS)).macs if macs is None else macs
    assert workloads.from_scalesim(write(tmp_path, text)).macs == wanted


def test_the_sparsity_column_of_v3_is_a_pattern_of_weights(tmp_path):
    text = HEADER.replace("Strides,", "Strides, Sparsity,") + "C1,5,5,3,3,2,6,1,2:4,\nC2,5,5,3,3,2,6,1,1:1,\n"
    net = workloads.from_scalesim(write(tmp_path, text))
    weight = net.weight("C1")
    runs = [weight.mask.reshape(6, -1)[:, at : at + 4].sum(axis=1) for at in range(0, 18, 4)]
    assert [run.tolist() for run in runs[:4]] == [[2] * 6] * 4
    assert runs[4].tolist() == [2] * 6  # the last run has two elements
    assert net.weight("C2").density == 1.0
    assert net.effectual_macs < net.macs
    for heading in (" Sparsity,", ""):  # SCALE-Sim goes by the place
        products = workloads.from_scalesim(write(tmp_path, f"L, M, N, K,{heading}\nG, 3, 5, 16, 1:4,\n"))
        assert products.density["G.weight"] == 0.25


def test_a_topology_runs_on_a_machine_by_its_path(tmp_path):
    path = str(write(tmp_path, CONVOLUTIONS))
    result = dse.evaluate(path, "edge_32x32")
    assert result.totals["macs"] == workloads.load(path).macs
    with pytest.raises(NetworkImportError, match="whose sizes are fixed"):
        workloads.load(path, batch=2)


ZIGZAG = """
- id: 0
  name: stem
  operator_type: Conv
  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, K, C, OY, OX, FY, FX]
  loop_sizes: [1, 8, 3, 16, 16, 3, 3]
  operand_precision: {W: 4, I: 8, O: 16, O_final: 8}
  operand_source: {I: 0, W: 0}
- id: 1
  operator_type: Conv
  equation: O[b][g][oy][ox]+=W[g][fy][fx]*I[b][g][iy][ix]
  dimension_relations: [ix=1*ox+1*fx, iy=1*oy+1*fy]
  loop_dims: [B, G, OY, OX, FY, FX]
  loop_sizes: [1, 8, 16, 16, 3, 3]
  operand_precision: {W: 8, I: 8, O: 16, O_final: 8}
  operand_source: {I: 0, W: 1}
- id: 2
  operator_type: Add
  equation: O[b][g][oy][ox]=X[b][g][oy][ox]+Y[b][g][oy][ox]
  loop_dims: [B, G, OY, OX]
  loop_sizes: [1, 8, 16, 16]
  operand_precision: {O: 16, O_final: 8, X: 8, Y: 8}
  operand_source: {X: 0, Y: 1}
- id: 3
  operator_type: Pooling
  equation: O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, G, OY, OX, FX, FY]
  loop_sizes: [1, 8, 8, 8, 2, 2]
  operand_precision: {I: 8, W: 0, O: 16, O_final: 8}
  operand_source: {I: 2, W: 3}
- id: 4
  operator_type: Gemm
  equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2]
  loop_sizes: [1, 10, 512]
  operand_precision: {W: 8, I: 8, O: 32, O_final: 8}
  operand_source: {I: 3, W: 4}
- id: 5
  operator_type: Gemm
  equation: O[h][m][n]+=I[h][m][k]*W[h][k][n]
  loop_dims: [H, M, N, K]
  loop_sizes: [4, 6, 7, 5]
  operand_precision: {W: 8, I: 8, O: 32, O_final: 8}
"""


def test_a_zigzag_workload_is_a_graph(tmp_path):
    net = workloads.from_zigzag(write(tmp_path, ZIGZAG, "net.yaml"))
    assert [operation.kind for operation in net.operations if operation.kind != "reshape"] == [
        "convolution",
        "convolution",
        "add",
        "maxpool",
        "linear",
        "convolution",
    ]
    loops = [8 * 3 * 16 * 16 * 9, 8 * 16 * 16 * 9, 10 * 512, 4 * 6 * 7 * 5]
    assert net.macs == sum(loops)
    assert [tensor.name for tensor in net.graph.inputs()] == ["stem.input", "layer5.input"]
    assert net.graph.inputs()[0].shape == (1, 3, 33, 33)  # what the windows reach over
    assert net.graph.node("layer1").operation.padding == ((1, 1), (1, 1))  # 18 wanted, 16 there
    assert (net.graph.weights["stem.weight"].bits, net.graph.tensors["stem"].bits) == (4, 8)
    assert net.graph.node("layer2").inputs == ("stem", "layer1")


def test_a_product_of_two_activations(tmp_path):
    text = ZIGZAG.replace(
        "  operand_precision: {W: 8, I: 8, O: 32, O_final: 8}\n  operand_source: {I: 3, W: 4}\n", ""
    )
    both = """
- id: 6
  operator_type: Gemm
  equation: O[m][n]+=I[m][k]*W[k][n]
  loop_dims: [M, N, K]
  loop_sizes: [7, 7, 24]
  operand_precision: {W: 8, I: 8, O: 32, O_final: 8}
  operand_source: {I: 5, W: 5}
"""
    net = workloads.from_zigzag(write(tmp_path, ZIGZAG + both, "net.yaml"))
    assert net.operations[-1].kind == "matmul"
    assert (
        net.macs
        - workloads.from_zigzag(
            write(tmp_path, text + "  operand_precision: {O: 8, O_final: 8}\n", "b.yaml")
        ).macs
        == 7 * 7 * 24
    )


MAESTRO = """
// a comment
Constant Width 32;
Network tiny {
  Layer CONV1 {
    Type: CONV
    Stride { X: 2, Y: 2 }
    Dimensions { K: 16, C: 3, R: 3, S: 3, Y: 33, X: Width }
    Dataflow { TemporalMap(1,1) K; SpatialMap(Sz(R),1) Y; Cluster(Sz(R),P); }
  }
  Layer CONV2 { Type: DSCONV Dimensions { K 1,C 16,R 3,S 3,Y 18,X 18 } }
  Layer CONV3 { Type: NGCONV Dimensions { G: 4, K: 2, C: 16, R: 1, S: 1, Y: 8, X: 8 } }
  Layer UP { Type: TRCONV Dimensions { K: 4, C: 8, R: 2, S: 2, Y: 8, X: 8 } }
  Layer FC { Type: GEMM Dimensions { K: 100, M: 5, N: 7 } }
}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("operand_source: {I: 0, W: 0}", "operand_source: {I: [], W: []}"),
        ("operand_source: {I: 0, W: 0}", "operand_source: {I: [], W: 0}\n  constant_operands: [W]"),
        ("operand_source: {I: 0, W: 0}", "memory_operand_links: {O: O, W: I2, I: I1}"),
    ],
)
def test_sources_that_are_none_in_zigzag(tmp_path, old, new):
    assert old in ZIGZAG
    net = workloads.load(write(tmp_path, ZIGZAG.replace(old, new, 1), "net.yaml"))
    plain = workloads.from_zigzag(write(tmp_path, ZIGZAG, "plain.yaml"))
    assert net.macs == plain.macs
    assert [one.name for one in net.graph.inputs()] == [one.name for one in plain.graph.inputs()]
    two = ZIGZAG.replace(old, "operand_source: {I: [0, 1], W: []}", 1)
    with pytest.raises(NetworkImportError, match=r"operand_source\.I: names 2 layers; .*from none: \[\]"):
        workloads.from_zigzag(write(tmp_path, two, "two.yaml"))


def test_a_maestro_network(tmp_path):
    net = workloads.from_maestro(write(tmp_path, MAESTRO, "net.m"))
    assert net.name == "tiny"
    by_hand = [16 * 3 * 9 * 16 * 15, 16 * 9 * 16 * 16, 8 * 4 * 8 * 8, 4 * 8 * 4 * 9 * 9, 100 * 5 * 7]
    assert [int(macs) for macs in net.summary()["macs"]] == by_hand
    assert net.macs == sum(by_hand)


FILES = {"scalesim_topology": CONVOLUTIONS, "zigzag_workload": ZIGZAG, "maestro_network": MAESTRO}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_known_by_its_content(tmp_path, kind):
    path = write(tmp_path, FILES[kind], "data")
    assert file_kind(path).name == kind
    assert workloads.from_file(path).macs == workloads.load(str(path)).macs > 0
    readers = {"scalesim_topology": workloads.from_scalesim, "zigzag_workload": workloads.from_zigzag}
    for wanted, reader in (readers | {"maestro_network": workloads.from_maestro}).items():
        if wanted != kind:
            with pytest.raises(NetworkImportError, match=f"looks like {FORMATS[kind].what}; read it with"):
                reader(path)


def test_what_is_no_network_says_what_it_is(tmp_path):
    for name, text in {
        "scalesim_cfg": "[general]\nrun_name = x\n[architecture_presets]\nArrayHeight: 4\n",
        "scalesim_report": "LayerID, Total Cycles,\n0, 12,\n",
        "timeloop": "architecture:\n  version: 0.4\n",
        "accelergy": "ERT:\n  version: 0.3\n",
        "zigzag_hardware": "name: x\nmemories:\n  a: 1\n",
        "maestro_hardware": "num_pes: 256\nl1_size_cstr: 100\n",
    }.items():
        path = write(tmp_path, text, name)
        assert file_kind(path).name == name
        with pytest.raises(NetworkImportError, match=f"looks like {FORMATS[name].what}, which is no network"):
            workloads.from_file(path)
    assert file_kind(tmp_path / "nowhere") is None
    assert file_kind("/dev/null") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            CONVOLUTIONS.replace("56, 56", "x, 56"),
            r"net\.csv: line 3: ifmap height must be a whole number .* 'x'",
        ),
        (
            CONVOLUTIONS.replace("7, 7", "700, 7"),
            r"line 2: a filter of 700 x 7 is larger than its ifmap of 224",
        ),
        (CONVOLUTIONS.replace("64, 1,", "64,"), r"line 3: has 7 columns, but a name and ifmap height"),
        (CONVOLUTIONS.replace("64, 1,", "64, 0,"), r"line 3: strides must be from 1 to 2,147,483,648, got 0"),
        (CONVOLUTIONS.replace("64, 1,", "64, 9999999999999,"), r"line 3: strides must be a whole number"),
        (HEADER, r"holds no layer"),
        ("", r"is empty"),
        ("a, b\n1, 2\n", r"line 1: names no columns of a SCALE-Sim topology"),
        ("L, M, N, K, Sparsity\nG, 3, 5, 16, 5:4\n", r"line 2: sparsity must be N:M with N at most M"),
        ("L, M, N, K\nG, 2147483648, 2147483648, 2147483648\n", r"."),
    ],
)
def test_a_bad_topology_is_one_line(tmp_path, text, message):
    with pytest.raises(workloads.WorkloadError, match=message) as raised:
        workloads.from_scalesim(write(tmp_path, text)).table()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "loop_sizes: [1, 8, 3, 16, 16, 3, 3]",
            "loop_sizes: [1, 8]",
            r"needs one size a loop, got 7 loop_dims and 2",
        ),
        ("ix=2*ox+1*fx", "ix=2*ox", r"is no ix = stride\*ox \+ dilation\*fx, got 'ix=2\*ox'"),
        ("W[k][c][fy][fx]", "W[k][c][fy][fz]", r"'fz' of the equation is none of loop_dims"),
        ("O[b][k][oy][ox]+=", "P[b][k][oy][ox]+=", r"equation: is no O\[\.\.\]\+=A\[\.\.\]\*B\[\.\.\]"),
        ("id: 1", "id: 0", r"id 0 is used twice"),
        (
            "16, 16, 3, 3]",
            "-16, 16, 3, 3]",
            r"loop_sizes\[3\]: must be a whole number of at least 1, got -16",
        ),
        ("operator_type: Add", "operator: Add", r"key .*operator' is not supported"),
        ("[H, M, N, K]", "[H, M, N, K, Z]", r"needs one size a loop"),
    ],
)
def test_a_bad_workload_is_one_line(tmp_path, old, new, message):
    assert old in ZIGZAG
    with pytest.raises(NetworkImportError, match=message) as raised:
        workloads.from_zigzag(write(tmp_path, ZIGZAG.replace(old, new), "net.yaml"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Type: CONV", "Type: CONF", r"layer CONV1 \(line 5\): unknown Type 'CONF'; supported: CONV"),
        ("C: 3, ", "", r"layer CONV1 .*: Dimensions has no C"),
        ("K: 16", "K: x", r"line 8: K must be a whole number from 1 to 2,147,483,648, got 'x'"),
        ("Stride {", "Strides {", r"line 7: expected Type, Stride, Dimensions, .* got 'Strides'"),
        ("R: 3, S: 3, Y: 33", "R: 99, S: 3, Y: 33", r"layer CONV1 .*a window of 99 does not fit"),
        ("N: 7 } }\n}", "N: 7 ", r"expected|ends within a block|must be a whole number"),
        ("G: 4", "G: 5", r"layer CONV3 .*do not divide into 5 groups"),
    ],
)
def test_a_bad_maestro_network_is_one_line(tmp_path, old, new, message):
    assert old in MAESTRO
    with pytest.raises(NetworkImportError, match=message) as raised:
        workloads.from_maestro(write(tmp_path, MAESTRO.replace(old, new), "net.m"))
    assert "\n" not in str(raised.value)


def mutant(text: str, rng: random.Random) -> str:
    """A file with one to three pieces cut, doubled, swapped or replaced."""
    for _ in range(rng.randint(1, 3)):
        at, to = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        to = min(to, at + rng.choice((1, 3, 20, 200)))
        piece = rng.choice(
            (
                "",
                text[at:to] * 2,
                "-1",
                "0",
                "9" * 30,
                "nan",
                "{",
                "}",
                "[",
                ",",
                ":",
                "\n",
                "\0",
                "*a",
                "&a ",
            )
        )
        text = text[:at] + piece + text[to:] if text else piece
    return text


@pytest.mark.parametrize("kind", FILES)
def test_mutants_are_read_or_refused_in_one_line(tmp_path, kind):
    rng = random.Random(13)
    for trial in range(150):
        path = write(tmp_path, mutant(FILES[kind], rng), f"{trial}")
        begun = time.perf_counter()
        message = "a result"
        try:
            workloads.from_file(path).table()
        except workloads.WorkloadError as error:
            message = str(error)
        assert len(message.splitlines()) == 1, message
        assert len(message) < 1000
        assert time.perf_counter() - begun < 5.0


NAMES = "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides"


@pytest.mark.parametrize(
    "text",
    [
        NAMES.upper().replace(" ", "_") + "\nC,224,224,7,7,3,64,2\n",
        NAMES.replace(",", ";") + "\nC;224;224;7;7;3;64;2\n",
        '"' + NAMES.replace(",", '","') + '"\n"C","224","224","7","7","3","64","2"\n',
        "Layer name,Channels,Num Filter,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Strides\n"
        "C,3,64,224,224,7,7,2\n",
    ],
    ids=["underscores", "semicolons", "quotes", "order"],
)
def test_columns_are_told_by_their_names(tmp_path, text):
    path = tmp_path / "net.csv"
    path.write_text(text)
    assert workloads.load(path).macs == 110 * 110 * 49 * 3 * 64


def test_products_in_another_order_and_columns_without_names(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text("Layer,M,K,N,\nA,8,16,4,\n")
    layer = workloads.load(path).operations[0]
    assert (layer.out_features, workloads.load(path).macs) == (4, 512)
    path.write_text("A, 224, 224, 7, 7, 3, 64, 2,\n")
    with pytest.raises(NetworkImportError, match="line 1: names no columns of a SCALE-Sim topology"):
        workloads.load(path)


LAYER = """\
Network t {
  Layer A { Type: CONV Density { Input: 0.5 Weight: 0.25 Output: 1 }
    Dimensions { K: 8, C: 4, R: 3, S: 3, Y: 8, X: 8 } }
}
"""


def test_densities_of_maestro_are_kept(tmp_path):
    path = tmp_path / "net.m"
    path.write_text(LAYER)
    network = workloads.load(path)
    assert (network.macs, network.effectual_macs) == (36 * 36 * 8, 36 * 36)
    for old, new, words in (
        ("Weight: 0.25", "Weight: 2", "the density of Weight must be above 0 and at most 1, got '2'"),
        ("Weight: 0.25", "Mass: 0.25", "Density is of Input, Weight, Output, got 'Mass'"),
    ):
        path.write_text(LAYER.replace(old, new))
        with pytest.raises(NetworkImportError, match=words):
            workloads.load(path)
