"""The squared loss."""

from math import hypot, sqrt

from hidden_convexity.problem.losses.rounding import summation
from hidden_convexity.problem.losses.weighted import Weighted


class Squared(Weighted):
    """F(f) = 1/2 sum_i w_i ||f_i - y_i||^2, of residual -grad F(f) = w (y - f).

    The dual value is nu.y - 1/2 sum_i ||nu_i||^2 / w_i.
    """

    # The largest second derivative along any direction, of a sample of weight 1.
    smoothness = 1.0

    def value(self, y, f):
        return 0.5 * float((self.weights * (f - y) ** 2).sum())

    def residual(self, y, f):
        return self.weights * (y - f)

    def curvature(self, y, f):
        """Second derivatives of F in the outputs of each sample, or None where they are all 1."""
        return None if self.even else self.weights

    def dual_value(self, y, nu, scale=1.0):
        """Dual value at scale * nu, from below; each product is rounded three times at most.

        Scaled first: the squares of a small nu would underflow, and the scale brings that back.
        """
        point = scale * nu
        fit, energy = point * y, point * (point / self.weights)
        size = float(abs(fit).sum()) + 0.5 * float(energy.sum())
        return float(fit.sum()) - 0.5 * float(energy.sum()) - summation(fit) * size

    def best_scale(self, y, nu):
        """The s >= 0 at which the dual value at s nu is largest: (nu.y)_+ / sum ||nu_i||^2 / w_i.

        0 where squares vanish.
        """
        energy = float((nu * (nu / self.weights)).sum())
        return max(float((nu * y).sum()) / energy, 0.0) if energy > 0 else 0.0

    def affordable_scale(self, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu.

        With t = 1 - s it is lower by t nu.(y - r) + t^2 nu.r / 2, r = nu / w.
        """
        r = nu / self.weights
        energy, slope = float((nu * r).sum()), float((nu * (y - r)).sum())
        if energy == 0.0:
            return 0.0
        root = hypot(slope, sqrt(2.0 * energy) * sqrt(cost))
        step = 2.0 * cost / (slope + root) if slope > 0 else (root - slope) / energy
        return max(1.0 - step, 0.0)
