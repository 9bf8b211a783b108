"""P of the stored network, and what the dual point proves if it may."""

import math

import numpy as np

from .archive import complete
from .rounding import SAFE, TINY, Refused, U, gamma, lengths


def objective(file):
    """An interval (low, high) that holds P of the stored network."""
    file = complete(file)
    if str(file["network"]) == "one variable":
        return objective_of_branches(file)
    X, y, W, a = (file[name] for name in ("X", "y", "hidden_weights", "output_weights"))
    slope, skip, constant = (file[name] for name in ("slope", "skip", "intercept"))
    patches = X if X.ndim == 3 else X[:, None]
    (n, K, d), outputs = patches.shape, np.empty(y.shape)
    step = max(1_000_000 // max(K * len(W), 1), 1)
    for k in range(0, n, step):
        inputs = patches[k : k + step] @ W.T
        active = np.maximum(inputs, 0.0) + slope * np.minimum(inputs, 0.0)
        outputs[k : k + step] = active.mean(axis=1) @ a
    outputs += patches.mean(axis=1) @ skip + constant
    reach = max(1.0, abs(slope)) * (lengths(W) @ np.abs(a)) + lengths(skip.T)
    size = np.multiply.outer(lengths(patches).mean(axis=1), reach) + np.abs(constant)
    extra = 0 if K == 1 else K + 2
    error = SAFE * gamma(d + len(a) + extra + 8) * size + TINY * (1 + np.abs(a).sum())
    w = file["sample_weight"]
    low, high = ((w * part.T).ravel() for part in losses(y, outputs, error, str(file["loss"])))
    return with_penalty(low, high, np.append(W, a), 2, float(file["beta"]))


def with_penalty(low, high, weights, power, beta):
    """Sums of losses and beta / L sum |w|^L, whose powers may underflow."""
    penalty = beta / power * math.fsum(np.abs(weights) ** power)
    leeway, lost = (32 + power) * U, TINY * beta * weights.any()
    low, high = math.fsum(low) + penalty, math.fsum(high) + penalty + lost
    return (1 - leeway) * low, (1 + leeway) * high


def losses(y, outputs, error, loss):
    """The least and the most that losses are, for outputs that are wrong by `error` at most."""
    if loss == "squared":
        off = np.abs(outputs - y)
        error = error + 2 * U * off
        return 0.5 * np.maximum(off - error, 0.0) ** 2, 0.5 * (off + error) ** 2
    if loss == "hinge":
        lack, error = 1.0 - y * outputs, error + 2 * U * (1.0 + np.abs(outputs))
        return np.maximum(lack - error, 0.0), np.maximum(lack + error, 0.0)
    if loss == "softmax":  # log sum exp f - y.f moves by at most twice what an f does
        value = np.logaddexp.reduce(outputs, axis=1) - (y * outputs).sum(axis=1)
        error = 2 * error.max(axis=1) + gamma(16 + 8 * y.shape[1]) * (
            1 + np.abs(outputs).max(axis=1)
        )
    else:
        value = np.logaddexp(0.0, -y * outputs)  # it moves by no more than the output does
    return value - error, value + error


def objective_of_branches(file):
    """The same for branches of one variable, of price beta |w_1 ... w_K a| if balanced."""
    x, y, W, B = (file[name] for name in ("X", "y", "weights", "biases"))
    a, constant, layers = file["amplitudes"], float(file["constant"]), file["weights"].shape[1] + 1
    outputs, error = np.empty(len(x)), np.empty(len(x))
    step = max(1_000_000 // max(len(a), 1), 1)
    for k in range(0, len(x), step):
        value = np.repeat(x[k : k + step, None], len(a), axis=1)
        wrong = np.zeros(value.shape)
        for w, b in zip(W.T, B.T, strict=True):
            wrong = np.abs(w) * wrong + 2 * U * (np.abs(w * value) + np.abs(b))
            value = w * value + b
            value = np.maximum(value, 0.0) if str(file["activation"]) == "relu" else np.abs(value)
        outputs[k : k + step] = value @ a + constant
        size = np.abs(value) @ np.abs(a) + abs(constant)
        error[k : k + step] = SAFE * (wrong @ np.abs(a) + gamma(len(a) + 4) * size) + TINY
    low, high = losses(y, outputs, error, "squared")
    return with_penalty(low, high, np.append(W, a), layers, float(file["beta"]))


def dual_value(y, nu, loss, w=1.0):
    """A number that -F*(-nu) is not below, for samples of weights w."""
    if loss == "squared":
        r = (nu.T / w).T
        size = math.fsum((np.abs(nu) * (np.abs(y) + np.abs(r))).ravel())
        return math.fsum((nu * (y - 0.5 * r)).ravel()) - SAFE * 8 * U * size - TINY
    if loss == "softmax":
        w = (w * np.ones(len(y)))[:, None] * np.ones(y.shape)
        if (nu > w * y).any():  # w * y is exact
            raise Refused("nu", "y - nu must be probabilities for the softmax loss")
        r = nu / w
        p = y - r  # rounded once
        used = p > 0
        p, r, w = p[used], np.abs(r[used]), w[used]
        entropy, slope = math.fsum(w * (-p * np.log(p))), 1 + np.abs(np.log(p))
        # A quotient errs by at most U r: p is U or more then, and right to half of it.
        off = (w != 1) * w * r * (1 + slope)
        rounded = 16 * U * math.fsum(w * (p * slope)) + SAFE * 2 * U * math.fsum(off)
        return entropy - rounded
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
