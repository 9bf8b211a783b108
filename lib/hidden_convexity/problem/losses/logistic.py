"""The logistic loss, of two classes."""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.problem.losses.entropy import STEEPEST, affordable_scale, entropy, root
from hidden_convexity.problem.losses.rounding import EPS, summation


class Logistic:
    """F(f) = sum_i log(1 + exp(-y_i f_i)) for labels y_i in {-1, 1}.

    With p_i = 1 / (1 + exp(y_i f_i)), the probability that the model gives to the wrong label, the
    residual -grad F(f) is y_i p_i. The conjugate is finite for p_i = nu_i y_i in [0, 1], where the
    dual value -F*(-nu) is the entropy sum_i -p_i log p_i - (1 - p_i) log(1 - p_i), in nats.
    """

    smoothness = 0.25

    @staticmethod
    def value(y, f):
        return float(_softplus(-y * f).sum())

    @staticmethod
    def residual(y, f):
        return y * _expit(-y * f)

    @staticmethod
    def curvature(y, f):
        """Second derivatives p_i (1 - p_i) of F in each output (n,)."""
        return _expit(f) * _expit(-f)

    @staticmethod
    def dual_value(y, nu, scale=1.0):
        """Dual value at scale * nu, from below.

        Rounding p by half an eps changes its entropy by that times p |log((1 - p) / p)|: less than
        the entropy itself for p <= 1/2, and less than `STEEPEST` above.
        """
        p = scale * (nu * y)
        if float(p.min()) < 0 or float(p.max()) > 1:
            return -np.inf
        xp = array_namespace(p)
        below = xp.where(p < 1, p, xp.zeros_like(p))
        value = float((entropy(p) - (1.0 - below) * xp.log1p(-below)).sum())
        steep = STEEPEST * EPS * float(xp.astype(p > 0.5, p.dtype).sum())
        return value - summation(p) * value - steep

    @staticmethod
    def best_scale(y, nu):
        """The s >= 0 at which the dual value at s nu is largest.

        The derivative sum_i p_i log((1 - s p_i) / (s p_i)) falls from infinity to minus infinity
        as s goes from 0 to 1 / max p, unless some p_i < 0: then only s = 0 is feasible.
        """
        p = nu * y
        xp, most = array_namespace(p), float(p.max())
        if float(p.min()) < 0 or most == 0:
            return 0.0
        p = p[p > 0] / most

        def derivative(s):
            return float((p * (xp.log1p(-s * p) - xp.log(s * p))).sum())

        # At s = 1/2 all terms are >= 0.
        return root(derivative, 0.5) / most

    @classmethod
    def affordable_scale(cls, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        return affordable_scale(cls, y, nu, cost)


def _softplus(t):
    """log(1 + exp(t)) without overflow."""
    return array_namespace(t).logaddexp(0.0 * t, t)


def _expit(t):
    """1 / (1 + exp(-t)) without overflow."""
    return array_namespace(t).exp(-_softplus(-t))
