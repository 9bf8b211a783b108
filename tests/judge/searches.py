"""Searches for networks that are better than those that are called optimal."""

from fractions import Fraction

import exact
import numpy as np
from scipy.optimize import minimize

# Margins over which the hinge loss is rounded, for a search only.
ROUNDED = 1e-3


def searched(X, y, beta, loss, trained, rng, w=None):
    """Networks (W, a) that independent searches end at, the last of them a crude one.

    A Lasso over the directions in which M could be attained at the residual of the trained network,
    and L-BFGS on all weights from its solution, from the trained network, moved, and from random
    ones. In units in which the largest entries of X and y are one.
    """
    size_x = float(np.abs(X).max()) or 1.0
    size_y = 1.0 if loss != "squared" else float(np.abs(y).max()) or 1.0
    w = np.ones(len(y)) if w is None else w
    Xs, ys, decay = X / size_x, y / size_y, beta / size_x / size_y

    def there(network):
        return balanced(network, size_x / size_y)

    def back(network):
        return balanced(network, size_y / size_x)

    n, d = X.shape
    start = there(trained)
    residual = -loss_and_slope(outputs(Xs, *start), ys, loss, w)[1]
    directions = candidate_directions(Xs, residual, rng)
    by_lasso = lasso(Xs, ys, decay, loss, directions, w)
    starts = [
        (rng.standard_normal((n + 1, d)), rng.standard_normal(n + 1)),
        by_lasso,
        joined(
            perturbed(start, rng), (0.03 * rng.standard_normal((2, d)), np.array([0.03, -0.03]))
        ),
        joined(perturbed(by_lasso, rng), start),
    ]
    crude = descended(Xs, ys, decay, loss, starts[0], 5, w)
    found = [descended(Xs, ys, decay, loss, network, 200, w) for network in starts]
    return [back(network) for network in [by_lasso, *found, crude]]


def outputs(X, W, a):
    return np.maximum(X @ W.T, 0.0) @ a


def balanced(network, factor):
    """The network that computes `factor` times as much, with weights of equal norms."""
    W, a = network
    norms = np.array([np.hypot.reduce(w) for w in W])
    used = (norms > 0) & (a != 0)
    W, a, norms = W[used], a[used], norms[used]
    size = np.sqrt(norms) * np.sqrt(np.abs(a)) * np.sqrt(factor)
    return W / norms[:, None] * size[:, None], np.sign(a) * size


def perturbed(network, rng):
    """Weights moved by 1e-8 to 1 of their size."""
    W, a = network
    amount = 10.0 ** rng.uniform(-8, 0)
    W = W * (1 + amount * rng.standard_normal(W.shape))
    return W, a * (1 + amount * rng.standard_normal(a.shape))


def joined(one, other):
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])


def candidate_directions(X, nu, rng, most=24):
    """Unit directions (k, d) that could attain M(nu), from some orders of rows, and a few more."""
    rows, _ = exact.integers(X)
    weights, _ = exact.integers([nu])
    orders = [list(rng.permutation(len(X))) for _ in range(most)]
    found = []
    for p in exact.critical_directions(rows, weights[0], orders):
        largest = max(abs(entry) for entry in p)
        u = np.array([float(Fraction(entry, largest)) for entry in p])
        found.append(u / np.hypot.reduce(u))
    found = np.reshape(found, (-1, X.shape[1]))
    return np.unique(
        np.concatenate([found, rng.standard_normal((8, X.shape[1]))]).round(12), axis=0
    )


def lasso(X, y, beta, loss, directions, w):
    """The network (W, a) of the Lasso over neurons in given directions."""
    norms = np.linalg.norm(directions, axis=1)
    directions = directions[norms > 0] / norms[norms > 0, None]
    z = nonnegative_lasso(np.maximum(X @ directions.T, 0.0), y, beta, loss, w)
    return balanced((directions, z), 1.0)


def nonnegative_lasso(features, y, beta, loss, w=1.0):
    """Coefficients z, either sign, of min F(features z) + beta ||z||_1, as far as L-BFGS gets."""
    k = features.shape[1]
    both = np.hstack([features, -features])

    def height(z):
        value, slope = loss_and_slope(both @ z, y, loss, w)
        return value + beta * z.sum(), both.T @ slope + beta

    found = minimize(height, np.zeros(2 * k), jac=True, bounds=[(0, None)] * 2 * k).x
    return found[:k] - found[k:]


def descended(X, y, beta, loss, network, steps, w):
    """Where L-BFGS on all weights gets in some steps, its kinks ignored."""
    W, a = network
    shape = W.shape
    if len(a) == 0:
        return network

    def height(theta):
        W, a = theta[:W_size].reshape(shape), theta[W_size:]
        activations = np.maximum(X @ W.T, 0.0)
        value, slope = loss_and_slope(activations @ a, y, loss, w)
        to_W = (slope[:, None] * a * (activations > 0)).T @ X + beta * W
        to_a = activations.T @ slope + beta * a
        value += 0.5 * beta * float(theta @ theta)
        return value, np.concatenate([to_W.ravel(), to_a])

    W_size = W.size
    start = np.concatenate([W.ravel(), a])
    options = {"maxiter": steps, "ftol": 1e-15, "gtol": 1e-12}
    theta = minimize(height, start, jac=True, method="L-BFGS-B", options=options).x
    return theta[:W_size].reshape(shape), theta[W_size:]


def loss_and_slope(f, y, loss, w):
    if loss == "squared":
        return 0.5 * float((w * (f - y) ** 2).sum()), w * (f - y)
    margin = y * f
    if loss == "hinge":  # its kink rounded, over a margin of ROUNDED: a descent stops at a kink
        part = np.clip((1 - margin) / ROUNDED, 0, 1)
        return float((w * part * (1 - margin - ROUNDED * part / 2)).sum()), -w * y * part
    slope = -y * np.exp(-np.logaddexp(0, margin))
    return float((w * np.logaddexp(0, -margin)).sum()), w * slope
