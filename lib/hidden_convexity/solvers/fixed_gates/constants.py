"""Losses of outputs to which a constant may be added freely: Phi(f) = min over b of F(f + 1 b).

Phi is convex, no less smooth than F, and its residual is that of F at the best b: nu with 1'nu = 0,
which is what a free constant asks of a dual point. Floats have it up to rounding only; `balanced`
says what it costs to go from nu to a point that has it exactly.
"""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.problem.losses import Logistic, Softmax, Squared
from hidden_convexity.solvers.fixed_gates.program import host

# Newton steps and halvings in the minimisation over b, and the gradient, in units of the weight of
# all samples, that ends it: a share of a bound as small as that is lost.
STEPS, HALVINGS, CONVERGED = 50, 30, 1e-11


class FreeConstants:
    """A loss at the best constants (c,).

    Parameters
    ----------
    loss : Squared, Logistic or Softmax
        With its weights.
    Y : (n, c) array
        Targets. Of labels each class must occur, or constants would run away.
    """

    def __init__(self, loss, Y):
        xp = array_namespace(Y)
        self.loss, self.weights, self.smoothness = loss, loss.weights, loss.smoothness
        self.dual_value = loss.dual_value
        weights = loss.weights * xp.ones_like(Y[:, :1])
        self._total = float(xp.sum(weights))
        self._rarest = np.inf
        if not isinstance(loss, Squared):
            labels = xp.concat([Y < 0, Y > 0], axis=1) if isinstance(loss, Logistic) else Y > 0
            shares = host(xp.sum(weights * xp.astype(labels, Y.dtype), axis=0))
            if (shares == 0).any():
                raise ValueError(
                    "Y must hold a sample of every class for a free constant, which would run away "
                    f"from one without, got weights {shares.tolist()} of the classes: leave the "
                    "column out, or the constant"
                )
            self._rarest = float(shares.min())
        self._last, self._at = np.zeros(Y.shape[1]), None

    @property
    def curvature(self):
        known = self.loss.curvature  # the softmax loss has none, nor has this then

        def curvature(Y, f):
            return known(Y, self._moved(Y, f))

        return curvature

    @staticmethod
    def unit(root):
        """The unit vector (n,) that a quadratic model of curvature root^2 (n, 1) does not see."""
        return root[:, 0] / array_namespace(root).sqrt((root**2).sum())

    def constants(self, Y, f):
        """The best b (c,), by Newton's method from the one before, or from 0 if that is better."""
        if f is not self._at:
            self._last, self._at = self._minimised(Y, f, self._last), f
        return _as(self._last, f)

    def value(self, Y, f):
        return self.loss.value(Y, self._moved(Y, f))

    def residual(self, Y, f):
        return self.loss.residual(Y, self._moved(Y, f))

    def best_scale(self, Y, nu):
        best = self.loss.best_scale(Y, nu)
        return best if isinstance(self.loss, Squared) else min(best, 1.0)

    def balanced(self, Y, nu):
        """How a dual point with 1'nu = 0 exactly is reached from nu, off by delta = 1'nu.

        Returns
        -------
        share : float
            Of the dual value at s nu, s <= 1: what is lost at most.
        moves : (n,) array
            How far each sample moves, which raises M(nu).
        cost : float
            s times it is lost besides.

        Notes
        -----
        Of the squared loss nu is projected along the weights, in the metric of its dual value: only
        nu.y changes. Of the others the point is (1 - t) nu + t nu0, nu0 the residual of the
        constant, where each class has its frequency, less w_i delta (1 - t) / (W t) for weights of
        sum W. Its probabilities are none below 0 if t is at least |delta_k| over the weight of the
        class k. The dual value, concave and nowhere below 0 between 0 and nu0, loses the share t.
        """
        xp = array_namespace(nu)
        eps, n = float(xp.finfo(nu.dtype).eps), len(nu)
        off = abs(xp.sum(nu, axis=0)) + n * eps * xp.sum(abs(nu), axis=0)
        ones = self.weights * xp.ones_like(nu[:, :1])
        if isinstance(self.loss, Squared):
            shares = (1.0 + n * eps) * ones / self._total
            cost = float((off * xp.sum(shares * abs(Y), axis=0)).sum())
            return 0.0, shares[:, 0] * xp.sqrt(xp.sum(off**2)), cost
        most = float(xp.max(off))
        if isinstance(self.loss, Softmax):
            most += float(xp.sum(self.loss.unbalanced(nu)))
        share = min(2.0 * most / self._rarest, 1.0)
        return share, 2.0 * share * ones[:, 0], 0.0

    def _moved(self, Y, f):
        return f + self.constants(Y, f)[None, :]

    def _minimised(self, Y, f, b):
        """In double precision: what is left of 1'nu is charged to the bound."""
        xp = array_namespace(f)
        Y, f = (xp.astype(one, xp.float64, copy=False) for one in (Y, f))
        moved = f + _as(b, f)[None, :]
        height = self.loss.value(Y, moved)
        # What was best for outputs far away may lie where nothing curves any more.
        if (lower := self.loss.value(Y, f)) < height:
            b, moved, height = np.zeros_like(b), f, lower
        residual = self.loss.residual(Y, moved)
        for _ in range(STEPS):
            gradient = host(xp.sum(residual, axis=0))
            if np.abs(gradient).max() <= CONVERGED * self._total:
                break
            step = np.linalg.lstsq(self._hessian(Y, moved), gradient)[0]
            if isinstance(self.loss, Softmax):
                # Probabilities do not see a common shift: what there is of one is rounding over a
                # small curvature, and would add up until outputs lose their digits to it.
                step = step - step.mean()
            for _ in range(HALVINGS):
                moved = f + _as(b + step, f)[None, :]
                lower, residual = self.loss.value(Y, moved), self.loss.residual(Y, moved)
                # Near the minimum the value no longer tells steps apart, but the gradient does.
                left = np.abs(host(xp.sum(residual, axis=0))).max()
                if lower < height or left < 0.5 * np.abs(gradient).max():
                    break
                step = step / 2
            else:
                break
            b, height = b + step, min(height, lower)
        return b

    def _hessian(self, Y, f):
        xp, c = array_namespace(f), f.shape[1]
        if isinstance(self.loss, Squared):
            return self._total * np.eye(c)
        if isinstance(self.loss, Logistic):
            return host(xp.sum(self.loss.curvature(Y, f), axis=0))[:, None]
        p = self.loss.probabilities(f)
        weighted = self.weights * p
        return np.diag(host(xp.sum(weighted, axis=0))) - host(p.T @ weighted)


def _as(values, like):
    """Values as an array of the library, precision and device of another."""
    xp = array_namespace(like)
    return xp.asarray(values, dtype=like.dtype, device=like.device)
