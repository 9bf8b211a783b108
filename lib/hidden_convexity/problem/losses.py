"""Losses F(f) of the outputs f on the data, with what convex duality needs of them.

For any network, with penalty R >= beta sum_j ||u_j|| (balance, then encode), and any nu with
M(nu) = max over ||u|| <= 1 of |nu.(Xu)_+| <= beta,

    F(f) + R >= -F*(-nu) - nu.f + beta sum_j ||u_j|| >= -F*(-nu),

by the definition of the conjugate F* and since |nu.f| <= sum_j ||u_j|| M(nu). So -F*(-nu) is a
lower bound on P for networks of every width: the dual value. At an optimum nu = -grad F(f) attains
it. Both are stated in Pilanci and Ergen (2020), arXiv:2002.10553, for general convex losses. With
c outputs nu is (n, c) and M(nu) is the maximum of ||nu'(Xu)_+||; for networks whose neurons feed
one output each, the maximum of |nu_k.(Xu)_+| over outputs k as well.

Dual values are lower bounds in exact arithmetic: each is lowered by what rounding can do to it, the
`allowance` of its sums and of its terms, some 1e-14 of their size.

Arrays are of any library that keeps to the array API standard, NumPy and PyTorch among them.
"""

from math import hypot, log2, prod, sqrt

import numpy as np
import scipy
from array_api_compat import array_namespace

# At the last float below 1 a derivative that falls to minus infinity at 1 is as good as there.
_LAST = float(np.nextafter(1.0, 0.0))
EPS = float(np.finfo(float).eps)
# The slope of t log t that is charged where t is nearly 0: |log t| is more than this below 1e-17
# only, where all of t |log t| is less than this times half an eps.
STEEPEST = 40.0


def _root(derivative, low):
    """Where a derivative vanishes that falls from `low`, where it is >= 0, to 1."""
    if derivative(_LAST) >= 0:
        return _LAST
    return scipy.optimize.brentq(derivative, low, _LAST, xtol=1e-15)


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
        """Dual value at scale * nu, from below; each product is rounded once or twice."""
        fit, energy = nu * y, nu * nu
        size = scale * float(abs(fit).sum()) + 0.5 * scale**2 * float(energy.sum())
        value = scale * float(fit.sum()) - 0.5 * scale**2 * float(energy.sum())
        return value - summation(fit) * size

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
        value = float((_entropy(p) - (1.0 - below) * xp.log1p(-below)).sum())
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
        return _root(derivative, 0.5) / most

    @classmethod
    def affordable_scale(cls, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        return _affordable_scale(cls, y, nu, cost)


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
        value = float(_entropy(p).sum())
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
        return _root(derivative, low) / most

    @classmethod
    def affordable_scale(cls, y, nu, cost):
        """The least s in [0, 1] with a dual value at s nu no more than `cost` below that at nu."""
        return _affordable_scale(cls, y, nu, cost)


def _affordable_scale(loss, y, nu, cost):
    """The least s, for a dual value that is an entropy.

    It is concave in s and 0 at s = 0, so below its maximum it rises.
    """
    floor = loss.dual_value(y, nu) - cost
    if floor <= 0:
        return 0.0
    return scipy.optimize.brentq(lambda s: loss.dual_value(y, s * nu) - floor, 0.0, 1.0)


def _softplus(t):
    """log(1 + exp(t)) without overflow."""
    return array_namespace(t).logaddexp(0.0 * t, t)


def _expit(t):
    """1 / (1 + exp(-t)) without overflow."""
    return array_namespace(t).exp(-_softplus(-t))


def _entropy(p):
    """-p log p, and 0 at p = 0."""
    xp = array_namespace(p)
    return -p * xp.log(xp.where(p > 0, p, xp.ones_like(p)))


def summation(terms):
    """Relative rounding of the sum of an array's terms, themselves right to a few eps.

    NumPy and PyTorch add pairwise, in blocks of at most 128 terms on 8 lanes: 16 additions of a
    term within its block, 3 of lanes, and one for each doubling beyond.
    """
    return (32.0 + log2(max(prod(terms.shape), 1))) * EPS


LOSSES = {"squared": Squared, "logistic": Logistic, "softmax": Softmax}


def loss_for(y, name, loss):
    """The class of a loss, once targets (n,) or (n, c) are known to be fit for it.

    Parameters
    ----------
    y : array
    name : str
        What the caller calls y, for the message.
    loss : {"squared", "logistic", "softmax"}

    Raises
    ------
    ValueError
        If the loss is another, or y holds other labels than the loss needs.
    """
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
    xp, shape = array_namespace(y), tuple(y.shape)
    if loss == "logistic" and not (y.ndim == 1 and bool(xp.all(xp.abs(y) == 1))):
        raise ValueError(
            f"{name} must be a vector of labels -1 and 1 for the logistic loss, got shape {shape} "
            f"with values {xp.unique_values(y)[:4]}; map the two classes to -1 and 1"
        )
    if loss == "softmax" and not (
        y.ndim == 2
        and y.shape[1] > 1
        and bool(xp.all((y == 0) | (y == 1)))
        and bool(xp.all(xp.sum(y, axis=1) == 1))
    ):
        raise ValueError(
            f"{name} must be (n, c) with one row per sample, 1 at its class and 0 elsewhere, "
            f"c >= 2, for the softmax loss; got shape {shape}"
        )
    return LOSSES[loss]
