"""The logistic loss, of two classes."""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.problem.losses.entropy import STEEPEST, affordable_scale, entropy, root
from hidden_convexity.problem.losses.rounding import summation
from hidden_convexity.problem.losses.weighted import Weighted


class Logistic(Weighted):
    """F(f) = sum_i w_i log(1 + exp(-y_i f_i)) for labels y_i in {-1, 1}.

    With p_i = 1 / (1 + exp(y_i f_i)), the probability that the model gives to the wrong label, the
    residual -grad F(f) is w_i y_i p_i. The conjugate is finite for p_i = nu_i y_i / w_i in [0, 1],
    where the dual value -F*(-nu) is sum_i w_i (-p_i log p_i - (1 - p_i) log(1 - p_i)), entropies in
    nats: dual variables are bounded by the weights.
    """

    smoothness = 0.25

    def value(self, y, f):
        return float((self.weights * _softplus(-y * f)).sum())

    def residual(self, y, f):
        return self.weights * (y * _expit(-y * f))

    def curvature(self, y, f):
        """Second derivatives w_i p_i (1 - p_i) of F in each output (n,)."""
        return self.weights * (_expit(f) * _expit(-f))

    def dual_value(self, y, nu, scale=1.0):
        """Dual value at scale * nu, from below.

        Rounding p by half an eps changes its entropy by that times p |log((1 - p) / p)|: less than
        the entropy itself for p <= 1/2, and less than `STEEPEST` above. Divided by weights, it
        is rounded twice.
        """
        q = scale * (nu * y)
        if float(q.min()) < 0 or bool((q > self.weights).any()):
            return -np.inf
        p, xp = q / self.weights, array_namespace(q)
        below = xp.where(p < 1, p, xp.zeros_like(p))
        entropies = entropy(p) - (1.0 - below) * xp.log1p(-below)
        value = float((self.weights * entropies).sum())
        steep = STEEPEST * EPS * float((self.weights * xp.astype(p > 0.5, p.dtype)).sum())
        return value - summation(p) * value - (1.0 if self.even else 2.0) * steep

    def best_scale(self, y, nu):
        """The s >= 0 at which the dual value at s nu is largest.

        The derivative sum_i q_i log((1 - s p_i) / (s p_i)), q = nu y, falls from infinity to minus
        infinity as s goes from 0 to 1 / max p, unless some p_i < 0: then only s = 0 is feasible.
        """
        q = nu * y
        p = q / self.weights
        xp, most = array_namespace(p), float(p.max())
        if float(p.min()) < 0 or most == 0:
            return 0.0
        used = p > 0
        q, p = q[used] / float(q.max()), p[used] / most

        def derivative(s):
            return float((q * (xp.log1p(-s * p) - xp.log(s * p))).sum())

        # At s = 1/2 all terms are >= 0.
        return root(derivative, 0.5) / most

    def affordable_scale(self, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        return affordable_scale(self, y, nu, cost)


def _softplus(t):
    """log(1 + exp(t)) without overflow."""
    xp = array_namespace(t)
    return xp.logaddexp(xp.zeros_like(t), t)


def _expit(t):
    """1 / (1 + exp(-t)) without overflow."""
    return array_namespace(t).exp(-_softplus(-t))
