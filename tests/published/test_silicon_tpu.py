"""TPU v1: the weight-bound applications and the convolutional one, against measured throughput."""

import pytest

from hwmodels.validation.silicon import tpu_v1

pytestmark = pytest.mark.published

TOPS = {"MLP0": 12.3, "MLP1": 9.7, "LSTM0": 3.7, "CNN0": 86.0}  # Jouppi et al., ISCA 2017, table 3
APPS = {app.name: app for app in tpu_v1.apps()}


@pytest.mark.parametrize("name", TOPS)
def test_throughput(name):
    assert tpu_v1.tops(APPS[name]) == pytest.approx(TOPS[name], rel=0.20)


def test_what_bounds_them_is_what_the_paper_says():
    """Memory for multilayer perceptrons and LSTMs, the matrix unit for the convolutional networks."""
    for name, app in APPS.items():
        bound = tpu_v1.run_layer(app).bound
        assert bound == (
            "compute" if name.startswith("CNN") else "main memory"
        )  # that of weights: the host is free


def test_a_tile_takes_its_time_at_34_gigabytes_per_second():
    app = APPS["MLP0"]
    cycles = tpu_v1.run_layer(app).seconds * 700e6 / app.tiles
    assert cycles == pytest.approx(65536 / 34e9 * 700e6, rel=1e-4)  # whole cycles


@pytest.mark.compiled
def test_cnn0_is_as_fast_as_measured_where_its_tensors_may_stay():
    """The mapper and the schedule choose; layer by layer the host's link takes 13.2 TOPS."""
    assert tpu_v1.resident_tops(APPS["CNN0"]) == pytest.approx(86.0, rel=0.02)


def test_the_two_reported_ones_are_far_off():
    """Without layer shapes; pinned so that a change shows."""
    assert tpu_v1.tops(APPS["LSTM1"]) / 2.8 == pytest.approx(2.16, abs=0.01)
    assert tpu_v1.tops(APPS["CNN1"]) / 14.1 == pytest.approx(6.20, abs=0.01)
