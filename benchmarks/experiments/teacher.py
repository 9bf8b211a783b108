"""SGD beside convex programs on a planted teacher: `python -m benchmarks.experiments.teacher`.

Figure 1 of Mishkin, Sahiner and Pilanci (2022), again: 250 labels of a teacher with 100 neurons, 50
inputs. SGD, the ReLU program over random patterns and over those that SGD ends with as well, and
the gated program. `curve` is [[seconds of processor time, objective], ...].
"""

import json
import time
from pathlib import Path

import numpy as np
from scipy.stats import ortho_group

import hidden_convexity as hc
from benchmarks.experiments import command
from hidden_convexity.solvers.fixed_gates.gated import train_gated

PATH = Path(__file__).with_name("teacher.csv")
SAMPLES, INPUTS, TEACHERS, CONDITION = 250, 50, 100, 10.0
# Their objective is ours over the number of samples.
DECAY = 1e-4 * SAMPLES
WIDTH, BATCHES, EPOCHS, HALVED = 100, 10, 1_000, 100
# Epochs at which SGD's objective is kept.
RECORDED = np.unique(np.geomspace(1, EPOCHS, 40).astype(int))
RATE, OTHER_RATES, SEEDS, DRAWS = 10.0, (5.0, 20.0), range(10), range(3)
# Random patterns of the ReLU program, alone and beside SGD's; gates of the gated one.
PATTERNS, BESIDE, GATES, TOLERANCE = (100, 500, 1_000), 100, (100, 500, 1_000, 10_000), 1e-3


def data(draw):
    """Training problem, test inputs and test labels; labels are the teacher's sign.

    The teacher's weights are uniform on [0, 1], so it is positive unless all its neurons are off.
    Inputs are Gaussian with eigenvalues of their covariance between 1 and CONDITION, and each is
    divided by its norm over the training samples.
    """
    rng = np.random.default_rng(draw)
    W, a = rng.random((TEACHERS, INPUTS)), rng.random(TEACHERS)
    spread = np.concatenate([[1.0, CONDITION], rng.uniform(1.0, CONDITION, INPUTS - 2)])
    turn = ortho_group.rvs(INPUTS, random_state=rng)
    X = rng.standard_normal((2 * SAMPLES, INPUTS)) * np.sqrt(spread) @ turn.T
    labels = np.where(np.maximum(X @ W.T, 0) @ a > 0, 1.0, -1.0)
    X = X / np.linalg.norm(X[:SAMPLES], axis=0)
    problem = hc.TrainingProblem(X[:SAMPLES], labels[:SAMPLES], DECAY)
    return problem, X[SAMPLES:], labels[SAMPLES:]


def descend(problem, rate, seed):
    """A network by SGD, and its curve; rates are those of P / n, and weights start as PyTorch's."""
    X, y, n = problem.X, problem.y, len(problem.y)
    rng = np.random.default_rng(seed)
    W = rng.uniform(-1, 1, (WIDTH, INPUTS)) / np.sqrt(INPUTS)
    a = rng.uniform(-1, 1, WIDTH) / np.sqrt(WIDTH)
    decay, curve, spent = problem.beta / n, [], 0.0
    for epoch in range(1, EPOCHS + 1):
        start, step = time.process_time(), rate * 0.5 ** ((epoch - 1) // HALVED)
        for rows in rng.permutation(n).reshape(BATCHES, -1):
            inputs = X[rows] @ W.T
            on = np.maximum(inputs, 0)
            error = (on @ a - y[rows]) / len(rows)
            slope = ((error[:, None] * a) * (inputs > 0)).T @ X[rows]
            a, W = a - step * (on.T @ error + decay * a), W - step * (slope + decay * W)
        spent += time.process_time() - start
        if not np.isfinite(W).all():
            return None, [*curve, (spent, np.inf)]
        if epoch in RECORDED:
            curve.append((spent, problem.objective(hc.ReLUNetwork(W, a))))
    return hc.ReLUNetwork(W, a), curve


def run(draw, method, width, rate, seed):
    """One run on one draw of the data; the width is a number of neurons or of patterns."""
    problem, X_test, labels = data(draw)
    rng = np.random.default_rng(seed)
    bound = None
    if method == "sgd":
        with np.errstate(over="ignore", invalid="ignore"):  # runs that diverge are a result
            network, curve = descend(problem, rate, seed)
        outputs = None if network is None else network(X_test)
    elif method == "gated":
        gates, start = rng.standard_normal((INPUTS, width)), time.process_time()
        solution = train_gated(problem.X, problem.y, gates, DECAY, tol=TOLERANCE)
        curve = [(time.process_time() - start, solution.objective)]
        outputs, bound = solution.predict(X_test), solution.lower_bound
    else:
        gates = rng.standard_normal((INPUTS, width))
        if method == "visited":
            network, _ = descend(problem, rate, seed)
            gates = np.column_stack([network.hidden_weights.T, gates])
        wall, cpu = time.perf_counter(), time.process_time()
        solution = hc.train(problem, hc.Arrangement.from_gates(problem.X, gates), tol=TOLERANCE)
        busy = (time.process_time() - cpu) / (time.perf_counter() - wall)
        curve = [(step.seconds * busy, step.objective) for step in solution.history]
        outputs, bound = solution.network(X_test), solution.lower_bound
    wrong = None if outputs is None else float(np.mean(np.sign(outputs) != labels))
    short = [[float(f"{t:.4g}"), float(f"{P:.8g}")] for t, P in curve if np.isfinite(P)]
    return {
        "objective": float(curve[-1][1]),
        "lower_bound": bound,
        "test_error": wrong,
        "always_positive": float(np.mean(labels < 0)),
        "curve": json.dumps(short),
    }


def points():
    """All runs of the sweep."""
    grid = [(draw, "sgd", WIDTH, RATE, seed) for draw in DRAWS for seed in SEEDS]
    grid += [(0, "sgd", WIDTH, rate, seed) for rate in OTHER_RATES for seed in SEEDS]
    grid += [(0, "visited", BESIDE, RATE, seed) for seed in SEEDS]
    grid += [(0, "gated", count, 0.0, 0) for count in GATES]
    grid += [(0, "random", count, 0.0, 0) for count in PATTERNS]
    names = ("draw", "method", "width", "rate", "seed")
    return [dict(zip(names, point, strict=True)) for point in grid]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
