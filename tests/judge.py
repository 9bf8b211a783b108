"""Judges of the library that share none of its code: exact arithmetic, and searches for networks.

Each judge takes one case and returns a `Verdict`: complaints, if there are any. What is judged is
what is promised: a bound is never below the maximum it bounds, a value is attained, a
"global" lower bound is below the objective of every network that a search finds.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import product
from math import sqrt

import exact
import exact_rows
import numpy as np
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity import equivalences, verify
from hidden_convexity.equivalences import parts
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.oracle import Ascent, BranchAndBound, Circle, Exhaustive
from hidden_convexity.oracle.several_outputs import VectorBranchAndBound, VectorCircle
from hidden_convexity.proof.cases import cases
from hidden_convexity.proof.record import claim

# Float sums of n products, taken along paths of a few dozen splits: a share of sum |nu_i| ||x_i||.
EPS = np.finfo(float).eps
# Rows closer than 1e-12 may be treated as one, and directions in which the data are smaller than
# that dropped, if the bound pays for it: a bound this share of sum |nu_i| ||x_i|| above M is tight.
PAID = 1e-11
# Objectives are sums of squares that floats evaluate: a relative error, far above n EPS, and far
# below any gap that is claimed.
EVALUATED = 1e-10
# Margins over which the hinge loss is rounded, for a search only.
ROUNDED = 1e-3
# Relative tolerance that the checker's bounds are asked for.
CHECKED = 1e-4
# And the share of sum |nu_i| ||x_i|| by which cones may be too high: near copies make them thin.
COARSE = 0.02
# What it adds for numbers too small for floats, which is all there is if nu is zero.
UNDERFLOW = 1e-290
# Cells after which branch and bound may give up; its bound must be valid all the same.
CELLS = 20_000
# Seconds after which a row's training may end; its bound must be valid all the same.
ROW_SECONDS = 0.5
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


@dataclass
class Verdict:
    """Complaints, and the least room there was between a bound and what it bounds."""

    complaints: list = field(default_factory=list)
    slack: float = np.inf
    gap: float = 0.0

    def add(self, where, complaints, slack=np.inf):
        self.complaints += [f"{where}: {complaint}" for complaint in complaints]
        self.slack = min(self.slack, slack)


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


def total_size(X, nu):
    """sum |nu_i| ||x_i||, in whose share rounding is counted; no square of it vanishes."""
    return sum(float(np.hypot.reduce(x)) * abs(float(t)) for x, t in zip(X, nu, strict=True))


def sqrt_of(fraction):
    """The root of a Fraction whose float may over- or underflow."""
    if fraction == 0:
        return 0.0
    half = (fraction.numerator.bit_length() - fraction.denominator.bit_length()) // 2
    return sqrt(fraction / Fraction(4) ** half) * 2.0**half


def short_of(bound, square):
    most = sqrt_of(square)
    return f"{most!r}: short by {float(1 - Fraction(bound) / Fraction(most)):.1e} of it"


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


def judge_training(
    X, y, beta, loss="squared", seed=0, most_gap=None, solver=None, sample_weight=None
):
    """A training, and certificates, by networks that may do better.

    `most_gap`, if given, is the largest gap that training may end with; `solver` another one,
    whose bound must not exceed what the first reaches either.
    """
    rng = np.random.default_rng(seed)
    problem = hc.TrainingProblem(X, y, beta, loss, sample_weight=sample_weight)
    X, y, w = problem.X, problem.y, problem.sample_weight
    verdict = Verdict()
    solutions = [hc.train(problem)]
    if solver is not None:
        solutions.append(hc.train(problem, solver=solver))
    networks = [weights(solution.network) for solution in solutions]
    networks += searched(X, y, beta, loss, networks[0], rng, w)
    lowest = min(exact.objective(X, y, beta, *network, loss, w) for network in networks)
    for solution in solutions:
        own = weights(solution.network)
        verdict.add(solution.solver, complaints_about_objective(solution, X, y, beta, loss, own, w))
        verdict.add(solution.solver, *below(solution.lower_bound, lowest))
    for network, rounds in product([networks[-1], perturbed(networks[0], rng)], (0, 1)):
        certificate = hc.certify(hc.ReLUNetwork(*network), problem, rounds=rounds)
        where = f"certificate, {rounds} rounds"
        verdict.add(where, complaints_about_objective(certificate, X, y, beta, loss, network, w))
        verdict.add(where, *below(certificate.lower_bound, lowest))
    verdict.gap = solutions[0].gap
    if most_gap is not None and verdict.gap > most_gap:
        verdict.add("training", [f"gap {verdict.gap!r}"])
    return verdict


def judge_certificate(X, y, beta, W, a, loss="squared", sample_weight=None):
    """Certificates of a given network."""
    problem = hc.TrainingProblem(X, y, beta, loss, sample_weight=sample_weight)
    X, y, w = problem.X, problem.y, problem.sample_weight
    W, a = np.asarray(W, dtype=float), np.asarray(a, dtype=float)
    reached = exact.objective(X, y, beta, W, a, loss, w)
    verdict = Verdict()
    for rounds in (0, 1):
        certificate = hc.certify(hc.ReLUNetwork(W, a), problem, rounds=rounds)
        told = complaints_about_objective(certificate, X, y, beta, loss, (W, a), w)
        verdict.add(f"certificate, {rounds} rounds", told)
        verdict.add(f"certificate, {rounds} rounds", *below(certificate.lower_bound, reached))
    return verdict


def judge_path(X, y, betas, loss="squared", sample_weight=None):
    """A path: each weight decay's bound against all the path's networks, and a fresh training."""
    problem = hc.TrainingProblem(X, y, betas[0], loss, sample_weight=sample_weight)
    X, y, w = problem.X, problem.y, problem.sample_weight
    path = hc.train_path(problem, betas)
    verdict = Verdict()
    for beta, solution in zip(betas, path, strict=True):
        alone = hc.train(hc.TrainingProblem(X, y, beta, loss, sample_weight=w))
        for other in [*path, alone]:
            reached = exact.objective(X, y, beta, *weights(other.network), loss, w)
            verdict.add(f"path at {beta!r}", *below(solution.lower_bound, reached))
            verdict.add(f"training at {beta!r}", *below(alone.lower_bound, reached))
        own = weights(solution.network)
        told = complaints_about_objective(solution, X, y, beta, loss, own, w)
        verdict.add(f"path at {beta!r}", told)
        verdict.gap = max(verdict.gap, solution.gap)
    return verdict


def weights(network):
    return network.hidden_weights, network.output_weights


def complaints_about_objective(result, X, y, beta, loss, network, w=None):
    """The objective is the network's, the bound is below it, and the gap says so."""
    true = exact.objective(X, y, beta, *network, loss, w)
    rounded = rounding_of_objective(X, network, true, loss, w)
    told = below(result.lower_bound, true)[0]
    if not np.isfinite(result.objective):
        return [*told, f"objective {result.objective!r}"]
    if abs(Fraction(result.objective) - true) > rounded:
        told.append(f"objective {result.objective!r} of a network that has {float(true)!r}")
    if result.scope != "global":
        told.append(f"scope {result.scope}")
    if true > 0 and not told:
        gap = 1 - Fraction(result.lower_bound) / true
        if abs(gap - Fraction(result.gap)) > 10 * rounded / true:
            told.append(f"gap {result.gap!r} where it is {float(gap)!r}")
    return told


def rounding_of_objective(X, network, objective, loss="squared", w=None):
    """How far off an objective may be that floats evaluate: a Fraction.

    Neurons orthogonal to a large row have outputs that are differences of large products.
    """
    W, a = (np.abs(array) for array in network)
    w = np.ones(len(X)) if w is None else w
    sizes, steps = (np.abs(X) @ W.T) @ a, (X.shape[1] + len(a) + 2) * EPS
    if loss == "hinge":  # a difference of 1 and an output
        return Fraction(EVALUATED) * objective + Fraction(steps * float(w @ (1 + sizes)))
    sizes = (np.sqrt(w) if loss == "squared" else w) * sizes
    off = steps * float(np.hypot.reduce(sizes, initial=0))
    return Fraction(EVALUATED) * objective + Fraction(off) * Fraction(sqrt_of(2 * objective) + off)


def below(bound, reached):
    """A complaint if a network's objective is below a bound of every network's; the room left."""
    if not np.isfinite(bound) or bound < 0:
        return [f"lower bound {bound!r}"], -np.inf
    slack = float((reached - Fraction(bound)) / reached) if reached > 0 else np.inf
    if Fraction(bound) > reached:
        return [f"lower bound {bound!r}, and a network has {float(reached)!r}"], slack
    return [], slack


def searched(X, y, beta, loss, trained, rng, w=None):
    """Networks (W, a) that independent searches end at, the last of them a crude one.

    A Lasso over the directions in which M could be attained at the residual of the trained network,
    and L-BFGS on all weights from its solution, from the trained network, moved, and from random
    ones. In units in which the largest entries of X and y are one.
    """
    size_x = float(np.abs(X).max()) or 1.0
    size_y = 1.0 if loss != "squared" else float(np.abs(y).max()) or 1.0
    w = np.ones(len(y)) if w is None else w
    Xs, ys, decay = X / size_x, y / size_y, beta / size_x / size_y

    def there(network):
        return balanced(network, size_x / size_y)

    def back(network):
        return balanced(network, size_y / size_x)

    n, d = X.shape
    start = there(trained)
    residual = -loss_and_slope(outputs(Xs, *start), ys, loss, w)[1]
    directions = candidate_directions(Xs, residual, rng)
    by_lasso = lasso(Xs, ys, decay, loss, directions, w)
    starts = [
        (rng.standard_normal((n + 1, d)), rng.standard_normal(n + 1)),
        by_lasso,
        joined(
            perturbed(start, rng), (0.03 * rng.standard_normal((2, d)), np.array([0.03, -0.03]))
        ),
        joined(perturbed(by_lasso, rng), start),
    ]
    crude = descended(Xs, ys, decay, loss, starts[0], 5, w)
    found = [descended(Xs, ys, decay, loss, network, 200, w) for network in starts]
    return [back(network) for network in [by_lasso, *found, crude]]


def outputs(X, W, a):
    return np.maximum(X @ W.T, 0.0) @ a


def balanced(network, factor):
    """The network that computes `factor` times as much, with weights of equal norms."""
    W, a = network
    norms = np.array([np.hypot.reduce(w) for w in W])
    used = (norms > 0) & (a != 0)
    W, a, norms = W[used], a[used], norms[used]
    size = np.sqrt(norms) * np.sqrt(np.abs(a)) * np.sqrt(factor)
    return W / norms[:, None] * size[:, None], np.sign(a) * size


def perturbed(network, rng):
    """Weights moved by 1e-8 to 1 of their size."""
    W, a = network
    amount = 10.0 ** rng.uniform(-8, 0)
    W = W * (1 + amount * rng.standard_normal(W.shape))
    return W, a * (1 + amount * rng.standard_normal(a.shape))


def joined(one, other):
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])


def candidate_directions(X, nu, rng, most=24):
    """Unit directions (k, d) that could attain M(nu), from some orders of rows, and a few more."""
    rows, _ = exact.integers(X)
    weights, _ = exact.integers([nu])
    orders = [list(rng.permutation(len(X))) for _ in range(most)]
    found = []
    for p in exact.critical_directions(rows, weights[0], orders):
        largest = max(abs(entry) for entry in p)
        u = np.array([float(Fraction(entry, largest)) for entry in p])
        found.append(u / np.hypot.reduce(u))
    found = np.reshape(found, (-1, X.shape[1]))
    return np.unique(
        np.concatenate([found, rng.standard_normal((8, X.shape[1]))]).round(12), axis=0
    )


def lasso(X, y, beta, loss, directions, w):
    """The network (W, a) of the Lasso over neurons in given directions."""
    norms = np.linalg.norm(directions, axis=1)
    directions = directions[norms > 0] / norms[norms > 0, None]
    z = nonnegative_lasso(np.maximum(X @ directions.T, 0.0), y, beta, loss, w)
    return balanced((directions, z), 1.0)


def nonnegative_lasso(features, y, beta, loss, w=1.0):
    """Coefficients z, either sign, of min F(features z) + beta ||z||_1, as far as L-BFGS gets."""
    k = features.shape[1]
    both = np.hstack([features, -features])

    def height(z):
        value, slope = loss_and_slope(both @ z, y, loss, w)
        return value + beta * z.sum(), both.T @ slope + beta

    found = minimize(height, np.zeros(2 * k), jac=True, bounds=[(0, None)] * 2 * k).x
    return found[:k] - found[k:]


def descended(X, y, beta, loss, network, steps, w):
    """Where L-BFGS on all weights gets in some steps, its kinks ignored."""
    W, a = network
    shape = W.shape
    if len(a) == 0:
        return network

    def height(theta):
        W, a = theta[:W_size].reshape(shape), theta[W_size:]
        activations = np.maximum(X @ W.T, 0.0)
        value, slope = loss_and_slope(activations @ a, y, loss, w)
        to_W = (slope[:, None] * a * (activations > 0)).T @ X + beta * W
        to_a = activations.T @ slope + beta * a
        value += 0.5 * beta * float(theta @ theta)
        return value, np.concatenate([to_W.ravel(), to_a])

    W_size = W.size
    start = np.concatenate([W.ravel(), a])
    options = {"maxiter": steps, "ftol": 1e-15, "gtol": 1e-12}
    theta = minimize(height, start, jac=True, method="L-BFGS-B", options=options).x
    return theta[:W_size].reshape(shape), theta[W_size:]


def loss_and_slope(f, y, loss, w):
    if loss == "squared":
        return 0.5 * float((w * (f - y) ** 2).sum()), w * (f - y)
    margin = y * f
    if loss == "hinge":  # its kink rounded, over a margin of ROUNDED: a descent stops at a kink
        part = np.clip((1 - margin) / ROUNDED, 0, 1)
        return float((w * part * (1 - margin - ROUNDED * part / 2)).sum()), -w * y * part
    slope = -y * np.exp(-np.logaddexp(0, margin))
    return float((w * np.logaddexp(0, -margin)).sum()), w * slope


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
        reached = line_objective(solution.network, x, y, beta)
        told, slack = below(solution.lower_bound, line_search(features, y, beta))
        verdict.add(where, told, slack)
        if abs(Fraction(solution.objective) - reached) > rounding_on_line(solution, x, reached):
            told = [f"objective {solution.objective!r}, it is {float(reached)!r}"]
            verdict.add(where, told)
        verdict.add(where, below(solution.lower_bound, reached)[0])
        verdict.gap = max(verdict.gap, solution.gap)
    return verdict


def rounding_on_line(solution, x, objective):
    """How far off the objective may be of slopes that are steep for the size of x: a Fraction."""
    network = solution.network
    slopes = float(np.abs(network.weights).prod(axis=1) @ np.abs(network.amplitudes))
    off = 16 * EPS * network.layers * sqrt(len(x)) * slopes * float(np.abs(x).max())
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


def line_objective(network, x, y, beta):
    """The objective of a `ParallelNetwork`, a Fraction, from its weights."""
    fractions = [Fraction(float(v)) for v in x]
    f = [Fraction(network.constant) for _ in x]
    penalty = Fraction(0)
    L = network.weights.shape[1] + 1
    for weights, biases, amplitude in zip(
        network.weights, network.biases, network.amplitudes, strict=True
    ):
        values = fractions
        for w, b in zip(weights, biases, strict=True):
            values = [Fraction(float(w)) * v + Fraction(float(b)) for v in values]
            relu = network.activation == "relu"
            values = [max(v, Fraction(0)) if relu else abs(v) for v in values]
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
