"""BLAS on one thread, for work that consists of many small products and factorisations."""

import functools

from threadpoolctl import ThreadpoolController

# Rows of a matrix below which its Cholesky factor takes less time on one thread than on two: with
# 1,000 a third of it, with 3,900 a fifth more.
SMALL = 2_000


@functools.cache
def _libraries():
    """What is loaded, looked up once: NumPy's BLAS and SciPy's are by then."""
    return ThreadpoolController()


def one_blas_thread(wanted=True):
    """A context in which BLAS, NumPy's and SciPy's, has one thread in the whole process, if wanted.

    A product with few columns takes less time than handing half of it to another thread, and if
    the other thread is not running, for there is other work on the machine, it is waited for: with
    two threads, training on 200 images in ten classes took twice the processor time, and on a busy
    machine five times as long or more.
    """
    return _libraries().limit(limits=1 if wanted else None, user_api="blas")
