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
    w = file["sample_weight"]
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
    elif str(file["loss"]) == "hinge":
        lack, error = 1.0 - y * outputs, error + 2 * U * (1.0 + np.abs(outputs))
        low, high = np.maximum(lack - error, 0.0), np.maximum(lack + error, 0.0)
    else:  # log(1 + exp(-y f)) moves by no more than f does
        loss = np.logaddexp(0.0, -y * outputs)
        low, high = loss - error, loss + error
    penalty = 0.5 * float(file["beta"]) * math.fsum([*(W.ravel() ** 2), *(a**2)])
    low, high = math.fsum(w * low), math.fsum(w * high)
    return (1 - 32 * U) * (low + penalty), (1 + 32 * U) * (high + penalty)


def dual_value(y, nu, loss, w=1.0):
    """A number that -F*(-nu) is not below, for samples of weights w."""
    if loss == "squared":
        r = nu / w
        size = math.fsum(np.abs(nu) * (np.abs(y) + np.abs(r)))
        return math.fsum(nu * (y - 0.5 * r)) - SAFE * 8 * U * size - TINY
    q, w = nu * y, w * np.ones(len(y))  # exact: y is -1 or 1
    if q.min() < 0 or (q > w).any():
        raise Refused("nu", f"nu y must be between 0 and the sample's weight for the {loss} loss")
    if loss == "hinge":
        return (1 - 2 * U) * math.fsum(q)
    p = q / w
    inside = (p > 0) & (p < 1)
    p, w = p[inside], w[inside]
    terms = w * (-p * np.log(p) - (1 - p) * np.log1p(-p))
    # A quotient errs by at most U p, on the way of which the slope of the entropy is at most
    # 1 - log(p) - log(1 - p): 1 - p is U or more, and right to half of U.
    off = (w != 1) * w * p * (1 - np.log(p) - np.log1p(-p))
    return (1 - 32 * U) * math.fsum(terms) - SAFE * 2 * U * math.fsum(off)
