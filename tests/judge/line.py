"""Splines and mirrors of one variable, against the Lasso of the exact dictionary."""

from fractions import Fraction
from math import sqrt

import exact
import numpy as np

import hidden_convexity as hc
from judge.searches import nonnegative_lasso
from judge.verdict import EPS, EVALUATED, PAID, Verdict, below, sqrt_of


def judge_line(x, y, share):
    """Splines, and mirrors of two and three layers, of one variable."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    verdict = Verdict()
    for module, layers in ((hc.splines, None), (hc.mirrors, 2), (hc.mirrors, 3)):
        more = {} if layers is None else {"layers": layers}
        where = f"{module.__name__.rpartition('.')[-1]}, {layers or 2} layers"
        features = line_features(x, layers)
        most = float(line_maximum(features, y))
        total = float(np.abs(y).sum())
        size = total * float(np.ptp(x))
        # Points of a small range far from 0 have few digits of their own.
        rounded = 64 * EPS * total * float(np.abs(x).max())
        given = module.beta_max(x, y, **more)
        if given < most - 8 * len(x) * EPS * size:
            verdict.add(where, [f"beta_max {given!r} is below M, {most!r}"])
        if given > most + PAID * size + rounded:
            verdict.add(where, [f"beta_max {given!r} is far above M, {most!r}"])
        beta = share * most or 1.0
        solution = module.train(x, y, beta, **more)
        told, slack = below(solution.lower_bound, line_search(features, y, beta))
        verdict.add(where, told, slack)
        slope = 0 if layers is None else -1
        verdict.add(where, complaints_about_branches(solution, slope, x, y, beta))
        verdict.gap = max(verdict.gap, solution.gap)
    return verdict


def complaints_about_branches(solution, slope, x, y, beta):
    """The objective is that of the network, of this slope below zero, and the bound is below it."""
    reached = branches_objective(solution.network, slope, x, y, beta)
    told = below(solution.lower_bound, reached)[0]
    if abs(Fraction(solution.objective) - reached) > rounding_of_branches(
        solution.network, x, reached
    ):
        told.append(f"objective {solution.objective!r}, it is {float(reached)!r}")
    return told


def rounding_of_branches(network, x, objective):
    """How far off the objective may be, in slopes times the range of x: a Fraction.

    Where x begins does not count: a neuron's input is the difference of x and where it bends.
    """
    slopes = float(np.abs(network.weights).prod(axis=1) @ np.abs(network.amplitudes))
    layers = network.weights.shape[1] + 1
    off = 16 * EPS * layers * sqrt(len(x)) * slopes * float(np.ptp(x))
    return Fraction(EVALUATED) * objective + Fraction(off) * Fraction(sqrt_of(2 * objective) + off)


def line_features(x, layers):
    """The dictionary in rational arithmetic: rows are features at the data, one a column of it.

    Ramps to both sides at the data points (no layers given); for two layers |x - x_i|; for three
    also ||x - x_i| - |x_j - x_i|| and ||x - (x_i + x_j) / 2| - |x_i - x_j| / 2|.
    """
    points = [Fraction(float(v)) for v in x]
    kinks = sorted(set(points))
    if layers is None:
        right = [[max(p - k, Fraction(0)) for p in points] for k in kinks]
        return right + [[max(k - p, Fraction(0)) for p in points] for k in kinks]
    features = [[abs(p - k) for p in points] for k in kinks]
    if layers == 3:
        for k in kinks:
            for other in kinks:
                features.append([abs(abs(p - k) - abs(other - k)) for p in points])
                middle, half = (k + other) / 2, abs(k - other) / 2
                features.append([abs(abs(p - middle) - half) for p in points])
    return features


def line_maximum(features, y):
    """max |nu.g| over the features g, with nu the targets less their mean, exactly."""
    y = [Fraction(float(t)) for t in y]
    mean = sum(y) / len(y)
    nu = [t - mean for t in y]
    return max(abs(exact.dot(nu, g)) for g in features)


def branches_objective(network, slope, x, y, beta):
    """The objective of branches of one neuron a layer, a Fraction, from their weights."""
    fractions = [Fraction(float(v)) for v in x]
    f = [Fraction(np.asarray(network.constant).item()) for _ in x]
    penalty = Fraction(0)
    L = network.weights.shape[1] + 1
    for weights, biases, amplitude in zip(
        network.weights, network.biases, network.amplitudes, strict=True
    ):
        values = fractions
        for w, b in zip(weights, biases, strict=True):
            values = [Fraction(float(w)) * v + Fraction(float(b)) for v in values]
            values = [v if v > 0 else slope * v for v in values]
            penalty += abs(Fraction(float(w))) ** L
        f = [t + Fraction(float(amplitude)) * v for t, v in zip(f, values, strict=True)]
        penalty += abs(Fraction(float(amplitude))) ** L
    targets = [Fraction(float(t)) for t in y]
    return exact.total_loss(f, targets, "squared") + Fraction(float(beta)) * penalty / L


def line_search(features, y, beta):
    """The objective, a Fraction, of the Lasso's coefficients that L-BFGS finds.

    Each column z_j g_j is a branch whose balanced penalty is beta |z_j|; the constant is free.
    """
    exact_features = [[v - sum(g) / len(g) for v in g] for g in features]
    exact_y = [Fraction(float(t)) for t in y]
    mean = sum(exact_y) / len(exact_y)
    nu = [t - mean for t in exact_y]
    size_x = max(abs(v) for g in exact_features for v in g) or Fraction(1)
    size_y = max(abs(t) for t in nu) or Fraction(1)
    columns = np.array([[float(v / size_x) for v in g] for g in exact_features]).T
    decay = float(Fraction(float(beta)) / size_x / size_y)
    z = nonnegative_lasso(columns, np.array([float(t / size_y) for t in nu]), decay, "squared")
    z = [Fraction(v) * size_y / size_x for v in z.tolist()]
    f = [sum(c * g[i] for c, g in zip(z, exact_features, strict=True) if c) for i in range(len(y))]
    penalty = sum(abs(c) for c in z)
    return exact.total_loss(f, nu, "squared") + Fraction(float(beta)) * penalty
