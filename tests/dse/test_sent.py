"""What is sent to other processes is pickled once and opened once."""

import os
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from dse.run.sent import Delivery, Sent


class Counting:
    """A function that counts how often it is taken apart and put together."""

    apart = together = 0

    def __reduce__(self):
        Counting.apart += 1
        return counted, ()

    def __call__(self, start, stop):
        return stop - start


def counted():
    Counting.together += 1
    return Counting()


def test_many_tasks_pickle_a_function_once_and_a_process_opens_it_once():
    Counting.apart = Counting.together = 0
    sent = Sent(Counting())
    for task in [pickle.dumps(sent) for _ in range(5)]:
        assert pickle.loads(task)(2, stop=7) == 5
    assert (Counting.apart, Counting.together) == (1, 1)


def test_what_was_opened_can_be_sent_on():
    opened = pickle.loads(pickle.dumps(Sent(Counting())))
    assert pickle.loads(pickle.dumps(opened))(0, 3) == 3


def where():
    return os.getpid()


def test_what_another_process_returns_arrives_as_it_was():
    sent = Sent(where)
    assert sent() == os.getpid()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        first, second = pool.submit(sent).result(), pool.submit(sent).result()
    assert first == second != os.getpid()


class Large:
    """A function with a table."""

    def __init__(self):
        self.table = b"x" * 10**6

    def __call__(self, number):
        return len(self.table) + number


def test_a_large_function_travels_once():
    """Tables of a certified search went along with every task."""
    sent = Sent(Large())
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        delivery = Delivery(pool, sent)
        head = delivery._head
        assert len(pickle.dumps(head)) < 300
        assert [delivery.submit(number).result() for number in range(3)] == [10**6, 10**6 + 1, 10**6 + 2]
        file = Path(head[1])
        assert file.stat().st_size >= 10**6
        del delivery
    assert not file.exists()
    with ThreadPoolExecutor(1) as threads:
        assert Delivery(threads, sent)._head == (sent,)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert Delivery(pool, Sent(where))._head[0] is not sent


def test_a_large_function_is_scattered_over_a_cluster():
    distributed = pytest.importorskip("distributed")
    quiet = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with (
        distributed.LocalCluster(**quiet) as running,
        distributed.Client(running) as client,
        client.get_executor() as executor,
    ):
        delivery = Delivery(executor, Sent(Large()))
        assert delivery.submit(2).result() == 10**6 + 2
        assert len(delivery._head) == 3
