"""Checks of the exercises of notebook 12: convolution."""

from math import comb

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.problem.network import ReLUNetwork


@exercise("12.1")
def most_patterns(answer, rng):
    for n, T, k in ((1, 5, 2), (3, 4, 4), (2, 10, 3), (338, 22, 3), (1000, 64, 4)):
        rows = n * (T - k + 1)
        given = answer.count(n, T, k)
        most = 2 * sum(comb(rows - 1, j) for j in range(min(k, rows)))
        about = f"for {n} signals of {T} samples and {k} taps"
        require(given <= most, f"{about} you count patterns that no filter has")
        require(given == most, f"{about} there can be more patterns")


@exercise("12.2")
def slope_of_h(answer, rng):
    for n, K, d in ((1, 1, 2), (6, 1, 3), (5, 7, 3), (3, 9, 4)):
        X, nu, u = rng.normal(size=(n, K, d)), rng.normal(size=n), rng.normal(size=d)
        given = answer.array(X, nu, u, shape=(d,))
        # Far below the distance of u to the nearest hyperplane, where h is linear.
        step = 1e-3 * np.abs(X @ u).min() / np.linalg.norm(X, axis=2).max()
        for v in np.eye(d):
            rise = (_h(X, nu, u + step * v) - _h(X, nu, u - step * v)) / (2 * step)
            same = np.isclose(given @ v, rise, rtol=1e-5, atol=1e-6)
            require(same, "along a coordinate axis h rises by another amount")


@exercise("12.3")
def merged(answer, rng):
    for n, K, d in ((4, 6, 2), (1, 5, 3), (7, 3, 3)):
        X = rng.integers(-1, 2, size=(n, K, d)).astype(float)
        X[:, -1] = X[:, 0]  # a patch that a sample has twice
        rows, averages = answer.arrays(X, shapes=[(None, d), (n, None)])
        require(averages.shape[1] == len(rows), "A must have one column for each of your rows")
        different = len(np.unique(X.reshape(-1, d), axis=0))
        require(len(rows) <= different, "some of your rows are equal")
        network = ReLUNetwork(rng.normal(size=(8, d)), rng.normal(size=8))
        pooled = averages @ np.maximum(rows @ network.hidden_weights.T, 0)
        same = np.allclose(pooled @ network.output_weights, network(X))
        require(same, "a network has other outputs from your rows and averages than on X")


@exercise("12.4")
def in_basis(answer, rng):
    for n, T, k, r in ((3, 12, 7, 3), (5, 9, 4, 4), (2, 6, 6, 1)):
        signals = rng.normal(size=(n, T))
        basis = np.linalg.qr(rng.normal(size=(k, r)))[0]
        given = answer.array(signals, basis, shape=(n, T - k + 1, r))
        w = rng.normal(size=r)
        filtered = np.array([np.correlate(signal, basis @ w, "valid") for signal in signals])
        same = np.allclose(given @ w, filtered)
        require(same, "weights w on your patches don't give what the filter basis @ w gives")


def _h(X, nu, u):
    return nu @ np.maximum(X @ u, 0).mean(axis=1)
