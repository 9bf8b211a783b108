"""Least squares with coefficients that are not negative, where SciPy's own answer is another."""

from itertools import combinations

import numpy as np
import pytest

from hidden_convexity.foundations.nonnegative import nonnegative_least_squares

# Walls of cones and points on which `nnls` of SciPy 1.17 ends elsewhere.
SEEN = [
    (
        [[0, -2, -1, 0], [1, 1, 1, 0], [-1, -1, -1, -1], [1, 1, 1, 1], [1, 1, -2, 1]],
        [-4, -4, 2, -2],
    ),
    ([[0, 2, 0], [2, -2, 2], [0, 0, 0], [1, 1, 1], [-2, 0, -1], [-1, -2, -1]], [3, -1, -1]),
]


def least_distance(A, b):
    """The least ||A x - b|| over x >= 0: that of some independent columns, all of them positive."""
    best = np.linalg.norm(b)
    for size in range(1, min(A.shape) + 1):
        for columns in combinations(range(A.shape[1]), size):
            part = A[:, columns]
            if np.linalg.matrix_rank(part) == size:
                x = np.linalg.lstsq(part, b, rcond=None)[0]
                if x.min() >= -1e-12:
                    best = min(best, np.linalg.norm(part @ x - b))
    return best


@pytest.mark.parametrize(("walls", "point"), SEEN)
def test_the_projection_is_right_where_scipy_ends_elsewhere(walls, point):
    A, b = np.array(walls, dtype=float).T, np.array(point, dtype=float)
    x = nonnegative_least_squares(A, b)
    assert x.min() >= 0
    assert np.linalg.norm(A @ x - b) == pytest.approx(least_distance(A, b), abs=1e-12)


def test_the_distance_is_least_on_data_made_to_tie():
    rng = np.random.default_rng(0)
    for _ in range(400):
        n, k = rng.integers(1, 5), rng.integers(1, 7)
        A = rng.integers(-2, 3, (n, k)).astype(float)
        b = rng.integers(-4, 5, n).astype(float)
        x = nonnegative_least_squares(A, b)
        assert x.min() >= 0
        assert np.linalg.norm(A @ x - b) == pytest.approx(least_distance(A, b), abs=1e-11)
