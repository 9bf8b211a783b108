"""Ramps (x - u)_+ on the line: all their correlations and sums in O(n), by cumulative sums.

A dictionary of n ramps on n points has n^2 entries, and is never formed. The correlations with a
vector nu are R(u) = sum_i nu_i (x_i - u)_+, a function of u that is linear between data points;
its slope there is minus a sum of nu, and R itself a sum of those: two running sums. Sums of
ramps are the same thing transposed. No squares of x occur, so that nothing cancels.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse.linalg import LinearOperator

from hidden_convexity.foundations.compensated import running_sums
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import of_moderate_size, real_array
from hidden_convexity.problem.training_problem import TrainingProblem


def line_data(x, name="x"):
    """Return x as a finite float64 vector (n,) with n >= 1 whose squares can be represented."""
    x = real_array(x, name, ndim=1)
    if x.size == 0:
        raise ValueError(f"{name} must have at least one entry, got none")
    return of_moderate_size(x, name)


def line_problem(x, y, beta):
    """The training problem of inputs x (n,) and targets y (n,), with checks that name them.

    The constant c of a network is free, so the targets are centred: bounds lose no digits to a
    large mean.
    """
    x, y = line_data(x), line_data(y, "y")
    problem = TrainingProblem(x[:, None], y, beta)
    return replace(problem, y=y - mean(y))


def mean(y):
    """The mean of targets (n,), and of equal ones their value to the last digit.

    A sum divided by n need not be: the gap would then be one of rounding over rounding.
    """
    y = np.asarray(y, dtype=np.float64)
    return float(y[0] + np.mean(y - y[0]))


class Ramps:
    """Correlations with ramps, and sums of them, on given data.

    Parameters
    ----------
    x : (n,) array_like
        Data, in any order and with repetitions.

    Attributes
    ----------
    points : (p,) ndarray
        The distinct data points in increasing order; `member` (n,) says which each datum is.
    gaps : (p - 1,) ndarray
        Distances between neighbouring points.
    """

    def __init__(self, x):
        self.points, self.member = np.unique(line_data(x), return_inverse=True)
        self.gaps = np.diff(self.points)

    def correlate(self, nu):
        """R(u) = sum_i nu_i (x_i - u)_+ at the data points u: (p,), for nu (n,)."""
        mass = np.bincount(self.member, weights=nu, minlength=len(self.points))
        beyond = running_sums(mass[:0:-1])  # sum of nu to the right of each gap, from the right
        R = np.zeros(len(self.points))
        R[:-1] = running_sums(self.gaps[::-1] * beyond)[::-1]
        return R

    def allowance(self, nu):
        """What rounding may do to R, and to the sum of nu (n,), which should be 0.

        In units of sum |nu_i| times the range of the data: 4 eps for the running sums, which are
        compensated, their products and the gaps, and as many as data share a point for what is
        added up there. A nu of sum 0 is as far from the given one as its mean, in each entry.
        """
        n, span = len(nu), self.points[-1] - self.points[0]
        size = float(np.abs(nu).sum())
        sums = (4.0 + np.bincount(self.member).max()) * EPS + (n * EPS) ** 2
        unbalanced = abs(float(running_sums(nu)[-1])) + 2 * EPS * size
        return float((sums * size + unbalanced) * span)

    def combine(self, z, u):
        """sum_k z_k (x_i - u_k)_+ (n,), for coefficients z (q,) and any knots u (q,)."""
        following = np.searchsorted(self.points, u)  # first data point on or after the knot
        met = following < len(self.points)
        z, u, following = z[met], u[met], following[met]
        count = len(self.points)
        start = np.bincount(following, weights=z * (self.points[following] - u), minlength=count)
        slope = np.cumsum(np.bincount(following, weights=z, minlength=count))
        values = np.cumsum(start, dtype=float)  # bincount of nothing counts in integers
        values[1:] += np.cumsum(self.gaps * slope[:-1])
        return values[self.member]


class RampDictionary(LinearOperator):
    """The ramps (x - u)_+ and (u - x)_+ at all data points u, as an operator: O(n) a product.

    Parameters
    ----------
    x : (n,) array_like
        Data, in any order and with repetitions.

    Attributes
    ----------
    knots : (q,) ndarray
        The u of each column: the p distinct points in increasing order but the last, then all but
        the first. The two left out are zero on the data.
    directions : (q,) ndarray
        1.0 for (x - u)_+, then -1.0 for (u - x)_+. q = 2 (p - 1).

    Raises
    ------
    TypeError, ValueError
        If x is not a finite real vector of moderate size.

    Notes
    -----
    Ergen and Pilanci (2021), arXiv:2002.11219: training a two-layer ReLU network of one variable
    with free biases is a Lasso over these columns and a free constant.
    """

    def __init__(self, x):
        self._right, self._left = Ramps(x), Ramps(-np.asarray(line_data(x)))
        points = self._right.points
        self.knots = np.concatenate([points[:-1], points[1:]])
        self.directions = np.repeat([1.0, -1.0], len(points) - 1)
        super().__init__(np.dtype(float), (len(self._right.member), len(self.knots)))

    def _matvec(self, z):
        right, left = np.split(np.ravel(z), 2)
        knots = self._right.points
        return self._right.combine(right, knots[:-1]) + self._left.combine(left, -knots[1:])

    def _rmatvec(self, nu):
        nu = np.ravel(nu)
        right, left = self._right.correlate(nu), self._left.correlate(nu)
        return np.concatenate([right[:-1], left[::-1][1:]])
