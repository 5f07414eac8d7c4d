"""What is sent to other processes is pickled once and opened once."""

import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from dse.run.sent import Sent


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
