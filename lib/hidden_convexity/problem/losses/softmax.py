"""The softmax loss, of several classes: cross-entropy."""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.problem.losses.entropy import STEEPEST, affordable_scale, entropy, root
from hidden_convexity.problem.losses.rounding import summation
from hidden_convexity.problem.losses.weighted import Weighted


class Softmax(Weighted):
    """F(f) = sum_i w_i (log(sum_k exp(f_ik)) - y_i.f_i) for one-hot rows y_i (n, c): cross-entropy.

    With the model's probabilities p, the residual -grad F(f) is w (y - p). The conjugate is finite
    where the rows of y - nu / w are probabilities, and the dual value -F*(-nu) is the sum of their
    entropies, in nats, times the weights.
    """

    # p - p^2 <= 1/4 on the diagonal, and ||diag(p) - p p^T|| <= 1/2 (Bohning 1992).
    smoothness = 0.5

    def value(self, y, f):
        xp = array_namespace(f)
        top = xp.max(f, axis=1, keepdims=True)
        total = xp.log(xp.sum(xp.exp(f - top), axis=1, keepdims=True)) + top
        return float((self.weights * (total - xp.sum(y * f, axis=1, keepdims=True))).sum())

    def residual(self, y, f):
        return self.weights * (y - self.probabilities(f))

    @staticmethod
    def probabilities(f):
        xp = array_namespace(f)
        share = xp.exp(f - xp.max(f, axis=1, keepdims=True))
        return share / xp.sum(share, axis=1, keepdims=True)

    def masses(self, y, f):
        """h = w p (n, c): the second derivatives of a sample are diag(h) - h h' / sum h."""
        return self.weights * self.probabilities(f)

    def dual_value(self, y, nu, scale=1.0):
        """Dual value at scale * nu, from below.

        The derivative of -p log p is at most 1 + `STEEPEST` in size, between floats. It is charged
        for the rounding of p, and for what it takes to make the rows of p add up to 1.
        """
        shift = scale * (nu / self.weights)
        p = y - shift
        if float(p.min()) < 0:
            return -np.inf
        xp = array_namespace(p)
        slope = 1.0 + xp.clip(-xp.log(xp.where(p > 0, p, xp.ones_like(p))), 0.0, STEEPEST)
        slope = xp.where(p > 0, slope, (1.0 + STEEPEST) * xp.ones_like(p))
        moved = EPS * float((self.weights * slope * (abs(shift) + p)).sum())
        moved += scale * (1.0 + STEEPEST) * float(self.unbalanced(nu).sum())
        value = float((self.weights * entropy(p)).sum())
        return value - summation(p) * abs(value) - moved

    @staticmethod
    def unbalanced(nu):
        """How far the rows of nu (n, c) are from adding up to 0, as residuals do: (n,), from above.

        A dual point is one with rows that do, exactly. There is one this near.
        """
        xp = array_namespace(nu)
        size = xp.sum(abs(nu), axis=1)
        return abs(xp.sum(nu, axis=1)) + nu.shape[1] * EPS * size

    def best_scale(self, y, nu):
        """The s >= 0 at which the dual value at s nu is largest.

        The derivative sum nu log(y - s r), r = nu / w, falls from infinity to minus infinity as s
        goes from 0 to 1 / max r, where the first probability of a right class vanishes.
        """
        r = nu / self.weights
        xp, most = array_namespace(nu), float(r.max())
        if most <= 0 or float((nu * (1.0 - y)).max()) > 0:
            return 0.0
        used = nu != 0
        y, r, nu = y[used], r[used] / most, nu[used] / float(nu.max())

        def derivative(s):
            with np.errstate(divide="ignore"):  # y - s r rounds to 0 near the end
                return float((nu * xp.log(y - s * r)).sum())

        low = 0.5
        while derivative(low) < 0:
            low /= 2
        return root(derivative, low) / most

    def affordable_scale(self, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        return affordable_scale(self, y, nu, cost)
