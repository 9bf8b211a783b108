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
    low, high = (part.ravel() for part in losses(y, outputs, error, str(file["loss"])))
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


def dual_value(y, nu, loss):
    """A number that -F*(-nu) is not below."""
    if loss == "squared":
        size = math.fsum((np.abs(nu) * (np.abs(y) + np.abs(nu))).ravel())
        return math.fsum((nu * (y - 0.5 * nu)).ravel()) - SAFE * 8 * U * size - TINY
    if loss == "softmax":
        if (nu > y).any():
            raise Refused("nu", "y - nu must be probabilities for the softmax loss")
        p = y - nu  # rounded once
        p = p[p > 0]
        entropy = math.fsum(-p * np.log(p))
        return entropy - 16 * U * math.fsum(p * (1 + np.abs(np.log(p))))
    p = nu * y  # exact: y is -1 or 1
    if p.min() < 0 or p.max() > 1:
        raise Refused("nu", "nu y must be probabilities for the logistic loss")
    p = p[(p > 0) & (p < 1)]
    return (1 - 32 * U) * math.fsum(-p * np.log(p) - (1 - p) * np.log1p(-p))
