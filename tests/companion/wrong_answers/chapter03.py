"""Answers to the exercises of notebook 03 that are wrong, and words of the verdict on each."""

import cvxpy as cp
import numpy as np

import hidden_convexity as hc


def scaled_only(nu, y, M, beta):
    s = beta / M
    return s * (nu @ y) - s**2 * (nu @ nu) / 2


def to_the_limit(nu, y, M, beta):
    return scaled_only(np.sign(nu @ y) * nu, y, M, beta)


def unscaled(nu, y, M, beta):
    return (nu @ y) ** 2 / (nu @ nu) / 2


def one_sided(nu, y, M, beta):
    s = np.clip(nu @ y / (nu @ nu), 0, beta / M)
    return s * (nu @ y) - s**2 * (nu @ nu) / 2


def unbalanced(u, v):
    columns = np.hstack([u, v]).T
    used = columns.any(axis=1)
    return columns[used], np.repeat([1.0, -1.0], [u.shape[1], v.shape[1]])[used]


def unsigned(u, v):
    network = hc.ReLUNetwork.decode(u, v)
    return network.hidden_weights, np.abs(network.output_weights)


def with_zero_neurons(u, v):
    columns = np.hstack([u, v]).T
    return columns, np.repeat([1.0, -1.0], [u.shape[1], v.shape[1]])


def program(X, y, beta, D, cones):
    shape = X.shape[1], D.shape[1]
    u, v = cp.Variable(shape), cp.Variable(shape)
    fit = cp.sum(cp.multiply(D, X @ (u - v)), axis=1)
    lengths = cp.sum(cp.norm(u, axis=0)) + cp.sum(cp.norm(v, axis=0))
    constraints = [cp.multiply(2 * D - 1, X @ z) >= 0 for z in (u, v)] if cones else []
    cost = cp.sum_squares(fit - y) / 2 + beta * lengths
    cp.Problem(cp.Minimize(cost), constraints).solve(solver=cp.CLARABEL)
    return u.value, v.value


def on_the_circle(X):
    angles = np.linspace(0, 2 * np.pi, 20_000)
    return np.array([np.cos(angles), np.sin(angles)])


def without_absolute_value(X, nu):
    U = on_the_circle(X)
    return U[:, np.argmax(nu @ np.maximum(X @ U, 0))]


def without_relu(X, nu):
    return X.T @ nu / np.linalg.norm(X.T @ nu)


WRONG = {
    "03.1": [
        (lambda n, d: (2 * d * hc.count_chambers(n, d), n * hc.count_chambers(n, d)), "inequal"),
        (lambda n, d: (d * hc.count_chambers(n, d), 2 * n * hc.count_chambers(n, d)), "variables"),
        (lambda n, d: (2 * d * 2**n, 2 * n * 2**n), "vectors of 1 number, which"),
    ],
    "03.2": [
        (scaled_only, "another feasible scaling has a larger dual value: a negative one"),
        (to_the_limit, "another feasible scaling has a larger dual value: one inside"),
        (one_sided, "another feasible scaling has a larger dual value: a negative one"),
        (unscaled, "above the objective of a network"),
        (lambda nu, y, M, beta: 0.0, "another feasible scaling has a larger dual value"),
    ],
    "03.3": [
        (unbalanced, "is every neuron balanced?"),
        (unsigned, "the outputs of your network"),
        (with_zero_neurons, "columns that are not zero"),
        (lambda u, v: hc.ReLUNetwork.decode(u, v), "must return 2 arrays, got ReLUNetwork"),
    ],
    "03.4": [
        (lambda X, y, beta, D: program(X, y, beta, D, cones=True), "with the cone constraints"),
        (lambda X, y, beta, D: program(X, y, beta / 2, D, cones=False), "are not optimal"),
        (lambda X, y, beta, D: np.zeros((2, X.shape[1], D.shape[1])), "must return 2 arrays"),
        (lambda X, y, beta, D: (0 * X.T @ D, 0 * X.T @ D), "are not optimal"),
    ],
    "03.5": [
        (without_absolute_value, "another direction violates"),
        (without_relu, "another direction violates"),
        (lambda X, nu: 2 * without_absolute_value(X, nu), "does not have length one"),
    ],
}
