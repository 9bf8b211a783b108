"""Neurons that move, for the search in many dimensions: descent of P between convex programs.

Among many samples a chamber is narrow, and a neuron that must stay in its own takes hundreds of
rounds of column generation to where it belongs; in the exact restricted program k neurons are also
k d unknowns with thousands of walls. Here the neurons cross walls: their lengths solve a convex
program of k unknowns, then all of them descend P in the coordinates u_j = |a_j| w_j,

    min over u_1 .. u_k   F(sum_j s_j A phi(R u_j) + free terms) + beta sum_j ||u_j||,

which is not convex, and with several outputs in both layers. Nothing rests on where a descent ends:
the dual bound is that of any network's residual, and a local minimum that isn't the optimum leaves
a violator, which enters. This is the sliding Frank-Wolfe method (Denoyelle, Duval, Peyre and
Soubies 2019, arXiv:1811.06416).
"""

import numpy as np
import scipy

from hidden_convexity.foundations.double_precision import TINY
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.problem.restricted.shared import SharedProgram

# Optimal neurons sit on walls, where P has kinks: L-BFGS stops at them early, and with a residual
# that no dual certificate is near. So kinks are rounded, over angles of about these (radians), one
# after the other: the slopes at the last are those of rows that are partly active.
ROUNDED = (1e-1, 1e-2, 1e-3)
# Iterations for each of them, relative decrease of an iteration at which they end, and pairs kept.
ITERATIONS, SAME_HEIGHT, MEMORY = 200, 1e-8, 20
# Neurons this short against the longest are on their way to zero.
SHORT = 1e-4


class Moving:
    """What moving neurons are, whichever program solves for their lengths.

    Mixed into `RestrictedProgram` or `SharedProgram`, whose place it takes where these are too
    large; arguments are the same.
    """

    precise = False

    def neuron(self, direction, head):
        """A neuron without length in a unit direction (d,), which can only grow."""
        return self.ray(direction, head)

    def solve(self, neurons):
        """Neurons of a P that is not above that of the given ones; those that vanish are left out.

        The lengths are optimal in the directions from which the descent starts, and in those in
        which it ends.
        """
        before = [one for one in neurons if one.weights.any()]
        layers = self._layers(neurons)
        start = super().solve(
            [
                self.along(u, head) if u.any() else one
                for one, u, head in zip(neurons, *layers, strict=True)
            ]
        )
        layers = self._moved(start) if start else ()
        moved = super().solve([self.along(u, head) for u, head in zip(*layers, strict=True)])
        return min(moved, start, before, key=self.objective)

    def polish(self, neurons):
        """The neurons themselves: Newton's method on one piece of P ends where the piece does."""
        return neurons

    def _end(self, height, start, *given):
        """Where L-BFGS ends, from an array of any shape."""
        found = scipy.optimize.minimize(
            lambda flat: height(flat.reshape(start.shape), *given),
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": ITERATIONS, "ftol": SAME_HEIGHT, "maxcor": MEMORY},
        )
        return found.x.reshape(start.shape)

    def _half(self, angle, weights):
        """Half the width (k,) over which kinks are rounded for neurons of weights (k, d)."""
        spread = np.linalg.norm(self.X) / np.sqrt(len(self.X))
        return angle * spread * np.linalg.norm(weights, axis=1)

    def _rounded(self, weights, half):
        """Activations (n, k) with (t)_+ rounded to (t + h)^2 / 4h for |t| < h, and their slopes."""
        products, slope = self.X @ weights.T, self.problem.slope
        active = np.clip(0.5 + products / (2.0 * half), 0.0, 1.0)
        values = active * (products + half * (1.0 - active))
        if slope == 0:
            return values, active
        return (1 - slope) * values + slope * products, (1 - slope) * active + slope


class MovingProgram(Moving, RestrictedProgram):
    """Lowers P over neurons that start in given directions, to a local minimum; one output."""

    def _moved(self, neurons):
        """Weights (k, d) where descent ends, and their signs (k,), as they are."""
        weights, signs = self._layers(neurons)
        for angle in ROUNDED:
            weights = self._end(self._height, weights, signs, self._half(angle, weights))
            lengths = np.linalg.norm(weights, axis=1)
            alive = lengths > SHORT * lengths.max()
            weights, signs = weights[alive], signs[alive]
        return weights, signs

    def _height(self, weights, signs, half):
        """P with rounded kinks and the best free terms, and its gradient."""
        values, slopes = self._rounded(weights, half)
        pooling = self.problem.pooling
        outputs = self._fitted.add_free(pooling.pool(values @ signs))
        lengths = np.linalg.norm(weights, axis=1)
        height = self.problem.loss_value(outputs) + self.beta * lengths.sum()
        slopes *= pooling.spread(self.problem.loss_residual(outputs))[:, None]
        unit = weights / np.maximum(lengths, TINY)[:, None]
        gradient = self.beta * unit - signs[:, None] * (slopes.T @ self.X)
        return height, gradient.ravel()


class MovingSharedProgram(Moving, SharedProgram):
    """Lowers P over neurons that start in given directions, to a local minimum; several outputs."""

    def _moved(self, neurons):
        """Weights (k, d) and output weights (k, c) where descent in both layers ends."""
        weights, outer = self._layers(neurons)
        for angle in ROUNDED:
            # Balanced, P is smooth in both layers: beta/2 (||u||^2 + ||a||^2).
            inward, outward = (np.linalg.norm(layer, axis=1) for layer in (weights, outer))
            root = np.sqrt(outward / inward)[:, None]
            both = np.hstack([root * weights, outer / root])
            both = self._end(self._height, both, self._half(angle, root * weights))
            weights, outer = np.split(both, [weights.shape[1]], axis=1)
            sizes = np.linalg.norm(weights, axis=1) * np.linalg.norm(outer, axis=1)
            alive = sizes > SHORT * sizes.max()
            weights, outer = weights[alive], outer[alive]
        return weights, outer

    def _height(self, both, half):
        """P with rounded kinks and the best free terms, and its gradient in [u, a] (k, d + c)."""
        weights, outer = np.split(both, [self.X.shape[1]], axis=1)
        values, slopes = self._rounded(weights, half)
        pooling = self.problem.pooling
        pooled = pooling.pool(values)
        outputs = self.fitted.add_free(pooled @ outer)
        height = self.problem.loss_value(outputs) + 0.5 * self.beta * float((both**2).sum())
        residual = self.problem.loss_residual(outputs)
        slopes *= pooling.spread(residual @ outer.T)
        downhill = np.hstack([slopes.T @ self.X, pooled.T @ residual])
        return height, (self.beta * both - downhill).ravel()
