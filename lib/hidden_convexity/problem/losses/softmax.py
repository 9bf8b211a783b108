"""The softmax loss, of several classes: cross-entropy."""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.problem.losses.entropy import STEEPEST, affordable_scale, entropy, root
from hidden_convexity.problem.losses.rounding import EPS, summation


class Softmax:
    """F(f) = sum_i log(sum_k exp(f_ik)) - y_i.f_i for one-hot rows y_i (n, c): cross-entropy.

    With the model's probabilities p, the residual -grad F(f) is y - p. The conjugate is finite
    where the rows of y - nu are probabilities, and the dual value -F*(-nu) is their entropy, in
    nats.
    """

    # p - p^2 <= 1/4 on the diagonal, and ||diag(p) - p p^T|| <= 1/2 (Bohning 1992).
    smoothness = 0.5

    @staticmethod
    def value(y, f):
        xp = array_namespace(f)
        top = xp.max(f, axis=1, keepdims=True)
        total = xp.log(xp.sum(xp.exp(f - top), axis=1)) + top[:, 0]
        return float((total - xp.sum(y * f, axis=1)).sum())

    @staticmethod
    def residual(y, f):
        xp = array_namespace(f)
        share = xp.exp(f - xp.max(f, axis=1, keepdims=True))
        return y - share / xp.sum(share, axis=1, keepdims=True)

    @staticmethod
    def masses(y, f):
        """p (n, c): the second derivatives of a sample are diag(p) - p p^T, as sum p = 1."""
        return y - Softmax.residual(y, f)

    @staticmethod
    def dual_value(y, nu, scale=1.0):
        """Dual value at scale * nu, from below.

        The derivative of -p log p is at most 1 + `STEEPEST` in size, between floats. It is charged
        for the rounding of p, and for what it takes to make the rows of p add up to 1.
        """
        p = y - scale * nu
        if float(p.min()) < 0:
            return -np.inf
        xp = array_namespace(p)
        slope = 1.0 + xp.clip(-xp.log(xp.where(p > 0, p, xp.ones_like(p))), 0.0, STEEPEST)
        slope = xp.where(p > 0, slope, (1.0 + STEEPEST) * xp.ones_like(p))
        moved = EPS * float((slope * (scale * abs(nu) + p)).sum())
        moved += scale * (1.0 + STEEPEST) * float(Softmax.unbalanced(nu).sum())
        value = float(entropy(p).sum())
        return value - summation(p) * abs(value) - moved

    @staticmethod
    def unbalanced(nu):
        """How far the rows of nu (n, c) are from adding up to 0, as residuals do: (n,), from above.

        A dual point is one with rows that do, exactly. There is one this near.
        """
        xp = array_namespace(nu)
        size = xp.sum(abs(nu), axis=1)
        return abs(xp.sum(nu, axis=1)) + nu.shape[1] * EPS * size

    @staticmethod
    def best_scale(y, nu):
        """The s >= 0 at which the dual value at s nu is largest.

        The derivative sum nu log(y - s nu) falls from infinity to minus infinity as s goes from 0
        to 1 / max nu, where the first probability of a right class vanishes.
        """
        xp, most = array_namespace(nu), float(nu.max())
        if most <= 0 or float((nu * (1.0 - y)).max()) > 0:
            return 0.0
        y, nu = y[nu != 0], nu[nu != 0] / most

        def derivative(s):
            with np.errstate(divide="ignore"):  # y - s nu rounds to 0 near the end
                return float((nu * xp.log(y - s * nu)).sum())

        low = 0.5
        while derivative(low) < 0:
            low /= 2
        return root(derivative, low) / most

    @classmethod
    def affordable_scale(cls, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        return affordable_scale(cls, y, nu, cost)
