"""BLAS on one thread, whoever else asks for it."""

import scipy.linalg  # noqa: F401  (its BLAS and NumPy's are what is limited)
from threadpoolctl import threadpool_info, threadpool_limits

from hidden_convexity.foundations.blas import one_blas_thread


def threads():
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_contexts_that_overlap_leave_what_was_there():
    """The second to open found one thread, and left one when it was the last to close."""
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        one, other = one_blas_thread(), one_blas_thread()
        one.__enter__()
        other.__enter__()
        assert threads() == {1}
        one.__exit__(None, None, None)
        assert threads() == {1}
        other.__exit__(None, None, None)
        assert threads() == before


def test_who_does_not_want_it_changes_nothing():
    before = threads()
    with one_blas_thread(False):
        assert threads() == before
