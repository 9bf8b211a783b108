"""What dual points prove, and how near they are to free terms, in rational arithmetic."""

from fractions import Fraction

import exact
import numpy as np

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.proof.record import claim
from judge.verdict import EPS, Verdict, sqrt_of


def judge_free_terms(X, y, nu, skip, intercept, sample_weight=None):
    """What the checker says of the way from nu to a point of the softmax loss with free terms.

    Nothing if it refuses. `Verdict.gap` is the largest distance, relative to a row's weight.
    """
    free = {"skip": skip, "intercept": intercept, "sample_weight": sample_weight}
    problem = hc.TrainingProblem(X, y, 1.0, "softmax", **free)
    (n, c), d = problem.y.shape, problem.X.shape[-1]
    w = np.ones(n) if sample_weight is None else np.asarray(sample_weight)
    nu, columns = np.asarray(nu, dtype=float), claim(problem)
    file = {"X": problem.X, "y": problem.y, "nu": nu, "loss": np.array("softmax"), "free": columns}
    file |= {"skip": np.zeros((d, c)), "intercept": np.zeros(c), "sample_weight": w}
    verdict = Verdict()
    try:
        way, cost = verify.moved(verify.complete(file))
        value = verify.dual_value(problem.y, nu, "softmax", w)
    except verify.Refused:
        return verdict
    chosen = verify.used(file)
    Z = np.column_stack([problem.X, np.ones(n)])[:, chosen]
    metric = w * (problem.y - nu / w[:, None]).min(axis=1)
    there = exact.orthogonal(Z, nu, problem.y, w, metric)
    if there is None:
        verdict.add("free terms", ["Z'HZ is singular, and nothing was refused"])
        return verdict
    probabilities = []
    for k, (row, own, label) in enumerate(zip(nu, there, problem.y, strict=True)):
        off = sum((Fraction(v) - t) ** 2 for v, t in zip(row.tolist(), own, strict=True))
        if off > Fraction(way[k]) ** 2:
            told = f"row {k} moves by {sqrt_of(off)!r}, and {way[k]!r} is claimed"
            verdict.add("free terms", [told])
        weight = Fraction(float(w[k]))
        p = [Fraction(t) - v / weight for v, t in zip(own, label.tolist(), strict=True)]
        if min(p) < 0 or sum(p) != 1:
            verdict.add("free terms", [f"row {k} of y - nu / w has {min(p)!r}"])
        probabilities.append([max(v, Fraction(0)) for v in p])
    exactly = Fraction(exact.entropies(probabilities, [Fraction(float(v)) for v in w]))
    room = exactly - Fraction(value - cost)
    verdict.add("free terms", [], float(room / exactly) if exactly > 0 else np.inf)
    if Fraction(value - cost) > exactly:
        told = f"value {value - cost!r} is above {float(exactly)!r}"
        verdict.add("free terms", [told])
    verdict.gap = float((way / w).max())
    return verdict


def judge_dual_bound(X, y, beta, loss, nu, sample_weight=None):
    """The bound that a dual point proves, given M(nu) exactly."""
    X = np.asarray(X, dtype=float)
    square = exact.maximum_squared(X, nu)
    maximum = float(np.nextafter(sqrt_of(square) * (1 + 2 * EPS), np.inf))
    problem = hc.TrainingProblem(X, y, beta, loss, sample_weight=sample_weight)
    bound = problem.dual_bound(nu, maximum)
    promised = exact.dual_bound(nu, y, beta, square, loss, problem.sample_weight)
    verdict = Verdict()
    if Fraction(bound) > promised:
        verdict.add("dual bound", [f"{bound!r}; duality proves {float(promised)!r}"])
    return verdict
