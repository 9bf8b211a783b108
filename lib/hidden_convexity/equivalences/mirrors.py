"""Three layers of absolute values on 1-D data: a Lasso whose dictionary has mirror images.

f(x) = c + sum_j a_j | q_j |p_j x + r_j| + s_j |, with free c, r_j, s_j, and penalty
(beta/3) sum_j (|p_j|^3 + |q_j|^3 + |a_j|^3), at least beta sum_j |p_j q_j a_j| and equal to it after
rescaling. A branch is a multiple of ||x - m| - t| with t >= 0, or of |x - m| and a constant. The
best m and t make the zeros of a branch data points: |x - x_i|; zeros at x_j and at its mirror image
2 x_i - x_j in the mirror x_i; zeros at x_i and x_j, with the mirror half-way between them.
"""

from itertools import combinations, permutations
from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import parts

BRANCHES = 8

table_row = parts.TableRow(
    name="three layers of absolute values, 1-D",
    model=r"$\frac12\|Kz + c1 - y\|^2 + \beta\|z\|_1$, columns of $K$: $|x - x_i|$, "
    r"$\big||x - m| - t\big|$ with zeros at data and mirror images",
    signal="Lasso, with reflections",
    source="[Zeger et al. 2024](https://arxiv.org/abs/2403.01046)",
    atoms=r"$|z_k|$",
)


class MirrorNetwork(NamedTuple):
    """f(x) = c + sum_j a_j | q_j |p_j x + r_j| + s_j |: five arrays (m,), and c (1,)."""

    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    output: np.ndarray
    constant: np.ndarray

    def __call__(self, X):
        inner = np.abs(X * self.first[..., None, :] + self.first_bias[..., None, :])
        outer = np.abs(inner * self.second[..., None, :] + self.second_bias[..., None, :])
        return (outer @ self.output[..., None])[..., 0] + self.constant


def instance(rng):
    """Five points in increasing order, and random targets."""
    X = np.sort(rng.uniform(-2, 2, size=5))[:, None]
    return X, rng.normal(size=5), 0.1


def checked(X, y, beta):
    """X (n, 1), y (n,) and beta, validated."""
    X, y, beta = parts.checked(X, y, beta)
    if X.shape[1] != 1:
        raise ValueError(f"X must have one column for this row, got shape {X.shape}")
    return X, y, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/3) sum_j (|p_j|^3 + |q_j|^3 + |a_j|^3)."""
    X, y, beta = checked(X, y, beta)
    weights = network.first, network.second, network.output
    cubes = sum((np.abs(part) ** 3).sum(axis=-1) for part in weights)
    return parts.squared_error(network(X), y) + beta / 3 * cubes


def mirrors_of(points):
    """The pairs (m, t) of the dictionary, without repetitions: ||x - m| - t|, as rows (k, 2)."""
    points = np.unique(points)
    found = [(point, 0.0) for point in points]
    found += [(mirror, abs(mirror - zero)) for mirror, zero in permutations(points, 2)]
    found += [((a + b) / 2, abs(a - b) / 2) for a, b in combinations(points, 2)]
    return np.unique(found, axis=0)


def convex_program(X, y, beta):
    """The Lasso with a free constant."""
    X, y, beta = checked(X, y, beta)
    mirrors = mirrors_of(X)
    dictionary = np.abs(np.abs(X - mirrors[:, 0]) - mirrors[:, 1])
    z, c = cp.Variable(len(mirrors), name="z"), cp.Variable(1, name="c")
    loss = 0.5 * cp.sum_squares(dictionary @ z + c - y)
    return parts.Program(loss + beta * cp.norm1(z), mirrors=mirrors)


def decode(program):
    """One branch for each non-zero coefficient, its three weights of size |z|^(1/3)."""
    z = program.weights("z")
    used = np.abs(z) > parts.NEGLIGIBLE * np.abs(z).max()
    root, (mirror, distance) = np.cbrt(np.abs(z[used])), program.known["mirrors"][used].T
    return MirrorNetwork(
        first=root,
        first_bias=-root * mirror,
        second=root,
        second_bias=-(root**2) * distance,
        output=np.sign(z[used]) * root,
        constant=program.weights("c"),
    )


def sizes(program):
    """Absolute coefficients."""
    return np.abs(program.weights("z"))


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start."""
    start = MirrorNetwork(*rng.normal(size=(5, BRANCHES)), constant=np.zeros(1))
    return parts.descend_from(start, lambda network: objective(network, X, y, beta))
