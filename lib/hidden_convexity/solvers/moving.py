"""Neurons that move, for the search in many dimensions: descent of P between convex programs.

Among many samples a chamber is narrow, and a neuron that must stay in its own takes hundreds of
rounds of column generation to where it belongs; in the exact restricted program k neurons are also
k d unknowns with thousands of walls. Here the neurons cross walls: their lengths solve a convex
program of k unknowns, then all of them descend P in the coordinates u_j = |a_j| w_j,

    min over u_1 .. u_k   F(sum_j s_j (X u_j)_+) + beta sum_j ||u_j||,

which is not convex. Nothing rests on where a descent ends: the dual bound is that of any network's
residual, and a local minimum that isn't the optimum leaves a violator, which enters. This is the
sliding Frank-Wolfe method (Denoyelle, Duval, Peyre and Soubies 2019, arXiv:1811.06416).
"""

from dataclasses import replace

import numpy as np
import scipy

from hidden_convexity.problem.restricted.program import RestrictedProgram

# Optimal neurons sit on walls, where P has kinks: L-BFGS stops at them early, and with a residual
# that no dual certificate is near. So kinks are rounded, over angles of about these (radians), one
# after the other: the slopes at the last are those of rows that are partly active.
ROUNDED = (1e-1, 1e-2, 1e-3)
# Iterations for each of them, relative decrease of an iteration at which they end, and pairs kept.
ITERATIONS, SAME_HEIGHT, MEMORY = 200, 1e-8, 20
# Neurons this short against the longest are on their way to zero.
SHORT = 1e-4


class MovingProgram(RestrictedProgram):
    """Lowers P over neurons that start in given directions, to a local minimum.

    Takes the place of `RestrictedProgram` where that is too large; arguments are the same.
    """

    precise = False

    def neuron(self, direction, sign):
        """A neuron of weight zero in a unit direction (d,)."""
        return self.ray(direction, sign)

    def solve(self, neurons):
        """Neurons of a P that is not above that of the given ones; those that vanish are left out.

        The lengths are optimal in the directions from which the descent starts, and in those in
        which it ends.
        """
        before = [one for one in neurons if one.weights.any()]
        start = super().solve([self._along_itself(one) for one in neurons])
        moved = super().solve(self._descend(start))
        return min(moved, start, before, key=self.objective)

    def polish(self, neurons):
        """The neurons themselves: Newton's method on one piece of P ends where the piece does."""
        return neurons

    def _along_itself(self, neuron):
        """The neuron as one that can only grow along its present weights."""
        if not neuron.weights.any():
            return neuron
        return replace(self.ray(neuron.weights, neuron.sign), weights=neuron.weights)

    def _descend(self, neurons):
        """Where L-BFGS ends with the signs as they are."""
        if not neurons:
            return []
        weights = np.stack([one.weights for one in neurons])
        signs = np.array([one.sign for one in neurons])
        spread = np.linalg.norm(self.X) / np.sqrt(len(self.X))
        for angle in ROUNDED:
            half = angle * spread * np.linalg.norm(weights, axis=1)
            found = scipy.optimize.minimize(
                self._rounded,
                weights.ravel(),
                args=(signs, half),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": ITERATIONS, "ftol": SAME_HEIGHT, "maxcor": MEMORY},
            )
            weights = found.x.reshape(weights.shape)
            lengths = np.linalg.norm(weights, axis=1)
            alive = lengths > SHORT * lengths.max()
            weights, signs = weights[alive], signs[alive]
        return [
            replace(self.ray(one, sign), weights=one)
            for one, sign in zip(weights, signs, strict=True)
        ]

    def _rounded(self, flat, signs, half):
        """P and its gradient with (t)_+ rounded to (t + h)^2 / 4h for |t| < h, h = half (k,)."""
        weights = flat.reshape(len(signs), -1)
        products = self.X @ weights.T
        active = np.clip(0.5 + products / (2.0 * half), 0.0, 1.0)
        outputs = (active * (products + half * (1.0 - active))) @ signs
        lengths = np.linalg.norm(weights, axis=1)
        height = self.problem.loss_value(outputs) + self.beta * lengths.sum()
        active *= self.problem.loss_residual(outputs)[:, None]
        unit = weights / np.maximum(lengths, np.finfo(float).tiny)[:, None]
        gradient = self.beta * unit - signs[:, None] * (active.T @ self.X)
        return height, gradient.ravel()
