"""Answers to the exercises of notebook 02 that are wrong, and words of the verdict on each."""

import numpy as np

import hidden_convexity as hc


def gates_on_walls(X):
    rows = X[X.any(axis=1)]
    return np.hstack([[-rows[:, 1], rows[:, 0]], [rows[:, 1], -rows[:, 0]]])


def sampled_gates(X):
    return hc.Arrangement.sample(X, 10, rng=0).gates


def random_gates(X):
    return np.random.default_rng(0).normal(size=(2, 1000))


def equal_shares(X, patterns, seed):
    return np.full(patterns.shape[1], 1 / patterns.shape[1])


def from_a_cube(X, patterns, seed):
    U = np.random.default_rng(seed).uniform(-1, 1, size=(X.shape[1], 10_000))
    met = X @ U > 0
    return (patterns[:, :, None] == met[:, None, :]).all(axis=0).mean(axis=1)


def counts(X, patterns, seed):
    return 10_000 * equal_shares(X, patterns, seed)


def gaussian_unseeded_by_argument(X, y, count, seed):
    return np.random.default_rng(0).normal(size=(X.shape[1], count))


def on_hyperplanes(X, y, count, seed):
    sample = X[np.random.default_rng(seed).integers(len(X), size=count)]
    return np.array([-sample[:, 1], sample[:, 0], np.zeros(count)])


WRONG = {
    "02.1": [
        (lambda n, d: hc.count_chambers(n, d), "and the list has"),
        (
            lambda n, d: 22 if d == 2 else 1,
            "for 4 samples with 1 feature and a constant you count 1 chamber,",
        ),
        (lambda n, d: 22, "and the list has"),
        (lambda n, d: 2**n, "and the list has"),
        (lambda n, d: str(hc.count_chambers(n, d + 1)), "must return a number, got str"),
    ],
    "02.2": [
        (lambda k, G: np.exp(-k / G), "directions miss a share of"),
        (lambda k, G: 1 / (1 + G / k), "your function raised ZeroDivisionError"),
        (lambda k, G: 1 - 1 / (1 + k / G), "directions miss a share of 1.00, not 0.00"),
    ],
    "02.3": [
        (gates_on_walls, "a gate lies on a hyperplane"),
        (sampled_gates, "chambers"),
        (random_gates, "two gates lie in the same chamber"),
        (lambda X: hc.Arrangement.enumerate(X).gates.T, "array of shape (2, any)"),
        (lambda X: hc.Arrangement.enumerate(X).gates[:, :-1], "of the 14 chambers"),
    ],
    "02.4": [
        (equal_shares, "two planes at 60 degrees"),
        (from_a_cube, "two planes at 30 degrees"),
        (counts, "do not add up to 1"),
        (lambda X, patterns, seed: np.arange(patterns.shape[1]) / 28, "do not add up to 1"),
    ],
    "02.5": [
        (gaussian_unseeded_by_argument, "another seed gives the same directions"),
        (lambda X, y, count, seed: np.zeros((3, count)), "a direction is zero"),
        (on_hyperplanes, "lies on a hyperplane"),
    ],
}
