"""The squared loss."""

from math import hypot, sqrt

from hidden_convexity.problem.losses.rounding import summation


class Squared:
    """F(f) = 1/2 ||f - y||^2, of residual -grad F(f) = y - f and dual value nu.y - ||nu||^2 / 2."""

    # The largest second derivative along any direction.
    smoothness = 1.0

    @staticmethod
    def value(y, f):
        return 0.5 * float(((f - y) ** 2).sum())

    @staticmethod
    def residual(y, f):
        return y - f

    @staticmethod
    def curvature(y, f):
        """Second derivatives of F in each output (n,), or None where they are all 1."""
        return None

    @staticmethod
    def dual_value(y, nu, scale=1.0):
        """Dual value at scale * nu, from below; each product is rounded once or twice.

        Scaled first: the squares of a small nu would underflow, and the scale brings that back.
        """
        point = scale * nu
        fit, energy = point * y, point * point
        size = float(abs(fit).sum()) + 0.5 * float(energy.sum())
        return float(fit.sum()) - 0.5 * float(energy.sum()) - summation(fit) * size

    @staticmethod
    def best_scale(y, nu):
        """The s >= 0 at which the dual value at s nu is largest: (nu.y)_+ / ||nu||^2."""
        return max(float((nu * y).sum()) / float((nu * nu).sum()), 0.0)

    @staticmethod
    def affordable_scale(y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu.

        With t = 1 - s it is lower by t nu.(y - nu) + t^2 ||nu||^2 / 2.
        """
        energy, slope = float((nu * nu).sum()), float((nu * (y - nu)).sum())
        if energy == 0.0:
            return 0.0
        root = hypot(slope, sqrt(2.0 * energy) * sqrt(cost))
        step = 2.0 * cost / (slope + root) if slope > 0 else (root - slope) / energy
        return max(1.0 - step, 0.0)
