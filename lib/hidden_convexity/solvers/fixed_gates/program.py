"""The gated program over fixed gates: its data, its products, and the certificate of its optimum.

    min over W_g   F(sum_g D_g X W_g) + beta sum_g ||W_g||_F,      D_g = diag(1[X g > 0]),

where on the hyperplane of a sample, within rounding, `hyperplanes.active` is the rule.

Features D_g X are never held: a block of gates at a time, they are a mask and a matrix product.
Arrays are of any library that keeps to the array API standard. What has the size of the data stays
in its library, precision and device; what has one entry a gate comes to the host.
"""

from functools import cached_property

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj, is_numpy_array, to_device

from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import of_moderate_size, real_array
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.geometry.hyperplanes import active
from hidden_convexity.problem.duality import VANISHED
from hidden_convexity.problem.losses import loss_for

# Entries of the largest temporary block: 32 MB of float64.
BLOCK = 4_000_000


def host(array):
    """A NumPy float64 copy of a small array, wherever it is."""
    return np.asarray(to_device(array, "cpu"), dtype=np.float64)


def floating_array(value, name, ndim, like=None):
    """A finite float32 or float64 array of value's library, of as many dimensions as asked for.

    Lists, and NumPy arrays of other real types, become float64. With `like`, the library, device
    and precision must be, or become, those of another array.
    """
    if not is_array_api_obj(value) or is_numpy_array(value):
        checked = of_moderate_size(real_array(value, name, ndim), name)
        # What rounding to float32 may lose matters to no one who passes float32.
        single = getattr(value, "dtype", None) == np.float32
        array = checked.astype(np.float32) if single else checked
    else:
        xp, array = array_namespace(value), value
        if array.dtype not in (xp.float32, xp.float64):
            raise TypeError(
                f"{name} must hold float32 or float64 numbers, got dtype {array.dtype}; convert it "
                "first"
            )
        if getattr(array, "requires_grad", False):
            raise TypeError(
                f"{name} must be a tensor without gradients, which training does not follow; pass "
                f"{name}.detach()"
            )
        if getattr(array, "is_sparse", False):
            raise TypeError(
                f"{name} must be a dense tensor, got a sparse one; pass {name}.to_dense()"
            )
        accepted = (ndim,) if isinstance(ndim, int) else ndim
        if array.ndim not in accepted:
            wanted = " or ".join(str(k) for k in accepted)
            raise ValueError(
                f"{name} must have {wanted} dimension(s), got shape {tuple(array.shape)}"
            )
        if not bool(xp.all(xp.isfinite(array))):
            raise ValueError(f"{name} has entries that are NaN or infinite; remove them first")
    if 0 in array.shape:
        raise ValueError(f"{name} must not be empty, got shape {tuple(array.shape)}")
    if like is None:
        return array
    if array_namespace(array) is not array_namespace(like):
        if not is_numpy_array(array):
            raise TypeError(
                f"{name} must be an array of the library of X, {type(like).__name__}, got "
                f"{type(array).__name__}; convert one of the two"
            )
        array = array_namespace(like).asarray(array)
    return array_namespace(like).asarray(array, dtype=like.dtype, device=device(like))


def checked_gates(gates, X):
    """Gates (d, G) as an array like X (n, d): an `Arrangement`'s, or directions."""
    gates = gates.gates if isinstance(gates, Arrangement) else gates
    gates = floating_array(gates, "gates", 2, like=X)
    if gates.shape[0] != X.shape[1]:
        raise ValueError(
            f"gates must have {X.shape[1]} rows, one per column of X, and one column a gate; got "
            f"shape {tuple(gates.shape)}"
        )
    return gates


def checked_targets(Y, X, loss):
    """Targets as (n, c) like X, and the class of the loss, which must have a gradient."""
    Y = floating_array(Y, "Y", (1, 2), like=X)
    if Y.shape[0] != X.shape[0]:
        raise ValueError(
            f"Y must have one entry or one row per row of X, {X.shape[0]}, got {tuple(Y.shape)}"
        )
    loss = loss_for(Y, "Y", loss)
    if not hasattr(loss, "smoothness"):
        raise ValueError(
            "loss must have a gradient for gated networks: squared, logistic or softmax, got "
            f"{loss.__name__.lower()!r}; train takes it over all patterns"
        )
    return array_namespace(Y).reshape(Y, (Y.shape[0], -1)), loss


def checked_weights(sample_weight, X):
    """Weights (n, 1) >= 0 like X, not all 0."""
    weights = floating_array(sample_weight, "sample_weight", 1, like=X)
    if weights.shape[0] != X.shape[0]:
        raise ValueError(
            f"sample_weight must have one entry per row of X, {X.shape[0]}, got shape "
            f"{tuple(weights.shape)}"
        )
    xp = array_namespace(weights)
    if float(xp.min(weights)) < 0 or float(xp.max(weights)) == 0:
        raise ValueError(
            "sample_weight must be >= 0, and > 0 for at least one sample (0 leaves a sample out), "
            f"got weights from {float(xp.min(weights)):.3g} to {float(xp.max(weights)):.3g}"
        )
    return weights[:, None]


class GatedProgram:
    """Data and gates, and all that a method asks of them.

    Parameters
    ----------
    X, gates : (n, d), (d, G) array
        As checked above.
    Y : (n, c) array
        Targets, one column an output.
    loss : Squared, Logistic or Softmax
        With weights (n, 1), if any; or with the free ones of `constants`.
    """

    def __init__(self, X, Y, gates, loss):
        self.xp = array_namespace(X)
        self.X, self.Y, self.loss = X, Y, loss
        self.free = hasattr(loss, "balanced")
        self.patterns = active(X, gates)

    @property
    def shape(self):
        """n, d, c and G."""
        return (*self.X.shape, self.Y.shape[1], self.patterns.shape[1])

    def index(self, gates):
        """A host array of gates' numbers, as an index for arrays of this library and device."""
        return self.xp.asarray(np.asarray(gates, dtype=np.int64), device=device(self.X))

    def padded(self, weights, count):
        """Weights (k, d, c), and zeros up to a number of gates."""
        shape = (count - weights.shape[0], *weights.shape[1:])
        zeros = self.xp.zeros(shape, dtype=weights.dtype, device=device(self.X))
        return self.xp.concat([weights, zeros], axis=0)

    def masks(self, gates):
        """Patterns of some gates as numbers (n, k)."""
        return self.xp.astype(self.xp.take(self.patterns, self.index(gates), axis=1), self.X.dtype)

    def _blocks(self, masks):
        step = max(BLOCK // (self.X.shape[0] * self.Y.shape[1]), 1)
        return [slice(k, k + step) for k in range(0, masks.shape[1], step)]

    def outputs(self, weights, masks, X=None):
        """sum_g D_g X W_g for weights (k, d, c) and masks (n, k): (n, c)."""
        xp, (n, d, c, _) = self.xp, self.shape
        X = self.X if X is None else X
        total = xp.zeros((n, c), dtype=X.dtype, device=device(X))
        for block in self._blocks(masks):
            stacked = xp.reshape(xp.permute_dims(weights[block, :, :], (1, 0, 2)), (d, -1))
            products = xp.reshape(X @ stacked, (n, -1, c))
            total = total + xp.sum(products * masks[:, block, None], axis=1)
        return total

    def correlate(self, nu, masks, X=None):
        """X^T D_g nu for nu (n, c) and masks (n, k): (k, d, c)."""
        xp, (n, d, c, _) = self.xp, self.shape
        X = self.X if X is None else X
        parts = []
        for block in self._blocks(masks):
            masked = xp.reshape(masks[:, block, None] * nu[:, None, :], (n, -1))
            parts.append(xp.permute_dims(xp.reshape(X.T @ masked, (d, -1, c)), (1, 0, 2)))
        return xp.concat(parts, axis=0)

    @cached_property
    def double(self):
        """X and Y in double precision."""
        return tuple(self.xp.astype(one, self.xp.float64, copy=False) for one in (self.X, self.Y))

    @cached_property
    def kernel(self):
        """X X^T (n, n), in double precision."""
        return self.double[0] @ self.double[0].T

    def certificate(self, weights, gates, beta):
        """What the weights are worth, in double precision whatever the data are in.

        Parameters
        ----------
        weights : (k, d, c) array
        gates : (k,) ndarray of int
            Whose weights they are; all others are zero.

        Returns
        -------
        objective, lower_bound : float
        outputs : (n, c) array
        norms : (G,) ndarray
            ||X^T D_g nu||_F of every gate at nu = -grad F; at most beta at an optimum.
        """
        xp, (X, Y) = self.xp, self.double
        weights = xp.astype(weights, xp.float64, copy=False)
        outputs = self.outputs(weights, self.masks(gates), X)
        nu = self.loss.residual(Y, outputs)
        sizes = [
            host(group_norms(xp, self.correlate(nu, self.patterns[:, block], X)))
            for block in self._blocks(self.patterns)
        ]
        norms = np.concatenate(sizes)
        objective = self.loss.value(Y, outputs) + beta * float(group_norms(xp, weights).sum())
        return objective, self.bound(nu, norms.max(), beta), outputs, norms

    def constants(self, outputs):
        """The free constants (c,) that the loss takes for outputs (n, c)."""
        constants = self.loss.constants(self.double[1], outputs)
        return self.xp.astype(constants, self.X.dtype, copy=False)

    def bound(self, nu, maximum, beta):
        """Lower bound on the optimum from nu (n, c) with ||X^T D_g nu|| <= maximum for all g.

        The dual is max -F*(-nu) subject to ||X^T D_g nu||_F <= beta: s nu is feasible for
        s <= beta / maximum. In double precision, in which the last bound is taken, the maximum is
        raised by what the sums over n samples may have rounded.
        """
        if not 0.0 < float((nu * nu).sum()) < np.inf:
            return 0.0
        if nu.dtype == self.xp.float64:
            maximum = maximum + self._rounding(nu)
        Y = self.Y if nu.dtype == self.Y.dtype else self.double[1]
        scale, share, cost = self.loss.best_scale(Y, nu), 0.0, 0.0
        if self.free:
            share, moves, cost = self.loss.balanced(Y, nu)
            maximum = maximum + float(self.xp.sum(moves * self.xp.astype(self._lengths, nu.dtype)))
        if maximum > 0:
            scale = min(scale, beta / maximum)
        value = self.loss.dual_value(Y, scale * nu)
        return max((1.0 - share) * value - scale * cost, 0.0)

    @cached_property
    def _lengths(self):
        return self.xp.sqrt(self.xp.sum(self.double[0] ** 2, axis=1))

    def _rounding(self, nu):
        """What rounding may take off max_g ||X^T D_g nu||_F, for nu (n, c) in double precision."""
        xp, (n, d, *_) = self.xp, self.shape
        size = float(xp.sum(xp.sqrt(xp.sum(nu**2, axis=1)) * self._lengths))
        return (n + d + 8) * EPS * size + n * d * VANISHED


def group_norms(xp, weights):
    """||W_g||_F of weights (k, d, c): (k,)."""
    return xp.sqrt(xp.sum(weights**2, axis=(1, 2)))
