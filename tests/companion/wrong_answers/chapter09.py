"""Answers to the exercises of notebook 09 that are wrong, and words of the verdict on each."""

import math

import cvxpy as cp
import numpy as np

import hidden_convexity as hc
from hidden_convexity.solvers.fixed_gates.interpolation import interpolate


def first(d, few):
    return next(n for n in range(d, 100 * d) if few(n))


def by_all_patterns(d, probability):
    return first(d, lambda n: 1 - d / 2**n >= probability)


def in_one_dimension_less(d, probability):
    return first(d, lambda n: 1 - hc.count_chambers(n, d - 1) / 2**n >= probability)


def where_the_middle_is(d, probability):
    return 2 * d


def only_scaled_down(nu, X, y, M):
    return abs(nu @ y) / max(1, M, np.linalg.norm(X.T @ nu))


def least_norm_of(X, y, arrangement=None, cones=True, skip=True):
    found = interpolate(arrangement or hc.Arrangement.enumerate(X), y, cones=cones, skip=skip)
    network = found.network
    return found.skip, network.hidden_weights, network.output_weights


def linear(X, y):
    return np.linalg.lstsq(X, y)[0], np.zeros((0, X.shape[1])), np.zeros(0)


def gated(X, y):
    return least_norm_of(X, y, cones=False)


def without_skip(X, y):
    return least_norm_of(X, y, skip=False)


def squared_lengths(X, y):
    D = hc.Arrangement.enumerate(X).patterns
    w, u, v = cp.Variable(X.shape[1]), *(cp.Variable((X.shape[1], D.shape[1])) for _ in "uv")
    fit = X @ w + cp.sum(cp.multiply(D, X @ (u - v)), axis=1)
    cones = [cp.multiply(2.0 * D - 1, X @ z) >= 0 for z in (u, v)]
    cost = cp.sum_squares(w) + cp.sum_squares(u) + cp.sum_squares(v)
    cp.Problem(cp.Minimize(cost), [fit == y, *cones]).solve(solver=cp.CLARABEL)
    network = hc.ReLUNetwork.decode(u.value, v.value)
    return w.value, network.hidden_weights, network.output_weights


def of_the_linear_teacher(X, w):
    return X @ np.linalg.solve(X.T @ X, w)


def on_active_rows_only(X, w):
    return np.linalg.lstsq(X.T, w)[0] * (X @ w > 0)


def not_the_shortest(X, w):
    on = X @ w > 0
    nu = np.ones(len(X))
    nu[on] = np.linalg.lstsq(X[on].T, w)[0]
    return nu


def by_gates(X, w):
    nu = of_the_linear_teacher(X, w)
    D = hc.Arrangement.enumerate(X).patterns
    return bool(np.linalg.norm(X.T @ (D * nu[:, None]), axis=0).max() < 1)


def by_recovery(X, w):
    found = interpolate(hc.Arrangement.enumerate(X), X @ w)
    return bool(np.abs(found.skip - w).max() < 1e-4)


def by_sampling(X, w):
    U = np.random.default_rng(0).normal(size=(X.shape[1], 2))
    U /= np.linalg.norm(U, axis=0)
    return bool(np.abs(of_the_linear_teacher(X, w) @ np.maximum(X @ U, 0)).max() < 1)


WRONG = {
    "09.1": [
        (by_all_patterns, "too small"),
        (in_one_dimension_less, "too small"),
        (where_the_middle_is, "too small"),
        (lambda d, probability: 10 * d, "one sample less is enough"),
        (lambda d, probability: 1, "every pattern is a chamber"),
        (lambda d, probability: math.sqrt(d), "must return a whole number"),
    ],
    "09.2": [
        (lambda nu, X, y, M: nu @ y, "above the norm"),
        (lambda nu, X, y, M: abs(nu @ y) / np.linalg.norm(X.T @ nu), "no feasible multiple"),
        (lambda nu, X, y, M: nu @ y / max(M, np.linalg.norm(X.T @ nu)), "another feasible"),
        (lambda nu, X, y, M: nu @ y / (M + np.linalg.norm(X.T @ nu)), "another feasible"),
        (lambda nu, X, y, M: 0.0, "another feasible"),
        (only_scaled_down, "another feasible"),
    ],
    "09.3": [
        (of_the_linear_teacher, "is not the planted neuron"),
        (on_active_rows_only, "is not the planted neuron"),
        (not_the_shortest, "is shorter than yours"),
        (lambda X, w: w, "of shape (10)"),
    ],
    "09.4": [
        (linear, "with a smaller norm"),
        (gated, "does not interpolate"),
        (without_skip, "with a smaller norm"),
        (squared_lengths, "with a smaller norm"),
        (lambda X, y: interpolate(hc.Arrangement.enumerate(X), y), "must return 3 arrays"),
    ],
    "09.5": [
        (by_gates, "no neuron reaches one"),
        (by_recovery, "some neuron beats the skip connection"),
        (by_sampling, "some neuron beats the skip connection"),
        (lambda X, w: True, "some neuron beats the skip connection"),
        (lambda X, w: len(X) > 2 * len(w), "no neuron reaches one"),
    ],
}
