"""Losses of outputs to which a constant may be added freely: Phi(f) = min over b of F(f + 1 b).

Phi is convex, no less smooth than F, and its residual is that of F at the best b: nu with 1'nu = 0,
which is what a free constant asks of a dual point. Floats have it up to rounding only; `balanced`
says what it costs to go from nu to a point that has it exactly.
"""

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.problem.losses import Softmax, Squared
from hidden_convexity.solvers.fixed_gates.program import host

# Newton steps and halvings in the minimisation over b, and the gradient, in samples, that ends it.
STEPS, HALVINGS, CONVERGED = 50, 30, 1e-13


class CentredSquares:
    """1/2 ||f + z b - Y||^2 at the best b (c,), for a column z (n,).

    Parameters
    ----------
    column : (n,) array
        Ones, or the roots of sample weights where rows and targets are scaled by them.
    """

    smoothness = Squared.smoothness
    dual_value = staticmethod(Squared.dual_value)
    best_scale = staticmethod(Squared.best_scale)

    def __init__(self, column):
        xp = array_namespace(column)
        self._column, self._unit = column, column / xp.sqrt(xp.sum(column**2))

    def unit(self, root):
        """The unit vector (n,) of outputs that the loss does not see."""
        return self._unit

    def constants(self, Y, f):
        """The best b (c,)."""
        xp = array_namespace(f)
        return _as(self._column, f) @ (Y - f) / float(xp.sum(self._column**2))

    def value(self, Y, f):
        return Squared.value(Y, f + _as(self._column, f)[:, None] * self.constants(Y, f))

    def residual(self, Y, f):
        unit, nu = _as(self._unit, f), Squared.residual(Y, f)
        for _ in range(2):  # the second time for what rounding has left
            nu = nu - unit[:, None] * (unit @ nu)
        return nu

    def curvature(self, Y, f):
        return None

    def balanced(self, Y, nu):
        """No share of another point: nu is projected. How far samples move (n,), and what it costs.

        The cost is that of the dual value at nu; at s nu it is s times that.
        """
        xp, unit = array_namespace(nu), _as(self._unit, nu)
        eps = float(xp.finfo(nu.dtype).eps)
        off = abs(unit @ nu) + len(nu) * eps * (abs(unit) @ abs(nu))
        cost = float(off @ (abs(unit) @ abs(Y)))
        return 0.0, abs(unit) * xp.sqrt(xp.sum(off**2)), cost


class FreeConstants:
    """The logistic or the softmax loss at the best constants (c,).

    Parameters
    ----------
    loss : type
    Y : (n, c) array
        Labels: each class must occur, or constants would run away.
    """

    def __init__(self, loss, Y):
        self._loss, self._softmax = loss, loss is Softmax
        self.smoothness, self.dual_value = loss.smoothness, loss.dual_value
        found = host(Y)
        counts = found.sum(axis=0) if self._softmax else [(found == k).sum() for k in (-1, 1)]
        self._rarest = float(np.min(counts))
        if self._rarest == 0:
            raise ValueError(
                "Y must hold a sample of every class for a free constant, which would run away; "
                f"got {np.asarray(counts, dtype=int).tolist()} samples of the classes: leave empty "
                "columns out, or the constant"
            )
        self._last = np.zeros(found.shape[1])

    @property
    def curvature(self):
        known = self._loss.curvature  # the softmax loss has none, nor has this then

        def curvature(Y, f):
            return known(Y, self._moved(Y, f))

        return curvature

    def unit(self, root):
        """The unit vector (n,) that a quadratic model of curvature root^2 (n, 1) does not see."""
        xp = array_namespace(root)
        return root[:, 0] / xp.sqrt(xp.sum(root**2))

    def constants(self, Y, f):
        """The best b (c,), by Newton's method from the one before."""
        self._last = self._minimised(Y, f, self._last)
        return _as(self._last, f)

    def value(self, Y, f):
        return self._loss.value(Y, self._moved(Y, f))

    def residual(self, Y, f):
        return self._loss.residual(Y, self._moved(Y, f))

    def best_scale(self, Y, nu):
        return min(self._loss.best_scale(Y, nu), 1.0)

    def balanced(self, Y, nu):
        """The share t of nu0 in (1 - t) nu + t nu0, which has 1'nu = 0; moves (n,), and no cost.

        nu0 is the residual of the constant, where each class has its frequency, less delta (1 - t)
        / (n t), delta = 1'nu. The probabilities in it are none below 0 if t is at least
        |delta_k| / N_k for classes of N_k samples. The dual value, concave and nowhere below 0
        between 0 and nu0, loses the share t at most.
        """
        xp = array_namespace(nu)
        eps = float(xp.finfo(nu.dtype).eps)
        off = abs(xp.sum(nu, axis=0)) + len(nu) * eps * xp.sum(abs(nu), axis=0)
        off = float(xp.max(off))
        if self._softmax:
            off += float(xp.sum(self._loss.unbalanced(nu)))
        share = min(2.0 * off / self._rarest, 1.0)
        return share, 2.0 * share * xp.ones_like(nu[:, 0]), 0.0

    def _moved(self, Y, f):
        return f + self.constants(Y, f)[None, :]

    def _minimised(self, Y, f, b):
        """In double precision: what is left of 1'nu is charged to the bound."""
        xp = array_namespace(f)
        Y, f = (xp.astype(one, xp.float64, copy=False) for one in (Y, f))
        moved = f + _as(b, f)[None, :]
        height, residual = self._loss.value(Y, moved), self._loss.residual(Y, moved)
        for _ in range(STEPS):
            gradient = host(xp.sum(residual, axis=0))
            if np.abs(gradient).max() <= CONVERGED * len(f):
                break
            step = np.linalg.lstsq(self._hessian(Y, moved, residual), gradient)[0]
            for _ in range(HALVINGS):
                moved = f + _as(b + step, f)[None, :]
                lower, residual = self._loss.value(Y, moved), self._loss.residual(Y, moved)
                # Near the minimum the value no longer tells steps apart, but the gradient does.
                left = np.abs(host(xp.sum(residual, axis=0))).max()
                if lower < height or left < 0.5 * np.abs(gradient).max():
                    break
                step = step / 2
            else:
                break
            b, height = b + step, min(height, lower)
        return b

    def _hessian(self, Y, f, residual):
        xp = array_namespace(f)
        if not self._softmax:
            return host(xp.sum(self._loss.curvature(Y, f), axis=0))[:, None]
        p = Y - residual
        return np.diag(host(xp.sum(p, axis=0))) - host(p.T @ p)


def _as(values, like):
    """Values as an array of the library, precision and device of another."""
    xp = array_namespace(like)
    return xp.asarray(values, dtype=like.dtype, device=like.device)
