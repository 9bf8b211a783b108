"""The hinge loss, of two classes: that of support vector machines."""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.problem.losses.rounding import summation
from hidden_convexity.problem.losses.weighted import Weighted


class Hinge(Weighted):
    """F(f) = sum_i w_i max(0, 1 - y_i f_i) for labels y_i in {-1, 1}.

    It has kinks: at y_i f_i = 1 minus its derivative is any number between 0 and w_i y_i, so the
    residual is not unique, and dual points come from the multipliers of a convex program. The
    conjugate is finite for nu_i y_i in [0, w_i], where the dual value -F*(-nu) is sum_i nu_i y_i.
    """

    def value(self, y, f):
        xp = array_namespace(f)
        return float((self.weights * xp.clip(1.0 - y * f, 0.0, None)).sum())

    def residual(self, y, f):
        """One of the residuals: that of samples with a margin of 1 or more is 0."""
        xp = array_namespace(f)
        return self.weights * y * xp.astype(y * f < 1.0, f.dtype)

    def dual_value(self, y, nu, scale=1.0):
        """Dual value at scale * nu, from below; each term is rounded once."""
        q = scale * (nu * y)
        if float(q.min()) < 0 or bool((q > self.weights).any()):
            return -np.inf
        value = float(q.sum())
        return value - summation(q) * value

    def best_scale(self, y, nu):
        """The largest s at which s nu is feasible: the dual value rises up to there."""
        q = nu * y
        most = float((q / self.weights).max())
        return 1.0 / most if float(q.min()) >= 0 and most > 0 else 0.0

    def affordable_scale(self, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        value = self.dual_value(y, nu)
        return max(1.0 - cost / value, 0.0) if value > 0 else 0.0
