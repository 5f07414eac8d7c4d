"""Public reports of files and models that failed, by rows, and the test that holds each row's right value.

What no other test holds is here, at the end.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import hwmodels
import workloads
from tests.workloads.models import TensorProto, model, node, random, save, stored, tensor

TESTS = Path(__file__).parent
ROWS = Path(__file__).resolve().parents[2] / "shared" / "cases" / "files_and_models.md"

WHERE = {
    "A1": "interop/test_timeloop_v4.py::test_it_reads_what_v3_writes_otherwise",
    "A3": "interop/test_timeloop_cases.py::test_component_files_are_merged",
    "A5": "interop/test_timeloop_cases.py::test_a_compressed_tile_takes_its_nonzeros",
    "A7": "interop/test_timeloop_cases.py::test_an_action_without_options",
    "A9": "interop/test_timeloop_cases.py::test_a_streamed_operand_is_written_and_read_on_its_way",
    "A10": "interop/test_sparseloop_search.py::test_the_optimum_is_that_of_all_mappings_given_one_by_one",
    "A11": "interop/test_timeloop_cases.py::test_the_tables_own_price_of_an_access_is_used",
    "A17": "interop/test_timeloop_cases.py::test_a_directive_given_twice_is_named",
    "A28": "interop/test_timeloop_cases.py::test_older_grammars",
    "B1": "workloads/test_other_tools.py::test_convolutions_count_as_scalesim_counts_them",
    "B5": "test_case_rows.py::test_an_array_that_keeps_outputs_does_not_count_their_drain",
    "C1": "workloads/test_onnx_models.py::test_a_file_without_weights_is_dense",
    "C4": "workloads/test_onnx_light.py::test_shapes_are_those_of_onnx_shape_inference",
    "C5": "workloads/test_onnx_models.py::test_weights_may_be_inputs",
    "C6": "test_case_rows.py::test_an_empty_length_costs_nothing",
    "C7": "workloads/test_onnx_models.py::test_the_first_step_of_a_decoder_has_nothing_in_its_cache",
    "C8": "workloads/test_onnx_control.py::test_weights_inside_are_one_and_results_are_stacked",
    "C10": "workloads/test_onnx_models.py::test_an_input_that_is_known_decides_a_branch",
    "C11": "test_case_rows.py::test_what_depends_on_data_names_itself_and_the_way_out",
    "C12": "workloads/test_onnx_models.py::test_old_operator_sets_are_converted",
    "C14": "workloads/test_onnx_models.py::test_scores_may_be_given_away",
    "D1": "torch/test_models.py::test_a_result_may_be_an_object",
    "D3": "torch/test_models.py::test_a_first_step_with_an_empty_cache",
    "D4": "torch/test_caches.py::test_a_cache_is_appended_to_in_place_unless_it_is_to_be_copied",
    "D5": "torch/test_same_function.py::test_heads_that_share_keys_read_them_once",
    "D7": "torch/test_same_function.py::test_a_1x1_convolution_costs_a_linear_layer",
    "D8": "torch/test_same_function.py::test_attention_costs_the_same_however_it_is_spelt",
    "D10": "torch/test_models.py::test_experts_are_products_of_groups",
    "D11": "torch/test_models.py::test_rows_of_experts_that_data_choose_add_up",
    "D13": "torch/test_models.py::test_filters_may_be_computed",
    "D15": "torch/test_models.py::test_elements_are_picked_of_constants",
    "D19": "torch/test_constants.py::test_a_layer_of_constants_is_work",
    "D20": "torch/test_quantised.py::test_layers_of_integers_keep_their_width",
    "D21": "torch/test_models.py::test_what_cannot_be_traced_says_where_and_what_to_do",
    "D22": "torch/test_models.py::test_packed_sequences_run_as_long_as_they_are",
    "D23": "torch/test_models.py::test_transforms_and_distances_are_vector_work",
    "D25": "torch/test_models.py::test_what_cannot_be_traced_says_where_and_what_to_do",
    "D32": "torch/test_operators.py::test_a_bilinear_layer_is_two_products",
}
"""Row -> the test of it."""


@pytest.mark.parametrize("row", list(WHERE))
def test_every_row_has_a_test_that_is_there(row):
    file, name = WHERE[row].split("::")
    assert re.search(rf"^def {name}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_no_row_is_left_out():
    if not ROWS.is_file():
        pytest.skip("the reports are not beside this checkout")
    listed = re.findall(r"^\| ([A-D]\d+) \|", ROWS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(WHERE)


@pytest.mark.parametrize(("rows", "cols", "steps"), [(4, 4, 4), (3, 5, 7), (16, 8, 32)])
def test_an_array_that_keeps_outputs_does_not_count_their_drain(rows, cols, steps):
    """B5 asks 2 R + C + T - 2 of an array that keeps outputs: R more, if their way out is counted apart."""
    cycles = hwmodels.systolic_cycles(m=rows, k=steps, n=cols, rows=rows, cols=cols, dataflow="os")
    assert cycles == rows + cols + steps - 2
    assert cycles + rows == 2 * rows + cols + steps - 2


@pytest.mark.parametrize("lengths", [(8, 0), (0, 8), (3, 0, 5)])
def test_an_empty_length_costs_nothing(tmp_path, lengths):
    """C6: a cut of no length, and a join with what has none."""
    pieces = [f"p{i}" for i in range(len(lengths))]
    nodes = [node("Split", ["x", "s"], pieces, "cut", axis=1), node("Concat", pieces, ["j"], "join", axis=1)]
    nodes.append(node("MatMul", ["j", "w"], ["y"], "fc"))
    held = [stored("s", np.array(lengths)), random("w", 8, 4)]
    built = model(nodes, [tensor("x", (2, 8))], [tensor("y", None)], held)
    assert workloads.from_onnx(save(tmp_path / "m.onnx", built)).macs == 2 * 8 * 4


def test_what_depends_on_data_names_itself_and_the_way_out(tmp_path):
    """C11: how many elements are not zero, data decide, unless the input is given."""
    nodes = [
        node("NonZero", ["x"], ["n"], "places"),
        node("Shape", ["n"], ["c"], "count"),
        node("Cast", ["c"], ["f"], "cast", to=TensorProto.FLOAT),
        node("Mul", ["z", "f"], ["y"], "times"),
    ]
    inputs = [tensor("x", (4,)), tensor("z", (2,))]
    path = save(tmp_path / "m.onnx", model(nodes, inputs, [tensor("y", None)]))
    line = r"node 'places' \(NonZero\): depends on data; inputs=\{'x': VALUE\} \(--input x=VALUE\)"
    with pytest.raises(workloads.NetworkImportError, match=line):
        workloads.from_onnx(path)
    network = workloads.from_onnx(path, inputs={"x": np.array([0, 1, 2, 0], np.float32)})
    assert network.table().vector_ops.sum() == 2
