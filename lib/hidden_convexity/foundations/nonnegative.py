"""Least squares with coefficients that are not negative: projections on cones."""

import numpy as np
import scipy

# Of the products of lengths: a gradient within this of 0 is one.
OPTIMAL = 1e-10
# Steps of SciPy's nnls for each column.
STEPS = 30


def nonnegative_least_squares(A, b):
    """The x >= 0 of least ||A x - b||, seen to be it.

    On small integers SciPy's `nnls` ends elsewhere once in some thirty thousand times, and says
    nothing; so does its `lsq_linear`. So answers are asked for the conditions of optimality (Lawson
    and Hanson, Solving Least Squares Problems, 1974, chapter 23), and where they fail the space is
    turned, which changes no distance, and then the other method tried.

    Parameters
    ----------
    A : (n, k) ndarray
    b : (n,) ndarray

    Returns
    -------
    (k,) ndarray
        Not negative, whatever rounding does. If no answer is optimal, the best of them, or 0.
    """
    best = np.zeros(A.shape[1])
    for method in (_active_sets, _active_sets_turned, _bounds):
        try:
            x = method(A, b)
        except RuntimeError:  # it has not converged
            continue
        if _is_optimal(A, b, x):
            return x
        best = min(best, x, key=lambda x: np.linalg.norm(A @ x - b))
    return best


def _active_sets(A, b):
    return scipy.optimize.nnls(A, b, maxiter=STEPS * A.shape[1])[0]


def _active_sets_turned(A, b):
    """The same after a reflection, under which entries that cancelled do no more."""
    mirror = np.sqrt(np.arange(1, len(b) + 1))
    mirror /= np.linalg.norm(mirror)
    reflected = np.eye(len(b)) - 2 * np.outer(mirror, mirror)
    return _active_sets(reflected @ A, reflected @ b)


def _bounds(A, b):
    return np.maximum(scipy.optimize.lsq_linear(A, b, (0, np.inf), method="bvls").x, 0.0)


def _is_optimal(A, b, x):
    """Whether the gradient is 0 for the positive coefficients, and not negative for the others."""
    gradient = A.T @ (A @ x - b)
    tolerance = OPTIMAL * np.linalg.norm(A, axis=0) * np.linalg.norm(b)
    return bool(np.all(gradient >= -tolerance) and np.all(gradient[x > 0] <= tolerance[x > 0]))
