"""Where good neurons come from, as the dimension grows: one table of objectives and test errors.

    python -m benchmarks.directions [--samples N] [--dimensions D ...]

Each line trains two-layer ReLU networks on the same data with the same weight decay: over the
chambers of random directions, over chambers that meet at random wedge products of data rows, by the
search on flats (`proof=False`), and by Adam for as long as the search took. Objectives are P(W, a)
and relative to the smallest of the line; test errors are relative to the variance of the targets.
"""

import argparse
from time import perf_counter

import numpy as np

import hidden_convexity as hc
from hidden_convexity.oracle import Ascent
from hidden_convexity.solvers.descent import adam

SHARE, NOISE, TOLERANCE = 0.05, 0.1, 1e-3
COUNTS = (100, 1_000)
WIDTH, FIRST_STEPS = 100, 200
# Around a wedge product 2^(d-1) chambers meet; a step this long, beside it, leads into one of them.
ASIDE = 1e-3


def data(n, d, seed):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    y = np.sin(2 * X[:, 0]) * (X[:, 1] if d > 2 else 1.0) + NOISE * rng.standard_normal(n)
    return X, y


def wedge_gates(X, count, rng):
    """Directions (d, count) beside generalised cross products of d - 1 random rows."""
    # Not `Arrangement.sample(kind="wedge")`: it draws the side on which all d - 1 rows are off.
    n, d = X.shape
    rows = np.stack([X[rng.choice(n, d - 1, replace=False)] for _ in range(count)])
    normals = np.linalg.svd(rows)[2][:, -1]
    aside = rng.standard_normal((count, d))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    return (rng.choice([-1.0, 1.0], (count, 1)) * normals + ASIDE * aside).T


def adam_for(problem, seconds):
    """The best of three runs whose steps are as many as fit into the time."""
    began = perf_counter()
    adam(problem, WIDTH, range(3), FIRST_STEPS)
    per_step = (perf_counter() - began) / FIRST_STEPS
    steps = max(int(seconds / per_step), FIRST_STEPS)
    return min(adam(problem, WIDTH, range(3), steps), key=lambda one: one.objective)


def compare(n, d):
    """Lines (name, seconds, objective, test error, neurons) of one dimension."""
    X, y = data(n, d, 0)
    X_test, y_test = data(n, d, 1)
    problem = hc.TrainingProblem(X, y, SHARE * Ascent(X)(y).value)
    rng = np.random.default_rng(2)
    methods = {"searched": lambda: hc.train(problem, tol=TOLERANCE, proof=False)}
    for count in COUNTS:
        random = hc.Arrangement.sample(X, count)
        wedges = hc.Arrangement.from_gates(X, wedge_gates(X, count, rng))
        for name, gates in ((f"random {count}", random), (f"wedge {count}", wedges)):
            methods[name] = lambda gates=gates: hc.train(problem, patterns=gates, tol=TOLERANCE)
    lines, allowed = [], 0.0
    for name, method in methods.items():
        began = perf_counter()
        network = method().network
        seconds = perf_counter() - began
        allowed = allowed or seconds
        lines.append((name, seconds, network))
    began = perf_counter()
    network = adam_for(problem, allowed).network
    lines.append(("Adam", perf_counter() - began, network))
    for name, seconds, network in lines:
        error = ((network(X_test) - y_test) ** 2).mean() / y_test.var()
        yield name, seconds, problem.objective(network), error, len(network)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    given = parser.parse_args()
    # What compiles does so before anything is timed.
    list(compare(40, 4))
    print(f"{'d':>3} {'method':<12} {'seconds':>8} {'above best':>10} {'error':>7} {'neurons':>7}")
    for d in given.dimensions:
        lines = list(compare(given.samples, d))
        best = min(line[2] for line in lines)
        for name, seconds, objective, error, neurons in lines:
            above = objective / best - 1
            print(f"{d:3} {name:<12} {seconds:8.2f} {above:10.1e} {error:7.3f} {neurons:7}")


if __name__ == "__main__":
    main()
