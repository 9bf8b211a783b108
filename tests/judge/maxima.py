"""Oracles, beta_max and the checker's bounds, against the exact maximum."""

from fractions import Fraction

import exact
import numpy as np

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.oracle import Ascent, BranchAndBound, Circle, Exhaustive
from hidden_convexity.oracle.several_outputs import VectorBranchAndBound, VectorCircle
from hidden_convexity.proof.cases import cases
from judge.verdict import EPS, PAID, Verdict, short_of, sqrt_of, total_size

# Relative tolerance that the checker's bounds are asked for.
CHECKED = 1e-4
# And the share of sum |nu_i| ||x_i|| by which cones may be too high: near copies make them thin.
COARSE = 0.02
# What it adds for numbers too small for floats, which is all there is if nu is zero.
UNDERFLOW = 1e-290
# Cells after which branch and bound may give up; its bound must be valid all the same.
CELLS = 20_000
# What a proof is asked for: the sign of nu, a tolerance, and as shares of M the level below which
# nothing need be told apart and the value at which it may end.
CALLS = (
    (1.0, 1e-1, 0.0, np.inf),
    (-1.0, 1e-1, 0.7, np.inf),
    (1.0, 1e-6, 1.3, np.inf),
    (-1.0, 1e-6, 0.0, np.inf),
    (1.0, 1e-6, 0.0, 0.9),
)


def judge_oracles(X, nu, orders=None):
    """Every oracle's value and bound of M(nu) and M(-nu), for tolerances and levels.

    With `orders` the maximum is known from below only, and nothing is too large.
    """
    X, nu = np.asarray(X, dtype=float), np.asarray(nu, dtype=float)
    square = exact.maximum_squared(X, nu, orders)
    verdict = Verdict()
    for sign, tolerance, part, end in CALLS:
        level, stop = part * sqrt_of(square), end * sqrt_of(square) if square else np.inf
        for oracle, promise in oracles(X):
            found = oracle(sign * nu, tolerance, level, stop=stop)
            ended = isinstance(oracle, BranchAndBound) and found.value > stop
            if found.cells >= CELLS or ended:
                promise = "valid"
            allowed = {"exact": 0.0, "tolerance": tolerance}.get(promise, np.inf)
            most = None if orders is not None else (1 + allowed) * max(sqrt_of(square), level)
            where = f"{oracle!r} at {sign:+g} nu, tolerance {tolerance:g}, level {level!r}"
            verdict.add(where, *complaints_about(found, X, sign * nu, square, most))
            short = sqrt_of(square) - (1 + allowed) * found.value - PAID * total_size(X, nu)
            if promise != "valid" and part < 1 and short > 0:
                verdict.add(where, [f"value {found.value!r} is far below M, {sqrt_of(square)!r}"])
    return verdict


def judge_outputs(X, nu):
    """Oracles of several outputs: N of rank one has the maximum of one output, another is known
    from below, where each of its columns is critical and where the oracles have been."""
    X, nu = np.asarray(X, dtype=float), np.asarray(nu, dtype=float)
    tolerance, verdict = 1e-2, Verdict()
    made = [VectorBranchAndBound(X, random_starts=4, max_cells=CELLS)]
    made += [VectorBranchAndBound(X, random_starts=0, max_cells=1)]
    if X.shape[1] == 2:
        made += [VectorCircle(X)]
    for one in (True, False):
        N = np.outer(nu, [1.0, -2.0, 2.0]) if one else np.stack([nu, nu[::-1]], axis=1)
        least = 9 * exact.maximum_squared(X, nu) if one else lengths_squared(X, N, N.T)
        for oracle in made:
            found = oracle(N, tolerance)
            here = max(least, lengths_squared(X, N, directions=found.directions))
            where = f"{oracle!r}, N of {'rank one' if one else 'two columns'}"
            if not Fraction(found.bound) ** 2 >= here:
                verdict.add(where, [f"bound {found.bound!r} is below {sqrt_of(here)!r}"])
            most = (1 + tolerance) * found.value + PAID * 3 * total_size(X, np.abs(N).max(axis=1))
            if oracle is not made[1] and found.cells < CELLS and found.bound > most:
                verdict.add(where, [f"bound {found.bound!r} is far above {found.value!r}"])
    return verdict


def lengths_squared(X, N, columns=(), directions=()):
    """The largest ||N'(Xu)_+||^2 / ||u||^2 where h of one of some columns is critical, and in some
    directions, exactly."""
    rows, unit = exact.integers(X)
    weights, weight_unit = exact.integers(N.T)
    tried = [u for column in columns if column.any() for u in critical(X, column)]
    tried += [exact.integers([u])[0][0] for u in directions]
    most = Fraction(0)
    for u in tried:
        active = [max(exact.dot(x, u), 0) for x in rows]
        square = sum(exact.dot(column, active) ** 2 for column in weights)
        most = max(most, Fraction(square, exact.dot(u, u)))
    return most * (unit * weight_unit) ** 2


def critical(X, nu):
    return exact.critical_directions(exact.integers(X)[0], exact.integers([nu])[0][0])


def judge_plane(X, nu):
    """The sweep of the circle and beta_max, for both signs."""
    X, nu = np.asarray(X, dtype=float), np.asarray(nu, dtype=float)
    square = exact.maximum_squared(X, nu)
    verdict = Verdict()
    circle = Circle(X)
    for sign in (1.0, -1.0):
        found = circle(sign * nu)
        told = complaints_about(found, X, sign * nu, square, sqrt_of(square))
        verdict.add(f"Circle at {sign:+g} nu", *told)
        if found.value < sqrt_of(square) - PAID * total_size(X, nu):
            told = [f"value {found.value!r} is far below M, {sqrt_of(square)!r}"]
            verdict.add(f"Circle at {sign:+g} nu", told)
    return verdict


def judge_checker(X, nu):
    """The bounds of the independent checker: by a sort or by cones, and by cases."""
    X, nu = np.asarray(X, dtype=float), np.asarray(nu, dtype=float)
    square, verdict = exact.maximum_squared(X, nu), Verdict()
    enough = sqrt_of(square) * (1 + CHECKED) + PAID * total_size(X, nu) + UNDERFLOW
    if X.shape[1] == 2:
        ways = {"sort": lambda: verify.plane(X, nu)}
    else:
        roots = np.zeros(2 ** X.shape[1], dtype=np.uint8)
        wide = (1 + COARSE) * sqrt_of(square) + COARSE * total_size(X, nu) + UNDERFLOW
        ways = {"cones": lambda: verify.cones(X, nu, roots, wide)[0]}
    ways["cases"] = lambda: verify.cases(X, nu, cases(X, nu, enough))
    for name, way in ways.items():
        try:
            bound = way()
        except verify.Refused as refusal:
            verdict.add(name, [f"M, {sqrt_of(square)!r}, is not proven: {refusal}"])
            continue
        if not Fraction(bound) ** 2 >= square:
            verdict.add(name, [f"bound {bound!r} is below M, {short_of(bound, square)}"])
        if bound > enough * (1 + 4 * EPS) and name != "cones":
            verdict.add(name, [f"bound {bound!r} is far above M, {sqrt_of(square)!r}"])
    return verdict


def oracles(X):
    """Every oracle that takes these data, and what its bound promises: how far above M it may be.

    "exact": by rounding only; "tolerance": by the tolerance as well; "valid": by anything.
    """
    if X.shape[1] == 2:
        yield Circle(X), "exact"
    yield BranchAndBound(X, random_starts=4, max_cells=CELLS), "tolerance"
    yield BranchAndBound(X, random_starts=0, max_cells=1), "valid"
    yield Exhaustive(Arrangement.enumerate(X)), "tolerance"
    yield Ascent(X, random_starts=8), "valid"


def complaints_about(found, X, nu, square, most):
    """What is wrong with a `DualMaximum`, given M^2, and the most its bound may be (or None)."""
    scale = total_size(X, nu)
    rounding = (len(nu) + 64 * X.shape[1]) * EPS * scale
    if np.isnan(found.bound) or np.isnan(found.value):
        return [f"value {found.value!r}, bound {found.bound!r}"], -np.inf
    told, slack = [], np.inf
    if found.bound < found.value:
        told.append(f"bound {found.bound!r} is below its value {found.value!r}")
    if np.isfinite(found.bound):
        slack = (found.bound - sqrt_of(square)) / scale if square > 0 else np.inf
        if Fraction(found.bound) ** 2 < square:
            told.append(f"bound {found.bound!r} is below M, {short_of(found.bound, square)}")
    if len(found.directions):
        attained = height(X, nu, found.directions[0])
        if not abs(found.value - attained) <= rounding:
            told.append(f"value {found.value!r} is {attained!r} in its own direction")
    elif found.value != 0:
        told.append(f"value {found.value!r} without a direction")
    if most is not None:
        if found.value > sqrt_of(square) + rounding:
            told.append(f"value {found.value!r} is above M, {sqrt_of(square)!r}")
        if np.isfinite(found.bound) and found.bound > most + PAID * scale:
            told.append(f"bound {found.bound!r} is far above M, {sqrt_of(square)!r}")
    return told, slack


def height(X, nu, direction):
    """|nu.(Xu)_+| / ||u||, exactly but for the last root."""
    rows, unit = exact.integers(X)
    weights, weight_unit = exact.integers([nu])
    u, _ = exact.integers([direction])
    h = sum(w * max(exact.dot(x, u[0]), 0) for w, x in zip(weights[0], rows, strict=True))
    return sqrt_of(Fraction(h * h, exact.dot(u[0], u[0])) * (unit * weight_unit) ** 2)


def judge_beta_max(X, y):
    """beta_max: M(y) from above, by whatever oracle."""
    square = exact.maximum_squared(X, y)
    given, most = float(hc.beta_max(X, y)), sqrt_of(square)
    verdict = Verdict()
    if not Fraction(given) ** 2 >= square:
        verdict.add("beta_max", [f"{given!r} is below M(y), {short_of(given, square)}"])
    if given > (1 + 2e-7) * most + PAID * total_size(X, y):
        verdict.add("beta_max", [f"{given!r} is far above M(y), {most!r}"])
    return verdict
