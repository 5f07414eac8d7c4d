"""Small layers train fastest on one thread, and other tests keep the other cores busy."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)
