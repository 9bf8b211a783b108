"""Answers to the exercises of notebook 14 that are wrong, and words of the verdict on each."""

import numpy as np


def patterns(X, directions):
    return {row.tobytes() for row in np.ascontiguousarray(directions @ X.T > 0)}


def alive(X, directions):
    return patterns(X, directions) - {np.zeros(len(X), bool).tobytes()}


def with_repeats(X, W, gates):
    drawn = alive(X, gates.T)
    return sum(bool(alive(X, w[None]) - drawn) for w in W)


WRONG = {
    "14.1": [
        (lambda decay, n, factor: n * decay, "beta is"),
        (lambda decay, n, factor: decay / (2 * factor), "beta is"),
        (lambda decay, n, factor: n * decay / factor, "beta is"),
        (lambda decay, n, factor: 2 * factor * decay / n, "beta is"),
        (lambda decay, n, factor: 2 * factor * n * decay, "beta is"),
    ],
    "14.2": [
        (lambda P, penalty: int(P / np.log(2)), "on the wrong side"),
        (lambda P, penalty: int(P - penalty), "on the wrong side"),
        (lambda P, penalty: int(np.ceil((P - penalty) / np.log(2))), "on the wrong side"),
        (lambda P, penalty: int((P - penalty) / np.log2(2)), "on the wrong side"),
        (lambda P, penalty: (P - penalty) / np.log(2), "whole number"),
    ],
    "14.3": [
        (lambda X, W, gates: len(patterns(X, W) - patterns(X, gates.T)), "are missing"),
        (with_repeats, "are missing"),
        (lambda X, W, gates: len(W), "are missing"),
        (lambda X, W, gates: len(alive(X, W)), "are missing"),
        (lambda X, W, gates: len(alive(X, gates.T) - alive(X, W)), "are missing"),
        (lambda X, W, gates: len(alive(X, W) & alive(X, gates.T)), "are missing"),
    ],
}
