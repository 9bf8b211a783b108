"""Losses F(f) of the outputs f on the data, with what convex duality needs of them.

For any network, with penalty R >= beta sum_j ||u_j|| (balance, then encode), and any nu with
M(nu) = max over ||u|| <= 1 of |nu.(Xu)_+| <= beta,

    F(f) + R >= -F*(-nu) - nu.f + beta sum_j ||u_j|| >= -F*(-nu),

by the definition of the conjugate F* and since |nu.f| <= sum_j ||u_j|| M(nu). So -F*(-nu) is a
lower bound on P for networks of every width: the dual value. At an optimum nu = -grad F(f) attains
it. Both are stated in Pilanci and Ergen (2020), arXiv:2002.10553, for general convex losses.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, expit


class Squared:
    """F(f) = 1/2 ||f - y||^2, of residual -grad F(f) = y - f and dual value nu.y - ||nu||^2 / 2."""

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
    def dual_value(y, nu):
        return float(nu @ y - 0.5 * (nu @ nu))

    @staticmethod
    def best_scale(y, nu):
        """The s >= 0 at which the dual value at s nu is largest: (nu.y)_+ / ||nu||^2."""
        return max(float(nu @ y) / float(nu @ nu), 0.0)


class Logistic:
    """F(f) = sum_i log(1 + exp(-y_i f_i)) for labels y_i in {-1, 1}.

    With p_i = 1 / (1 + exp(y_i f_i)), the probability that the model gives to the wrong label, the
    residual -grad F(f) is y_i p_i. The conjugate is finite for p_i = nu_i y_i in [0, 1], where the
    dual value -F*(-nu) is the entropy sum_i -p_i log p_i - (1 - p_i) log(1 - p_i), in nats.
    """

    @staticmethod
    def value(y, f):
        return float(np.logaddexp(0.0, -y * f).sum())

    @staticmethod
    def residual(y, f):
        return y * expit(-y * f)

    @staticmethod
    def curvature(y, f):
        """Second derivatives p_i (1 - p_i) of F in each output (n,)."""
        return expit(f) * expit(-f)

    @staticmethod
    def dual_value(y, nu):
        p = nu * y
        if p.min() < 0 or p.max() > 1:
            return -np.inf
        return float((entr(p) + entr(1.0 - p)).sum())

    @staticmethod
    def best_scale(y, nu):
        """The s >= 0 at which the dual value at s nu is largest.

        The derivative sum_i p_i log((1 - s p_i) / (s p_i)) falls from infinity to minus infinity
        as s goes from 0 to 1 / max p, unless some p_i < 0: then only s = 0 is feasible.
        """
        p = nu * y
        if p.min() < 0 or p.max() == 0:
            return 0.0
        p = p[p > 0] / p.max()

        def derivative(s):
            return float(p @ (np.log1p(-s * p) - np.log(s * p)))

        # At s = 1/2 all terms are >= 0; the last float below 1 is as good as 1.
        last = np.nextafter(1.0, 0.0)
        root = last if derivative(last) >= 0 else brentq(derivative, 0.5, last, xtol=1e-15)
        return root / (nu * y).max()


LOSSES = {"squared": Squared, "logistic": Logistic}
