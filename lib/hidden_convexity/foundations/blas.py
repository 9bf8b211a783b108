"""BLAS on one thread, for work that consists of many small products and factorisations."""

import functools
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

# Rows of a matrix below which its Cholesky factor takes less time on one thread than on two: with
# 1,000 a third of it, with 3,900 a fifth more.
SMALL = 2_000
# How many contexts are open, in all threads, and what the first of them found.
_LOCK, _open, _found = threading.Lock(), 0, None


@functools.cache
def _libraries():
    """What is loaded, looked up once: NumPy's BLAS and SciPy's are by then."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread(wanted=True):
    """A context in which BLAS, NumPy's and SciPy's, has one thread in the whole process, if wanted.

    A product with few columns takes less time than handing half of it to another thread, and if
    the other thread is not running, for there is other work on the machine, it is waited for: with
    two threads, training on 200 images in ten classes took twice the processor time, and on a busy
    machine five times as long or more. NumPy and SciPy bring a BLAS each; where products of one and
    factorisations of the other take turns, as in Newton's method over 500 gates, two threads took
    three to five times as long.

    Contexts may overlap, in one thread or several: the last to be left restores what was there.
    """
    global _open, _found
    if not wanted:
        yield
        return
    with _LOCK:
        if _open == 0:
            _found = _libraries().limit(limits=1, user_api="blas")
        _open += 1
    try:
        yield
    finally:
        with _LOCK:
            _open -= 1
            if _open == 0:
                _found.restore_original_limits()
