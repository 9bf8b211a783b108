"""Answers to the exercises of notebook 05 that are wrong, and words of the verdict on each."""

from math import comb

import cvxpy as cp
import numpy as np

import hidden_convexity as hc


def unclipped(points, i, j):
    extended = np.column_stack([points, np.ones(len(points))])
    return extended @ hc.wedge.cross_product(extended[[i, j]])


def clockwise(points, i, j):
    return np.maximum(unclipped(points, j, i), 0) * off(points, i, j)


def single_area(points, i, j):
    return np.maximum(unclipped(points, i, j), 0) * off(points, i, j) / 2


def without_bias(points, i, j):
    return np.maximum(points @ [points[i, 1] - points[j, 1], points[j, 0] - points[i, 0]] + 10, 0)


def off(points, i, j):
    return ~np.isin(np.arange(len(points)), [i, j])


def without_zero_sizes(rows):
    sizes = np.linalg.svd(rows)[1]
    return np.prod(sizes[sizes > 1e-9])


def ridge(X, y, beta):
    K, _ = hc.wedge.dictionary(X, norm=1)
    return K.T @ np.linalg.solve(K @ K.T + beta * np.eye(len(X)), y)


def lasso(K, y, beta):
    z = cp.Variable(K.shape[1])
    cost = cp.sum_squares(K @ z - y) / 2 + beta * cp.norm1(z)
    cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    return z.value


WRONG = {
    "05.1": [
        (lambda n, d: comb(n + d, d - 1), "columns, more than"),
        (lambda n, d: 2 * comb(n, d - 1), "columns, more than"),
        (lambda n, d: 2 * comb(n + d, d), "choices of rows and sign"),
    ],
    "05.2": [
        (lambda rows: np.linalg.det(rows @ rows.T), "for 1 vector in R^3 it is not the volume"),
        (lambda rows: np.sqrt(np.linalg.det(rows @ rows.T)), "a finite number, got nan"),
        (without_zero_sizes, "two are parallel it is not zero"),
        (lambda rows: np.prod(np.linalg.norm(rows, axis=1)), "not the length of their cross"),
        (lambda rows: np.linalg.norm(hc.wedge.cross_product(rows)), "your function raised"),
        (lambda rows: np.prod(np.linalg.svd(rows)[1]) + 1e-3, "not the volume"),
    ],
    "05.3": [
        (unclipped, "an output is negative"),
        (clockwise, "active on the clockwise side"),
        (single_area, "not base times height"),
        (without_bias, "the output at the two points is not zero"),
    ],
    "05.4": [
        (ridge, "your z is not optimal"),
        (lambda X, y, beta: lasso(hc.wedge.dictionary(X, norm=1)[0], y, 2 * beta), "not optimal"),
        (lambda X, y, beta: lasso(hc.wedge.dictionary(X, norm=2)[0], y, beta), "not optimal"),
    ],
}
