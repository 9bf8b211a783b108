"""Rows of the table that train: their dual points and bounds, in rational arithmetic."""

from fractions import Fraction
from functools import partial

import exact
import exact_rows
import numpy as np

from hidden_convexity import equivalences
from hidden_convexity.equivalences import parts
from judge.line import complaints_about_branches
from judge.verdict import Verdict

# Seconds after which a row's training may end; its bound must be valid all the same.
ROW_SECONDS = 0.5


def judge_row(name, X, y, share):
    """A row of the table that trains: its dual point is feasible, exactly, and proves its bound.

    `share` is the weight decay as a share of the largest that gives any neuron.
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if name == "threshold":
        constraint = partial(exact_rows.thresholds, X)
    elif name == "deep_relu":
        constraint = partial(exact_rows.clipped_ramps, X[:, 0])
    elif name == "quadratic":
        constraint = partial(exact_rows.quadratic, X)
    elif name == "linear_attention":
        constraint = partial(exact_rows.attention, X)
    elif name == "circular_convolution":
        constraint = partial(exact_rows.spectrum, X)
    else:  # gates on or off, all of them on where the row has none
        gates = np.ones((len(X), 1)) if name == "linear_vector" else parts.fixed_gates(X)[1]

        def constraint(nu):
            return exact_rows.gated(X, nu.reshape(len(X), -1), gates)

    beta = float(np.clip(share * row_maximum(constraint(y)) or 1.0, 1e-149, 1e149))
    solution = equivalences.rows()[name].train(X, y, beta, max_seconds=ROW_SECONDS)
    verdict = Verdict()
    nu = exact_rows.rational(solution.dual_point)
    if name == "deep_relu":
        nu = exact_rows.centred(solution.dual_point)
    told = []
    # Sampled thresholds are those that were met, of which this judge has no list.
    listed = name != "threshold" or solution.scope == "global"
    if listed and not within(constraint(solution.dual_point), Fraction(beta)):
        most = row_maximum(constraint(solution.dual_point))
        told.append(f"dual point of M = {most!r} at beta = {beta!r}")
    value = exact_rows.dual_value(exact_rows.rational(y), nu)
    if Fraction(solution.lower_bound) > max(value, 0):
        told.append(f"lower bound {solution.lower_bound!r}; its point has {float(value)!r}")
    if name == "deep_relu":
        told += complaints_about_branches(solution, 0, X[:, 0], y, beta)
    verdict.add(f"{name}, {solution.scope}", told)
    verdict.gap = solution.gap
    return verdict


def judge_least_norm(X, W, a):
    """The least norm of the targets of a network: its dual point is feasible, and its bound."""
    X, W, a = (np.asarray(array, dtype=float) for array in (X, W, a))
    y = np.array([float(v) for v in exact.outputs(X, W, a)])
    solution, verdict = equivalences.rows()["minimum_norm"].train(X, y, 1.0), Verdict()
    nu, misfit = solution.dual_point, np.abs(y - solution.network(X))
    told = []
    if exact.maximum_squared(X, nu) > 1:
        told.append(f"dual point of M^2 = {float(exact.maximum_squared(X, nu))!r}")
    nu, y, misfit = map(exact_rows.rational, (nu, y, misfit))
    value = exact.dot(nu, y) - exact.dot(map(abs, nu), misfit)
    if Fraction(solution.lower_bound) > max(value, 0):
        told.append(f"lower bound {solution.lower_bound!r}; its point has {float(value)!r}")
    verdict.add(f"least norm, {solution.scope}", told)
    verdict.gap = solution.gap
    return verdict


def within(found, most):
    """Whether what a dual constraint bounds, a number or matrices, is at most a Fraction."""
    if isinstance(found, Fraction):
        return found <= most
    return all(exact_rows.at_most(matrix, most) for matrix in found)


def row_maximum(found):
    """The number, or the largest singular value, but for rounding."""
    if isinstance(found, Fraction):
        return float(found)
    largest = max(abs(entry) for entry in exact_rows.flat(found))
    if largest == 0:
        return 0.0
    scaled = [np.array([[float(v / largest) for v in row] for row in matrix]) for matrix in found]
    return float(largest) * max(np.linalg.norm(matrix, 2) for matrix in scaled)
