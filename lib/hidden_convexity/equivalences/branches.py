"""Branches of three layers as atoms: pieces on which they are linear, and the program over a few.

A branch is z = (u, v) of length one with an inner sign s: the vector ((Xu)_+ + s (Xv)_+)_+. It is
linear in z on a cone that is bounded by walls of three kinds, x_i.u = 0, x_i.v = 0 and, where both
neurons are active and s = -1, x_i.u = x_i.v. With its piece kept, everything is as for neurons.
"""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from hidden_convexity.foundations.double_precision import TINY
from hidden_convexity.geometry.cones import project_each
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.problem.restricted.neurons import Neuron, null_space
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.problem.restricted.walls import TIGHT, Walls

# Steps of rough ascents, relative to the branch, and how many are then climbed exactly, of each
# pair of signs.
STEPS, CLIMBED = tuple(np.geomspace(1.0, 0.03, 25)), 8
# Relative gain that makes the other side of a wall higher, and size of a projection that is 0.
HIGHER, NOTHING = 1e-12, 1e-12


@dataclass(frozen=True, eq=False)
class Piece:
    """Where a branch is linear: which neurons of it each sample switches on.

    Attributes
    ----------
    first, second : (n,) ndarray of bool
        Whether x_i.u > 0 and x_i.v > 0.
    outer : (n,) ndarray of bool
        Whether the inner sum is positive; where it follows from the other two, it is what follows.
    inner : float
        s, 1 or -1.
    """

    first: np.ndarray
    second: np.ndarray
    outer: np.ndarray
    inner: float

    @classmethod
    def of(cls, X, z, inner):
        """The piece of a branch z (2d,); of one on a wall, one of those next to it."""
        one, other = (X @ z.reshape(2, -1).T).T
        return cls.with_sums(one > 0, other > 0, one - other > 0, inner)

    @classmethod
    def with_sums(cls, first, second, larger, inner):
        """Of patterns (n,), and whether x_i.u > x_i.v, which counts where both are active."""
        if inner > 0:
            return cls(first, second, first | second, inner)
        return cls(first, second, first & (larger | ~second), inner)

    @property
    def contested(self):
        """(n,) whether both neurons are active and cancel each other."""
        return self.first & self.second & (self.inner < 0)

    def linear(self, X):
        """The branch as a linear map of z, (n, 2d)."""
        one, other = self.first & self.outer, self.second & self.outer
        return np.hstack([one[:, None] * X, self.inner * other[:, None] * X])

    def walls(self, unit):
        """Unit normals (3n, 2d) that point inwards, of unit rows (n, d); zero where no wall is."""
        n, d = unit.shape
        normals = np.zeros((3 * n, 2 * d))
        normals[:n, :d] = np.where(self.first, 1.0, -1.0)[:, None] * unit
        normals[n : 2 * n, d:] = np.where(self.second, 1.0, -1.0)[:, None] * unit
        side = self.contested * np.where(self.outer, 1.0, -1.0) / np.sqrt(2.0)
        normals[2 * n :, :d] = side[:, None] * unit
        normals[2 * n :, d:] = -normals[2 * n :, :d]
        return normals

    def across(self, wall):
        """The piece on the other side of a wall, near a point that is on no other."""
        first, second, larger = self.first.copy(), self.second.copy(), self.outer.copy()
        kind, row = divmod(wall, len(first))
        if kind == 2:
            larger[row] ^= True
        else:
            (first, second)[kind][row] ^= True
            # Next to x.u = 0 the other neuron is the larger one, if it is active at all.
            larger[row] = kind == 1
        return self.with_sums(first, second, larger, self.inner)


class BranchProgram(RestrictedProgram):
    """The convex program over a few branches: `RestrictedProgram` with branches for neurons.

    A `Neuron` stands for a branch: its direction and weights are (2d,), and its sign is the pair of
    the outer sign and the inner one.

    Parameters
    ----------
    problem : TrainingProblem
        Of the squared loss.
    rows : (n, d) ndarray
        Its data, in coordinates.
    """

    def __init__(self, problem, rows):
        super().__init__(problem, _Rows(rows), None)
        self._unit = unit_rows(rows)

    def neuron(self, direction, sign):
        """A branch of weight zero in a unit direction (2d,), on the flat of its tight walls."""
        walls = self._piece(direction, sign).walls(self._unit)
        tight = walls[(np.abs(walls @ direction) <= TIGHT) & walls.any(axis=1)]
        return Neuron(direction, sign, null_space(tight, direction), (), 0 * direction)

    def ray(self, direction, sign):
        """A branch of weight zero that can only grow along its direction."""
        unit = direction / np.linalg.norm(direction)
        return Neuron(unit, sign, unit[None, :], (), 0 * unit)

    def heads(self, residual, found):
        """Outer and inner signs with which branches in the directions found violate the dual."""
        return found.signs

    def outputs(self, neurons):
        """Outputs (n,) of the branches."""
        total = np.zeros(len(self.y))
        for one in neurons:
            total += one.sign[0] * branch(self.passes.rows, one.weights, one.sign[1])
        return total

    def quadratic(self, neurons):
        """The loss near the present weights c as 1/2 m'Gm - s.m + constant in a move m: G and s."""
        features = np.hstack([self._features(one) for one in neurons])
        return features.T @ features, features.T @ (self.y - self.outputs(neurons))

    def inward(self, neuron):
        """Unit normals (w, 2d) of the branch's walls, pointing into its cone."""
        walls = self._piece(neuron.direction, neuron.sign).walls(self._unit)
        return walls[list(neuron.walls)]

    def walls(self, neuron, ends):
        """What a branch may meet, all of it; see `Passes.walls`."""
        normals = self._piece(neuron.direction, neuron.sign).walls(self._unit)
        return Walls(np.arange(len(normals)), normals, np.ones(len(normals)))

    def _piece(self, direction, sign):
        return Piece.of(self.passes.rows, direction, sign[1])

    def _features(self, neuron):
        linear = self._piece(neuron.direction, neuron.sign).linear(self.passes.rows)
        return neuron.sign[0] * (linear @ neuron.basis.T)


class _Rows:
    """What the program asks of its data: the rows, and as many columns as a branch has weights."""

    def __init__(self, rows):
        self.rows, self.X = rows, np.hstack([rows, rows])


def branch(X, z, inner):
    """((Xu)_+ + s (Xv)_+)_+ for z = (u, v), (n,); of several z (k, 2d) and s (k,), (n, k)."""
    d = X.shape[1]
    sums = np.maximum(X @ z[..., :d].T, 0.0) + inner * np.maximum(X @ z[..., d:].T, 0.0)
    return np.maximum(sums, 0.0)


class Found(NamedTuple):
    """What a search for branches found, as `DualMaximum` says it of neurons; signs are pairs."""

    value: float
    bound: float
    directions: np.ndarray
    values: np.ndarray
    signs: list


class BranchSearch:
    """Search the maximum of |nu.branch| over branches of length one, by ascents from many starts.

    Rough ascents along the gradient, many at once, then exact ones of the best: on a piece the
    maximum is at the projection of the gradient onto its cone, and a wall that holds it back is
    crossed where the other side has a larger one.

    Parameters
    ----------
    rows : (n, d) ndarray
    random_starts : int
        Random branches to start from, at every call others.
    """

    def __init__(self, rows, random_starts):
        self.rows, self.random_starts = rows, random_starts
        self._unit, self._rng = unit_rows(rows), np.random.default_rng(0)

    def __call__(self, nu, tolerance=0.0, level=None, starts=()):
        """Local maxima of nu (n,), the largest first; the other arguments are as for oracles."""
        nu, d = np.asarray(nu), self.rows.shape[1]
        random = self._rng.normal(size=(self.random_starts, 2 * d))
        starts = np.concatenate([np.reshape(starts, (-1, 2 * d)), random])
        found = []
        for outer, inner in product((1.0, -1.0), repeat=2):
            best = self._rough(outer * nu, starts / np.linalg.norm(starts, axis=1)[:, None], inner)
            for z in best:
                height, z = self._climb(outer * nu, z, inner)
                if height > 0:
                    found.append((height, z, (outer, inner)))
        found.sort(key=lambda one: -one[0])
        values = np.array([outer * height for height, _, (outer, _) in found])
        directions = np.reshape([z for _, z, _ in found], (-1, 2 * d))
        largest = float(np.abs(values).max(initial=0.0))
        return Found(largest, np.inf, directions, values, [signs for *_, signs in found])

    def _rough(self, nu, z, inner):
        """The best of what gradient steps reach from unit branches z (k, 2d), CLIMBED of them."""
        best, heights = z, nu @ branch(self.rows, z, inner)
        for step in STEPS:
            z = z + step * self._gradients(nu, z, inner)
            z = z / np.linalg.norm(z, axis=1)[:, None]
            reached = nu @ branch(self.rows, z, inner)
            best = np.where((reached > heights)[:, None], z, best)
            heights = np.maximum(reached, heights)
        return best[np.argsort(-heights)[:CLIMBED]]

    def _gradients(self, nu, z, inner):
        """Unit gradients (k, 2d) of nu.branch at z."""
        d = self.rows.shape[1]
        one, other = self.rows @ z[:, :d].T, self.rows @ z[:, d:].T
        outer = nu[:, None] * (np.maximum(one, 0.0) + inner * np.maximum(other, 0.0) > 0)
        parts = [(outer * (one > 0)).T @ self.rows, inner * (outer * (other > 0)).T @ self.rows]
        gradients = np.hstack(parts)
        return gradients / np.maximum(np.linalg.norm(gradients, axis=1), TINY)[:, None]

    def _climb(self, nu, z, inner):
        """A local maximum from a branch z: its height, and where it is."""
        piece = Piece.of(self.rows, z, inner)
        height, z, tight = self._summit(nu, piece, z)
        while True:
            others = [piece.across(wall) for wall in tight]
            summits = [self._summit(nu, other, z) for other in others]
            best = max(range(len(others)), key=lambda k: summits[k][0], default=None)
            if best is None or summits[best][0] <= height * (1 + HIGHER):
                return height, z
            piece, (height, z, tight) = others[best], summits[best]

    def _summit(self, nu, piece, otherwise):
        """The maximum on a piece's cone: height, unit branch, and the walls that hold it back.

        0 where the piece has only descents, at a branch given for that.
        """
        gradient = nu @ piece.linear(self.rows)
        walls, size = piece.walls(self._unit), len(gradient)
        tight, count = np.zeros((1, size), dtype=np.int64), np.zeros(1, dtype=np.int64)
        out, multipliers, least = np.zeros((1, size)), np.zeros((1, size)), np.zeros(1)
        patterns, owner = np.ones((1, len(walls)), dtype=bool), np.zeros(1, dtype=np.int64)
        points = gradient[None], tight, count
        project_each(walls, patterns, owner, *points, out, multipliers, least)
        height = float(np.linalg.norm(out[0]))
        if height <= NOTHING * np.linalg.norm(gradient):
            return 0.0, otherwise, tight[0, :0]
        return height, out[0] / height, tight[0, : count[0]]
