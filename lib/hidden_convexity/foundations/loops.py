"""Compiled loops in the place of array statements, for compiled functions that a reader waits for.

For each assignment to a slice numba also compiles the text of its error message: two seconds in a
process that does it once. An operation on whole arrays takes three to ten times as long to compile
as its loop.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit


@njit(cache=True, nogil=True)
def assign(out, values):
    """out[:] = values, for vectors of one length."""
    for k in range(len(out)):
        out[k] = values[k]


@njit(cache=True, nogil=True)
def assign_rows(out, rows):
    """out[:] = rows, for matrices of one shape."""
    for i in range(len(out)):
        assign(out[i], rows[i])


@njit(cache=True, nogil=True)
def fill(out, value):
    """out[:] = value, for a vector."""
    for k in range(len(out)):
        out[k] = value


@njit(cache=True, nogil=True)
def divide(vector, size):
    """vector /= size, for a vector."""
    for k in range(len(vector)):
        vector[k] /= size


@njit(cache=True, nogil=True)
def longer(array, length):
    """A copy of an array with room for more along its first axis."""
    copy = np.empty((length, *array.shape[1:]), dtype=array.dtype)
    old = array.reshape(-1)
    assign(copy.reshape(-1)[: len(old)], old)
    return copy
