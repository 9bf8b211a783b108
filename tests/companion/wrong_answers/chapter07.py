"""Answers to the exercises of notebook 07 that are wrong, and words of the verdict on each."""

import cvxpy as cp
import numpy as np

import hidden_convexity as hc


def but_for(row):
    """Right for all rows but one."""
    return lambda name: name in ("batch_normalisation", "threshold", row)


def balanced_as_for_relu(w, a, k):
    root = np.sqrt(abs(a) * np.linalg.norm(w))
    return root * w / np.linalg.norm(w), np.sign(a) * root


def without_sign(w, a, k):
    s = (abs(a) / np.linalg.norm(w)) ** (1 / (k + 1))
    return s * w, abs(a) / s**k


def one_root(Z, m):
    U, sizes, Vt = np.linalg.svd(Z, full_matrices=False)
    return padded(U * sizes, Vt, m)


def both_sizes(Z, m):
    U, sizes, Vt = np.linalg.svd(Z, full_matrices=False)
    return padded(U * sizes, sizes[:, None] * Vt, m)


def padded(W, A, m):
    more = max(m - len(A), 0)
    return np.pad(W, ((0, 0), (0, more)))[:, :m], np.pad(A, ((0, more), (0, 0)))[:m]


def value(X, y, beta, left, right, cones=True, negative=True):
    D = hc.Arrangement.enumerate(X).patterns
    shape = X.shape[1], D.shape[1]
    u, v = cp.Variable(shape), cp.Variable(shape)
    outputs = cp.sum(cp.multiply(np.where(D, right, left), X @ (u - v)), axis=1)
    lengths = cp.sum(cp.norm(u, axis=0)) + cp.sum(cp.norm(v, axis=0))
    constraints = [] if negative else [v == 0]
    if cones:
        constraints += [cp.multiply(np.where(D, 1, -1), X @ z) >= 0 for z in (u, v)]
    cost = cp.sum_squares(outputs - y) / 2 + beta * lengths
    return cp.Problem(cp.Minimize(cost), constraints).solve(solver=cp.CLARABEL)


def lasso(X, y, beta):
    z = cp.Variable(X.shape[1])
    cost = cp.sum_squares(X @ z - y) / 2 + beta * cp.norm1(z)
    cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    return z.value


def rooted(z):
    return np.sqrt(np.abs(z)), np.sign(z) * np.sqrt(np.abs(z))


def ridge(X, y, beta):
    return np.linalg.solve(X.T @ X + beta * np.eye(X.shape[1]), X.T @ y)


WRONG = {
    "07.1": [
        (lambda name: False, "the value of batch_normalisation stays"),
        (lambda name: True, "the value of relu changes"),
        (lambda name: name != "relu", "the value of absolute_value changes"),
        (lambda name: name == "batch_normalisation", "the value of threshold stays"),
        (but_for("gated_relu"), "the value of gated_relu changes"),
        (but_for("three_layers"), "the value of three_layers changes"),
    ],
    "07.2": [
        (lambda w, a, k: (w, a), "the same neuron, scaled otherwise"),
        (balanced_as_for_relu, "for k = 2 your neuron computes another function"),
        (without_sign, "your neuron computes another function"),
        (lambda w, a, k: (w / np.linalg.norm(w), a), "your neuron computes another function"),
    ],
    "07.3": [
        (one_root, "other factors of Z cost"),
        (both_sizes, "the product of your W and A is not Z"),
        (lambda Z, m: (Z, np.eye(3)), "must be an array of shape (4, 2)"),
    ],
    "07.4": [
        (lambda *given: value(*given, cones=False), "slopes 0 and 1 are a ReLU"),
        (lambda *given: value(*given, negative=False), "slopes 0 and 1 are a ReLU"),
        (lambda X, y, beta, left, right: value(X, y, beta / 2, left, right), "are a ReLU"),
        (lambda X, y, beta, left, right: value(X, y, beta, 0, 1), "are linear"),
    ],
    "07.5": [
        (lambda X, y, beta: (lasso(X, y, beta), np.ones(5)), "when they are balanced"),
        (lambda X, y, beta: rooted(lasso(X, y, beta / 2)), "not optimal"),
        (lambda X, y, beta: rooted(ridge(X, y, beta)), "not optimal"),
        (lambda X, y, beta: np.zeros((2, 5)), "must return 2 arrays"),
        (lambda X, y, beta: (np.zeros(5), np.zeros(5)), "not optimal"),
    ],
}
