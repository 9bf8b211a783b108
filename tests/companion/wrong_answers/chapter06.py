"""Answers to the exercises of notebook 06 that are wrong, and words of the verdict on each."""

import cvxpy as cp
import numpy as np

from hidden_convexity.line import mirrors, splines


def half_of_ends(slope, kinks):
    return (np.abs(kinks).sum() + abs(2 * slope + np.sum(kinks))) / 2


def penalised_slope(t, y, beta):
    return splines.train(t, y, beta).network(t)


def uneven_as_even(t, y, beta):
    g = cp.Variable(len(t))
    cost = cp.sum_squares(g - y) / 2 + beta * cp.norm1(cp.diff(g, k=2))
    cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    return g.value


def trend_filter(t, y, beta):
    g = cp.Variable(len(t))
    slopes = cp.multiply(1 / np.diff(t), cp.diff(g))
    cost = cp.sum_squares(g - y) / 2 + beta * cp.norm1(cp.diff(slopes))
    cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    return g.value


def bound(network, x, y, beta, layers=None, centred=True, scaled=True):
    nu = y - network(x)
    nu = nu - centred * nu.mean()
    features, _ = mirrors.dictionary(x, layers or network.layers)
    if scaled:
        nu = nu * min(1.0, beta / np.abs(nu @ features).max())
    return nu @ y - nu @ nu / 2


WRONG = {
    "06.1": [
        (lambda n: n * (n - 1) // 2, "can be needed, and you count"),
        (lambda n: n * n, "can be needed, and you count"),
        (lambda n: n * (n - 1), "can be needed, and you count"),
        (lambda n: n * n + n * (n - 1) // 2, "but some agree at all samples"),
    ],
    "06.2": [
        (lambda slope, kinks: np.abs(kinks).sum(), "no network charges less"),
        (lambda slope, kinks: abs(slope) + np.abs(kinks).sum(), "a network charges"),
        (half_of_ends, "no network charges less"),
    ],
    "06.3": [
        (penalised_slope, "is its slope free?"),
        (uneven_as_even, "not at uneven ones"),
        (lambda t, y, beta: trend_filter(t, y, 2 * beta), "not optimal"),
        (lambda t, y, beta: y, "not optimal"),
    ],
    "06.4": [
        (lambda *given: bound(*given, layers=2), "above the objective of a network of 3 layers"),
        (lambda *given: bound(*given, centred=False), "proves more"),
        (lambda *given: bound(*given, scaled=False), "above the objective"),
        (lambda network, x, y, beta: network.objective(x, y, beta), "above the objective"),
        (lambda network, x, y, beta: 0.0, "proves more"),
    ],
}
