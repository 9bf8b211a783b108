"""P of the stored network, and what the dual point proves if it may."""

import math

import numpy as np

from .archive import complete
from .rounding import SAFE, TINY, Refused, U, gamma


def objective(file):
    """An interval (low, high) that holds P of the stored network."""
    file = complete(file)
    X, y, W, a = (file[name] for name in ("X", "y", "hidden_weights", "output_weights"))
    slope, skip, constant = (file[name] for name in ("slope", "skip", "intercept"))
    patches = X if X.ndim == 3 else X[:, None]
    (n, K, d), norm = patches.shape, np.linalg.norm
    step, outputs = max(1_000_000 // max(K * len(W), 1), 1), np.empty(n)
    for k in range(0, n, step):
        inputs = patches[k : k + step] @ W.T
        active = np.maximum(inputs, 0.0) + slope * np.minimum(inputs, 0.0)
        outputs[k : k + step] = active.mean(axis=1) @ a
    outputs += patches.mean(axis=1) @ skip + constant
    reach = max(1.0, abs(slope)) * float(np.abs(a) @ norm(W, axis=1)) + norm(skip)
    size = norm(patches, axis=2).mean(axis=1) * reach + abs(constant)
    extra = 0 if K == 1 else K + 2
    error = SAFE * gamma(d + len(a) + extra + 8) * size + TINY
    if str(file["loss"]) == "squared":
        off = np.abs(outputs - y)
        error = error + 2 * U * off
        low, high = 0.5 * np.maximum(off - error, 0.0) ** 2, 0.5 * (off + error) ** 2
    else:  # log(1 + exp(-y f)) moves by no more than f does
        loss = np.logaddexp(0.0, -y * outputs)
        low, high = loss - error, loss + error
    penalty = 0.5 * float(file["beta"]) * math.fsum([*(W.ravel() ** 2), *(a**2)])
    return (1 - 32 * U) * (math.fsum(low) + penalty), (1 + 32 * U) * (math.fsum(high) + penalty)


def dual_value(y, nu, loss):
    """A number that -F*(-nu) is not below."""
    if loss == "squared":
        size = math.fsum(np.abs(nu) * (np.abs(y) + np.abs(nu)))
        return math.fsum(nu * (y - 0.5 * nu)) - SAFE * 8 * U * size - TINY
    p = nu * y  # exact: y is -1 or 1
    if p.min() < 0 or p.max() > 1:
        raise Refused("nu", "nu y must be probabilities for the logistic loss")
    p = p[(p > 0) & (p < 1)]
    return (1 - 32 * U) * math.fsum(-p * np.log(p) - (1 - p) * np.log1p(-p))
