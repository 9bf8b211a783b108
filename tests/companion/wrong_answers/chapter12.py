"""Answers to the exercises of notebook 12 that are wrong, and words of the verdict on each."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import hidden_convexity as hc


def active(X, u):
    return (X @ u > 0)[:, :, None]


def every_row(X):
    n, K, d = X.shape
    return X.reshape(-1, d), np.kron(np.eye(n), np.full((1, K), 1 / K))


def counted_once(X):
    n, K, d = X.shape
    rows, place = np.unique(X.reshape(-1, d), axis=0, return_inverse=True)
    averages = np.zeros((n, len(rows)))
    averages[np.repeat(np.arange(n), K), place.ravel()] = 1 / K
    return rows, averages


def not_averaged(X):
    rows, averages = counted_once(X)
    return rows, np.sign(averages)


WRONG = {
    "12.1": [
        (lambda n, T, k: hc.count_chambers(n, T), "there can be more"),
        (lambda n, T, k: hc.count_chambers(n * T, k), "that no filter has"),
        (lambda n, T, k: hc.count_chambers(n * (T - k + 1), k) - 1, "there can be more"),
        (lambda n, T, k: 2.0 ** (n * (T - k + 1) % 60), "that no filter has"),
    ],
    "12.2": [
        (lambda X, nu, u: nu @ (active(X, u) * X).sum(axis=1), "another amount"),
        (lambda X, nu, u: nu @ X.mean(axis=1), "another amount"),
        (lambda X, nu, u: nu @ np.maximum(X, 0).mean(axis=1), "another amount"),
        (lambda X, nu, u: (active(X, u) * X).mean(axis=(0, 1)), "another amount"),
    ],
    "12.3": [
        (every_row, "some of your rows are equal"),
        (counted_once, "other outputs"),
        (not_averaged, "other outputs"),
        (lambda X: (every_row(X)[0][:1], every_row(X)[1]), "one column for each"),
    ],
    "12.4": [
        (lambda signals, basis: sliding_window_view(signals, len(basis), axis=1), "shape"),
        (
            lambda signals, basis: sliding_window_view(signals, len(basis), axis=1) @ basis[::-1],
            "don't give what the filter",
        ),
        (
            lambda signals, basis: sliding_window_view(signals, len(basis), axis=1) @ np.abs(basis),
            "don't give what the filter",
        ),
    ],
}
