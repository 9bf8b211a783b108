"""Checks of the exercises of notebook 04: zonotopes."""

import numpy as np
from scipy.spatial import ConvexHull

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry.zonotope import Zonotope
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers import train

# An optimum on either side of beta_max is told apart this close to it; solvers agree to 1e-6.
NEAR = 1e-3


@exercise("04.1")
def count_vertices(answer, rng):
    for n, k in [(5, 1), (3, 4), (8, 2), (1, 3), (6, 0)]:
        X = rng.normal(size=(n, 2))
        # An odd number of multiples has both signs, and so has an even one.
        multiples = np.outer(rng.uniform(0.5, 2, k) * (-1.0) ** np.arange(1, k + 1), X[0])
        vertices = len(Zonotope(np.vstack([X, multiples])))
        given = answer.count(n, k)
        require(
            given == vertices,
            f"for {counted(n, 'row')} and {counted(k, 'multiple')} of the first there are "
            f"{vertices} vertices, not {given}",
        )


@exercise("04.2")
def opposite(answer, rng):
    for n, d in [(5, 2), (6, 3)]:
        X = rng.normal(size=(n, d))
        Z = Zonotope(X)
        for z, pattern in zip(Z.vertices, Z.patterns.T, strict=True):
            given = answer.array(X, z, shape=(d,))
            require(Z.contains(given), "your point is outside the zonotope")
            distances = np.linalg.norm(Z.vertices - given, axis=1)
            require(distances.min() < 1e-9, "your point is no vertex")
            other = Z.patterns[:, distances.argmin()]
            require(
                np.array_equal(other, ~pattern),
                "the pattern of your vertex is not the opposite of that of z",
            )


@exercise("04.3")
def largest_decay(answer, rng):
    for n, d in [(6, 2), (5, 3)]:
        X = rng.normal(size=(n, d))
        for y in (rng.normal(size=n), np.abs(rng.normal(size=n))):
            given = answer.number(X, y)
            require(given > 0, "your number is not positive")
            above = train(TrainingProblem(X, y, (1 + NEAR) * given)).network
            require(len(above) == 0, "a little above your number, the optimal network is not zero")
            below = train(TrainingProblem(X, y, (1 - NEAR) * given), tol=1e-9).network
            require(len(below) > 0, "a little below your number, the optimal network still is zero")


@exercise("04.4")
def face_areas(answer, rng):
    for n in (3, 4, 6):
        X = rng.normal(size=(n, 3))
        pairs = n * (n - 1) // 2
        areas = answer.array(X, shape=(None,))
        require(
            len(areas) == pairs,
            f"{n} rows have {pairs} pairs of faces, and you return {len(areas)} areas",
        )
        require((areas > 0).all(), "an area is not positive")
        surface = ConvexHull(Zonotope(X).vertices).area
        same = np.isclose(2 * areas.sum(), surface)
        require(same, "twice the sum of your areas is not the surface of the zonotope")
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turned = answer.array(X @ turn, shape=(None,))
        same = len(turned) == pairs and np.allclose(np.sort(areas), np.sort(turned))
        require(same, "your areas change when the rows are rotated")
