"""Checks of the exercises of notebook 05: geometric algebra."""

from itertools import combinations

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry import wedge

# Largest relative duality gap of an answer that counts as optimal: general solvers stop below it.
OPTIMAL = 1e-3
# Volume of dependent vectors, relative to the product of their lengths: the root of a determinant
# that is zero up to rounding.
FLAT = 1e-6


@exercise("05.1")
def most_columns(answer, rng):
    for n, d in [(4, 2), (5, 3), (3, 4), (4, 5)]:
        chosen = 2 * sum(1 for _ in combinations(range(n + d), d - 1))
        columns = wedge.dictionary(rng.normal(size=(n, d)), norm=1)[0].shape[1]
        given = answer.count(n, d)
        require(
            given >= columns,
            f"for n = {n} and d = {d} the dictionary has {columns} columns, more than {given}",
        )
        require(
            given == chosen,
            f"for n = {n} and d = {d} there are {chosen} choices of rows and sign, not {given}",
        )


@exercise("05.2")
def volume(answer, rng):
    for k, d in [(1, 3), (2, 3), (3, 4), (4, 5), (3, 3), (2, 6)]:
        rows = rng.normal(size=(k, d))
        rows[-1] += 30 * rows[0]  # a shear, which the lengths of the rows do not show
        given = answer.number(rows)
        what = f"for {counted(k, 'vector')} in R^{d} it is not the"
        if k == d - 1:
            same = np.isclose(given, np.linalg.norm(wedge.cross_product(rows)))
            require(same, f"{what} length of their cross product")
        # Heights of each vector above the span of those before it.
        heights = np.prod(np.abs(np.diag(np.linalg.qr(rows.T)[1])))
        require(np.isclose(given, heights), f"{what} volume")
    # Ten draws of each: rounding makes the determinant of some of them negative.
    for k, d in 10 * [(2, 3), (3, 3), (3, 5)]:
        rows = rng.normal(size=(k, d))
        rows[-1] = -2 * rows[0]
        given = answer.number(rows)
        flat = abs(given) < FLAT * np.prod(np.linalg.norm(rows, axis=1))
        require(flat, f"for {k} vectors in R^{d} of which two are parallel it is not zero")


@exercise("05.3")
def neuron(answer, rng):
    for n in (4, 9):
        points = rng.normal(size=(n, 2))
        i, j = (int(k) for k in rng.choice(n, size=2, replace=False))
        one, other = (answer.array(points, *pair, shape=(n,)) for pair in ((i, j), (j, i)))
        require((one >= 0).all(), "an output is negative")
        require(np.abs(one[[i, j]]).max() < 1e-9, "the output at the two points is not zero")
        base = np.linalg.norm(points[j] - points[i])
        normal = np.array([points[i, 1] - points[j, 1], points[j, 0] - points[i, 0]]) / base
        heights = (points - points[i]) @ normal
        same = np.allclose(one + other, base * np.abs(heights))
        require(same, "on the active side the output is not base times height")
        right = np.allclose(one, base * np.maximum(heights, 0))
        require(right, "the neuron is active on the clockwise side")


@exercise("05.4")
def train_l1(answer, rng):
    for n, d in [(6, 2), (5, 3)]:
        X, y = rng.normal(size=(n, d)), rng.normal(size=n)
        K, _ = wedge.dictionary(X, norm=1)
        beta = 0.2 * np.abs(K.T @ y).max()
        z = answer.array(X, y, beta, shape=(K.shape[1],))
        residual = y - K @ z
        value = 0.5 * residual @ residual + beta * np.abs(z).sum()
        s = min(1.0, beta / max(np.abs(K.T @ residual).max(), beta))
        bound = s * (residual @ y) - s**2 * (residual @ residual) / 2
        require(
            value - bound <= OPTIMAL * value,
            "your z is not optimal: the dual bound of its residual is below its value",
        )
