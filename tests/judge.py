"""Judges of the library that share none of its code: exact arithmetic, and searches for networks.

Each judge takes one case and returns its complaints, an empty list if there are none. What is
judged is what is promised: a bound is never below the maximum it bounds, a value is attained, a
"global" lower bound is below the objective of every network that a search finds.
"""

from fractions import Fraction
from itertools import product
from math import sqrt

import exact
import numpy as np
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity.arrangement import Arrangement
from hidden_convexity.oracle import Ascent, BranchAndBound, Circle, Exhaustive

# Float sums of n products, taken along paths of a few dozen splits: a share of sum |nu_i| ||x_i||.
EPS = np.finfo(float).eps
# Rows closer than 1e-12 may be treated as one, and directions in which the data are smaller than
# that dropped, if the bound pays for it: a bound this share of sum |nu_i| ||x_i|| above M is tight.
PAID = 1e-11
# Objectives are sums of squares that floats evaluate: a relative error, far above n EPS, and far
# below any gap that is claimed.
EVALUATED = 1e-10
# Seconds after which branch and bound may give up; its bound is judged all the same.
PATIENCE = 5.0
# The tolerances that a proof is asked for.
TOLERANCES = 1e-1, 1e-6


def judge_oracles(X, nu, orders=None):
    """Complaints about every oracle's value and bound of M(nu).

    With `orders` the maximum is known from below only, and nothing is too large.
    """
    X, nu = np.asarray(X, dtype=float), np.asarray(nu, dtype=float)
    square = exact.maximum_squared(X, nu, orders)
    upper = None if orders is not None else square
    complaints = []
    for sign, tolerance in product([1.0, -1.0], TOLERANCES):
        for oracle in oracles(X):
            claims = isinstance(oracle, BranchAndBound | Exhaustive)
            allowed = tolerance if claims else 0.0
            told = complaints_about(oracle(sign * nu, tolerance), X, sign * nu, square, upper, allowed)
            complaints += [f"{oracle!r} at {sign:+g} nu, tolerance {tolerance:g}: {t}" for t in told]
    return complaints


def oracles(X):
    """Every oracle that takes these data."""
    if X.shape[1] == 2:
        yield Circle(X)
    yield BranchAndBound(X, random_starts=4, max_seconds=PATIENCE)
    yield Exhaustive(Arrangement.enumerate(X))
    yield Ascent(X, random_starts=8)


def complaints_about(found, X, nu, square, upper, tolerance):
    """What is wrong with a `DualMaximum`, given M^2 from below and from above (or None)."""
    scale = total_size(X, nu)
    rounding = (len(nu) + 64 * X.shape[1]) * EPS * scale
    told = []
    if found.bound < found.value:
        told.append(f"bound {found.bound!r} is below its value {found.value!r}")
    if np.isnan(found.bound) or np.isnan(found.value):
        return [f"value {found.value!r}, bound {found.bound!r}"]
    if np.isfinite(found.bound) and Fraction(found.bound) ** 2 < square:
        told.append(f"bound {found.bound!r} is below M, {short_of(found.bound, square)}")
    if len(found.directions):
        attained = height(X, nu, found.directions[0])
        if not abs(found.value - attained) <= rounding:
            told.append(f"value {found.value!r} is {attained!r} in its own direction")
    elif found.value != 0:
        told.append(f"value {found.value!r} without a direction")
    if upper is not None:
        most = sqrt_of(upper)
        if found.value > most + rounding:
            told.append(f"value {found.value!r} is above M, {most!r}")
        if np.isfinite(found.bound) and found.bound > (1 + tolerance) * most + PAID * scale:
            told.append(f"bound {found.bound!r} is far above M, {most!r}")
    return told


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
    """Complaints about beta_max: a bound of M(y), whatever oracle it takes."""
    square = exact.maximum_squared(X, y)
    bound, most = hc.beta_max(X, y), sqrt_of(square)
    if not Fraction(bound) ** 2 >= square:
        return [f"beta_max {bound!r} is below M(y), {short_of(bound, square)}"]
    if bound > (1 + 2e-7) * most + PAID * total_size(X, y):
        return [f"beta_max {bound!r} is far above M(y), {most!r}"]
    return []


def judge_dual_bound(X, y, beta, loss, nu):
    """Complaints about the bound that a dual point proves, given M(nu) exactly."""
    problem = hc.TrainingProblem(X, y, beta, loss)
    square = exact.maximum_squared(X, nu)
    maximum = np.nextafter(sqrt_of(square) * (1 + 2 * EPS), np.inf)
    bound = problem.dual_bound(nu, maximum)
    promised = exact.dual_bound(nu, y, beta, square, loss)
    size = sum(abs(Fraction(float(s)) * Fraction(float(t))) for s, t in zip(nu, y, strict=True))
    size = max(size, promised)
    if Fraction(bound) > promised + Fraction(EVALUATED) * size:
        return [f"dual bound {bound!r} exceeds what duality proves, {float(promised)!r}"]
    return []


def judge_training(X, y, beta, loss="squared", seed=0, **options):
    """Complaints about a training, and about certificates, by networks that do better.

    Returns
    -------
    complaints : list of str
    gap : float
        Of the trained network, as claimed.
    """
    rng = np.random.default_rng(seed)
    problem = hc.TrainingProblem(X, y, beta, loss)
    X, y = problem.X, problem.y
    solution = hc.train(problem, **options)
    told = complaints_about_objective(solution, X, y, beta, loss)
    trained = solution.network.hidden_weights, solution.network.output_weights
    networks = searched(X, y, beta, loss, trained, rng)
    networks.append(trained)
    lowest = min(exact.objective(X, y, beta, *network, loss) for network in networks)
    told += below("training", solution.lower_bound, lowest)
    for network in [networks[0], perturbed(trained, rng)]:
        for rounds in (0, 1):
            certificate = hc.certify(hc.ReLUNetwork(*network), problem, rounds=rounds)
            told += below(f"certificate, {rounds} rounds", certificate.lower_bound, lowest)
            told += complaints_about_objective(certificate, X, y, beta, loss, network)
    return told, solution.gap


def judge_path(X, y, betas, loss="squared"):
    """Complaints about a path: each weight decay's bound against all the path's networks."""
    problem = hc.TrainingProblem(X, y, betas[0], loss)
    path = hc.train_path(problem, betas)
    told = []
    for beta, solution in zip(betas, path, strict=True):
        told += complaints_about_objective(solution, X, y, beta, loss)
        alone = hc.train(hc.TrainingProblem(X, y, beta, loss))
        for other in [*path, alone]:
            network = other.network.hidden_weights, other.network.output_weights
            reached = exact.objective(X, y, beta, *network, loss)
            told += below(f"path at {beta!r}", solution.lower_bound, reached)
            told += below(f"training at {beta!r}", alone.lower_bound, reached)
    return told


def complaints_about_objective(result, X, y, beta, loss, network=None):
    """The objective is the network's, the bound is below it, and the gap says so."""
    if network is None:
        network = result.network.hidden_weights, result.network.output_weights
    true = exact.objective(X, y, beta, *network, loss)
    told = []
    if abs(Fraction(result.objective) - true) > Fraction(EVALUATED) * true:
        told.append(f"objective {result.objective!r} of a network that has {float(true)!r}")
    if result.scope != "global":
        told.append(f"scope {result.scope}")
    told += below("own network", result.lower_bound, true)
    if true > 0:
        gap = 1 - Fraction(result.lower_bound) / true
        if abs(gap - Fraction(result.gap)) > Fraction(EVALUATED) * 10:
            told.append(f"gap {result.gap!r} where it is {float(gap)!r}")
    return told


def below(what, bound, reached):
    """A complaint if a network's objective is below a bound of every network's."""
    if not np.isfinite(bound) or bound < 0:
        return [f"{what}: lower bound {bound!r}"]
    if Fraction(bound) > reached * (1 + Fraction(EVALUATED)):
        return [f"{what}: lower bound {bound!r}, and a network has {float(reached)!r}"]
    return []


def searched(X, y, beta, loss, trained, rng):
    """Networks (W, a) that independent searches end at, the first of them a crude one.

    A Lasso over the directions in which M could be attained at the residual of the trained network,
    and L-BFGS on all weights from its solution, from the trained network, moved, and from random
    ones. In units in which the largest entries of X and y are one.
    """
    size_x = float(np.abs(X).max()) or 1.0
    size_y = 1.0 if loss == "logistic" else float(np.abs(y).max()) or 1.0
    Xs, ys, decay = X / size_x, y / size_y, beta / size_x / size_y

    def there(network):
        return balanced(network, size_x / size_y)

    def back(network):
        return balanced(network, size_y / size_x)

    n, d = X.shape
    start = there(trained)
    residual = ys - outputs(Xs, *start)
    if loss == "logistic":
        residual = ys / (1 + np.exp(np.minimum(ys * outputs(Xs, *start), 700)))
    directions = candidate_directions(Xs, residual, rng)
    by_lasso = lasso(Xs, ys, decay, loss, directions)
    starts = [
        (rng.standard_normal((n + 1, d)), rng.standard_normal(n + 1)),
        by_lasso,
        joined(perturbed(start, rng), (0.03 * rng.standard_normal((2, d)), np.array([0.03, -0.03]))),
        joined(perturbed(by_lasso, rng), start),
    ]
    crude = descended(Xs, ys, decay, loss, starts[0], 5)
    found = [descended(Xs, ys, decay, loss, network, 200) for network in starts]
    return [back(network) for network in [crude, by_lasso, *found]]


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
    """Unit directions (k, d) that could attain M(nu); for many rows those of some orders of rows."""
    rows, _ = exact.integers(X)
    weights, _ = exact.integers([nu])
    orders = [list(rng.permutation(len(X))) for _ in range(most)]
    found = []
    for p in exact.critical_directions(rows, weights[0], orders):
        largest = max(abs(entry) for entry in p)
        u = np.array([float(Fraction(entry, largest)) for entry in p])
        found.append(u / np.hypot.reduce(u))
    found = np.reshape(found, (-1, X.shape[1]))
    return np.unique(np.concatenate([found, rng.standard_normal((8, X.shape[1]))]).round(12), axis=0)


def lasso(X, y, beta, loss, directions):
    """The network (W, a) of the Lasso over neurons in given directions."""
    norms = np.linalg.norm(directions, axis=1)
    directions = directions[norms > 0] / norms[norms > 0, None]
    z = nonnegative_lasso(np.maximum(X @ directions.T, 0.0), y, beta, loss)
    return balanced((directions, z), 1.0)


def nonnegative_lasso(features, y, beta, loss):
    """Coefficients z, either sign, of min F(features z) + beta ||z||_1, as far as L-BFGS gets."""
    k = features.shape[1]
    both = np.hstack([features, -features])

    def height(z):
        value, slope = loss_and_slope(both @ z, y, loss)
        return value + beta * z.sum(), both.T @ slope + beta

    found = minimize(height, np.zeros(2 * k), jac=True, bounds=[(0, None)] * 2 * k).x
    return found[:k] - found[k:]


def descended(X, y, beta, loss, network, steps):
    """Where L-BFGS on all weights gets in some steps, its kinks ignored."""
    W, a = network
    shape = W.shape
    if len(a) == 0:
        return network

    def height(theta):
        W, a = theta[: W_size].reshape(shape), theta[W_size:]
        activations = np.maximum(X @ W.T, 0.0)
        value, slope = loss_and_slope(activations @ a, y, loss)
        to_W = (slope[:, None] * a * (activations > 0)).T @ X + beta * W
        to_a = activations.T @ slope + beta * a
        value += 0.5 * beta * float(theta @ theta)
        return value, np.concatenate([to_W.ravel(), to_a])

    W_size = W.size
    start = np.concatenate([W.ravel(), a])
    options = {"maxiter": steps, "ftol": 1e-15, "gtol": 1e-12}
    theta = minimize(height, start, jac=True, method="L-BFGS-B", options=options).x
    return theta[:W_size].reshape(shape), theta[W_size:]


def loss_and_slope(f, y, loss):
    if loss == "squared":
        return 0.5 * float((f - y) @ (f - y)), f - y
    margin = y * f
    return float(np.logaddexp(0, -margin).sum()), -y * np.exp(-np.logaddexp(0, margin))


def judge_line(x, y, share):
    """Complaints about splines, and mirrors of two and three layers, of one variable."""
    told = []
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    for name, module, layers in (
        ("splines", hc.splines, None),
        ("mirrors", hc.mirrors, 2),
        ("mirrors", hc.mirrors, 3),
    ):
        more = {} if layers is None else {"layers": layers}
        what = f"{name}, {layers or 2} layers"
        features = line_features(x, layers)
        most = line_maximum(features, y)
        bound = module.beta_max(x, y, **more)
        size = float(sum(abs(Fraction(float(t))) for t in y)) * float(np.ptp(x))
        if Fraction(bound) < most - Fraction(EPS * 8 * len(x) * size):
            told.append(f"{what}: beta_max {bound!r} is below M, {float(most)!r}")
        if Fraction(bound) > most + Fraction(PAID * size):
            told.append(f"{what}: beta_max {bound!r} is far above M, {float(most)!r}")
        beta = share * float(most) or 1.0
        solution = module.train(x, y, beta, **more)
        network = solution.network
        reached = line_objective(network, x, y, beta)
        told += below(what, solution.lower_bound, reached)
        if abs(Fraction(solution.objective) - reached) > Fraction(EVALUATED) * reached:
            told.append(f"{what}: objective {solution.objective!r}, it is {float(reached)!r}")
        told += below(what, solution.lower_bound, line_search(features, y, beta))
    return told


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
