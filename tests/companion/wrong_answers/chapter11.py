"""Answers to the exercises of notebook 11 that are wrong, and words of the verdict on each."""

import numpy as np

import hidden_convexity as hc
from hidden_convexity.oracle import BranchAndBound


def counting_up_to(size):
    def largest(memory, d):
        n = 1
        while size(n + 1, d) <= memory:
            n += 1
        return n

    return largest


def on(X, u):
    return np.abs(X @ u) < 1e-9


def ends_at_corners(X, nu, V):
    return np.maximum(V @ X.T, 0) @ nu


def convex_only(X, nu, V):
    return np.maximum(V @ X.T, 0) @ np.maximum(nu, 0)


def linear_everywhere(X, nu, V):
    active = X @ V.sum(axis=0) > 0
    return (V @ X.T * active) @ nu


def cells(X, nu, tolerance):
    return len(BranchAndBound(X).cover(nu, tolerance)[0])


def band(width, height):
    def plant(X, nu, beta):
        x, e = np.eye(3)[:2]
        rows = np.array([x - width * e, x, x + width * e])
        return rows, height * beta / width * np.array([1, -2, 1])

    return plant


WRONG = {
    "11.1": [
        (counting_up_to(lambda n, d: n * hc.count_chambers(n, d) * 3), "bytes too"),
        (counting_up_to(lambda n, d: n * hc.count_chambers(n, d) // 2), "is larger than"),
        (lambda memory, d: int(np.sqrt(memory / 2)), "is larger than"),
        (lambda memory, d: 0, "less than one sample"),
    ],
    "11.2": [
        (lambda X, nu, u, v: nu[on(X, u)] @ (X[on(X, u)] @ v), "the slope changes by"),
        (lambda X, nu, u, v: nu[X @ u == 0] @ np.abs(X[X @ u == 0] @ v), "the slope changes by"),
        (lambda X, nu, u, v: np.abs(nu[on(X, u)]) @ np.abs(X[on(X, u)] @ v), "the slope changes"),
        (lambda X, nu, u, v: nu @ np.abs(X @ v), "the slope changes by"),
    ],
    "11.3": [
        (ends_at_corners, "h is above your bound within the cone"),
        (linear_everywhere, "h is above your bound within the cone"),
        (convex_only, "your bound is not exact"),
        (lambda X, nu, V: np.abs(V @ X.T) @ np.abs(nu), "your bound is not exact"),
    ],
    "11.4": [
        (lambda X, nu: cells(X, nu, 1e-5) / cells(X, nu, 1e-1), "another number of cells"),
        (lambda X, nu: (cells(X, nu, 1e-5) - cells(X, nu, 1e-1)) / 5, "another number of cells"),
        (lambda X, nu: (cells(X, nu, 1e-1) - cells(X, nu, 1e-5)) / 4, "another number of cells"),
    ],
    "11.5": [
        (lambda X, nu, beta: (X[:1], [5 * beta]), "random directions"),
        (band(0.1, 3), "random directions"),
        (band(1e-4, 0.001), "does not exceed beta"),
        (lambda X, nu, beta: (np.zeros((0, 3)), []), "does not exceed beta"),
        (lambda X, nu, beta: (X[:2], [1.0]), "another number of prices"),
    ],
}
