"""Descent beside convex training on the same problems: `python -m benchmarks.experiments.training`.

Each row is one run: its test error, its final objective, and at one width its curve of objective
against seconds of processor time as text, [[seconds, objective], ...]. The ECG is the first fold of
a long record (`signals.py`): eight heartbeats to train on, and more than fifty to test on.
"""

import json
import time
from pathlib import Path

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import command, descent, problems, signals

PATH = Path(__file__).with_name("training.csv")
WIDTHS, SEEDS = (2, 10, 100, 500), range(10)
# Learning rates by width, as those of `descent.py`: on the ECG SGD diverges at other ones.
RATES = {
    "sunspots": descent.RATES,
    "ecg": descent.RATES
    | {
        "sgd": {
            2: (0.01, 0.03, 0.1),
            10: (0.03, 0.1, 0.3),
            100: (0.01, 0.02, 0.05),
            500: (0.002, 0.004, 0.008),
        }
    },
}
# Of descent, curves are kept at this width alone: those that notebook 10 draws.
CURVES = 100
# Gates sampled for comparison, on "ecg".
SAMPLED = (10, 100, 1_000, 10_000)
TOLERANCE = 1e-6


def run(problem, method, rate, width, seed, records=None):
    """One run: descent, or a convex method, whose width is its number of gates or 0 for all.

    Or "linear", the line of least squares as what it is, a network of two neurons.
    """
    task, A_test, y_test = problems.regression(problem, records)
    drawn = method == "convex" or (method in descent.STEPS and width == CURVES)
    if method in descent.STEPS:
        found = descent.train(task.X, task.y, task.beta, method, rate, width, seed)
        curve, W, V = found
        if not np.isfinite(curve[-1][1]):
            return _outcome(curve, np.inf, None, width, drawn)
        network, bound = hc.ReLUNetwork(W, V[:, 0]), None
    elif method == "linear":
        w = np.linalg.lstsq(task.X, task.y, rcond=None)[0]
        network, bound = hc.ReLUNetwork(np.stack([w, -w]), np.array([1.0, -1.0])).balance(), None
        curve = [(0.0, task.objective(network))]
    else:
        patterns = "all"
        if method == "sampled":
            patterns = hc.Arrangement.sample(task.X, width, rng=seed)
        else:
            hc.train(task, tol=TOLERANCE)  # The first run compiles; it is not what is timed.
        wall, cpu = time.perf_counter(), time.process_time()
        solution = hc.train(task, patterns, tol=TOLERANCE)
        network, bound = solution.network, solution.lower_bound
        # The history has wall-clock time; on a busy machine that is longer than processor time.
        busy = (time.process_time() - cpu) / (time.perf_counter() - wall)
        curve = [(step.seconds * busy, step.objective) for step in solution.history]
    error = signals.error(network(A_test), y_test)
    return _outcome(curve, error, bound, len(network), drawn)


def _outcome(curve, error, bound, neurons, drawn):
    short = [[float(f"{t:.3g}"), float(f"{P:.8g}")] for t, P in curve if np.isfinite(P)]
    seconds, end = curve[-1]
    return {
        # Of a run that has diverged, nothing is left to report.
        "objective": float(end) if np.isfinite(end) else np.inf,
        "test_error": error,
        "lower_bound": bound,
        "neurons": neurons,
        "processor_seconds": float(f"{seconds:.4g}"),
        "curve": json.dumps(short) if drawn else None,
    }


def points():
    """All runs of the sweep."""
    grid = []

    def add(problem, method, rate=0.0, width=0, seeds=(0,)):
        names = ("problem", "method", "rate", "width", "seed")
        grid.extend(
            dict(zip(names, (problem, method, rate, width, seed), strict=True)) for seed in seeds
        )

    for name in problems.SERIES:
        add(name, "convex")
        add(name, "linear")
        for width in WIDTHS:
            for method, rates in RATES[name].items():
                for rate in rates[width]:
                    add(name, method, rate, width, SEEDS)
    for count in SAMPLED:
        add("ecg", "sampled", width=count, seeds=SEEDS)
    return grid


def main():
    options = command.options(__doc__, PATH, records=True)
    options.add_argument("--only", default="", help="one problem instead of all")
    given = options.parse_args()
    chosen = [point for point in points() if given.only in ("", point["problem"])]
    return command.complete(run, chosen, given)


if __name__ == "__main__":
    raise SystemExit(main())
