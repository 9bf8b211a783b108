"""Descent beside convex training on the same problems: `python -m benchmarks.experiments.training`.

Each row is one run: its test error, its final objective, and its curve of objective against
seconds of processor time as text, [[seconds, objective], ...].
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import descent, problems
from hidden_convexity.solvers.sampled import train_gated
from hidden_convexity.sweeps import sweep

PATH = Path(__file__).with_name("training.csv")
WIDTHS, SEEDS = (2, 10, 100), range(3)
DIGITS_WIDTHS, DIGITS_SEEDS = (10, 30, 100), range(2)
# Gates sampled for comparison on "ecg", and on the digits.
SAMPLED, DIGITS_GATES = (10, 30, 100), (10, 30, 100)
TOLERANCE = 1e-6


def run(problem, method, rate, width, seed):
    """One run: descent, or a convex method, whose width is its number of gates or 0 for all."""
    if problem == "digits":
        return _digits(method, rate, width, seed)
    task, A_test, y_test = problems.regression(problem)
    if method in descent.STEPS:
        found = descent.train(task.X, task.y, task.beta, method, rate, width, seed)
        curve, W, V = found
        if not np.isfinite(curve[-1][1]):
            return _outcome(curve, np.inf, None, width)
        network, bound = hc.ReLUNetwork(W, V[:, 0]), None
    else:
        patterns = {"convex": "all", "sampled": width}[method]
        # The first run compiles; it is not what is timed.
        hc.train(hc.TrainingProblem(task.X[:30], task.y[:30], task.beta), patterns, tol=1e-2)
        if method == "sampled":
            patterns = hc.Arrangement.sample(task.X, width, rng=seed)
        wall, cpu = time.perf_counter(), time.process_time()
        solution = hc.train(task, patterns, tol=TOLERANCE)
        network, bound = solution.network, solution.lower_bound
        # The history has wall-clock time; on a busy machine that is longer than processor time.
        busy = (time.process_time() - cpu) / (time.perf_counter() - wall)
        curve = [(step.seconds * busy, step.objective) for step in solution.history]
    error = float(np.mean((network(A_test) - y_test) ** 2) / np.var(y_test))
    return _outcome(curve, error, bound, len(network))


def _digits(method, rate, width, seed):
    A, A_test, labels, labels_test = problems.digits()
    beta = problems.DIGITS_DECAY
    if method in descent.STEPS:
        curve, W, V = descent.train(A, labels, beta, method, rate, width, seed, "softmax")
        outputs, bound, neurons = np.maximum(A_test @ W.T, 0) @ V, None, width
    else:
        gates = np.random.default_rng(seed).standard_normal((A.shape[1], width))
        start = time.process_time()
        solution = train_gated(A, np.eye(10)[labels], gates, beta, loss="softmax", tol=1e-3)
        curve = [(time.process_time() - start, solution.objective)]
        outputs, bound, neurons = solution.predict(A_test), solution.lower_bound, len(solution)
    return _outcome(curve, float(np.mean(outputs.argmax(axis=1) != labels_test)), bound, neurons)


def _outcome(curve, error, bound, neurons):
    short = [[float(f"{t:.4g}"), float(f"{P:.8g}")] for t, P in curve if np.isfinite(P)]
    end = float(curve[-1][1])
    return {
        # Of a run that has diverged, nothing is left to report.
        "objective": end if np.isfinite(end) else np.inf,
        "test_error": error,
        "lower_bound": bound,
        "neurons": neurons,
        "curve": json.dumps(short),
    }


def points():
    """All runs of the sweep."""
    grid = []

    def add(problem, method, rates=(0.0,), widths=(0,), seeds=(0,)):
        grid.extend(
            {"problem": problem, "method": method, "rate": rate, "width": width, "seed": seed}
            for width in widths
            for rate in rates
            for seed in seeds
        )

    for name in problems.SERIES:
        add(name, "convex")
        for method, rates in descent.RATES.items():
            add(name, method, rates, WIDTHS, SEEDS)
    add("ecg", "sampled", widths=SAMPLED, seeds=SEEDS)
    add("digits", "gated", widths=DIGITS_GATES, seeds=DIGITS_SEEDS)
    add("digits", "adam", descent.RATES["adam"], DIGITS_WIDTHS, DIGITS_SEEDS)
    return grid


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, default=PATH)
    parser.add_argument("--jobs", type=int, default=1, help="1 times runs undisturbed")
    parser.add_argument("--only", default="", help="one problem instead of all")
    given = parser.parse_args()
    chosen = [point for point in points() if given.only in ("", point["problem"])]
    rows = sweep(run, chosen, given.store, jobs=given.jobs)
    failed = [row for row in rows if row["error"] is not None]
    for row in failed:
        print(row["problem"], row["method"], row["width"], row["error"])
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
