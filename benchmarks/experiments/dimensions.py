"""Ways to choose neurons as the dimension grows: `python -m benchmarks.experiments.dimensions`.

The ECG of PyWavelets, four samples ahead of d - 1 past ones. Every method minimises the same P;
its value and processor time are kept. What follows the training part is one heartbeat, too little
to test on. Adam has more neurons than a searched network ever kept, and at least the processor time
of the search.

The weight decay is part of P, so it is one share of the largest decay for all methods and
dimensions. Validated on the last quarter of the training part, of five shares from 0.1 to 0.001,
this one was the best for searched networks at d = 2 and 4, and within 3% of the best at d = 8. It
is not chosen anew for each method, for then they would no longer minimise the same P.
"""

import time
from pathlib import Path

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import command, problems
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent
from hidden_convexity.solvers.descent import adam

PATH = Path(__file__).with_name("dimensions.csv")
DIMENSIONS, HORIZON, TOLERANCE = (2, 4, 8, 16, 32, 64), 4, 1e-3
DECAY_SHARE = 0.01
GATES = (100, 1_000, 10_000)
# The gap for gates from this dimension on: what they lose there is many times as much.
LARGE, LOOSE = 16, 1e-2
# Distance from a hyperplane that rounding can't bridge.
OFF = 1e-11
NEURONS, SEEDS, RATES = 100, 3, (0.02, 0.05)
# So many that Adam's runs have at least the time of the search together.
STEPS = {d: 6_000 if d == 64 else 2_000 for d in DIMENSIONS}


def wedge_gates(X, count, rng):
    """Directions +- orthogonal to d - 1 random rows, moved to random sides of these hyperplanes.

    They are moved at random by less, off the hyperplanes of repeated and dependent rows. Of the
    draws, those whose rows are dependent and those that still are on a hyperplane are left out.
    """
    # Not `Arrangement.sample(kind="wedge")`: it draws the side on which all d - 1 rows are off.
    gates, lines = [], X / np.linalg.norm(X, axis=1, keepdims=True)
    for _ in range(count):
        rows = X[rng.choice(len(X), X.shape[1] - 1, replace=False)]
        normal = rng.choice([-1.0, 1.0]) * hc.wedge.cross_product(rows)
        step, *_ = np.linalg.lstsq(rows, rng.choice([-1.0, 1.0], len(rows)), rcond=None)
        length = np.linalg.norm(normal)
        if length > 0:
            drift = rng.standard_normal(X.shape[1])
            gate = normal / length + 1e-6 * step / np.linalg.norm(step) + 1e-9 * drift
            if np.abs(lines @ gate).min() > OFF:
                gates.append(gate)
    return np.array(gates).T


def run(d, method, gates):
    """One way to choose neurons, in one dimension."""
    A, _, y, _ = problems.series(datasets.ecg().values, d - 1, HORIZON)
    problem = hc.TrainingProblem(A, y, DECAY_SHARE * Ascent(A)(y).value)
    rng = np.random.default_rng(0)
    if method == "searched":  # compiles, and is not timed
        hc.train(hc.TrainingProblem(A[:50], y[:50], problem.beta), tol=LOOSE, proof=False)
    start = time.process_time()
    tol = LOOSE if gates and d >= LARGE else TOLERANCE
    if method == "adam":
        seeds, steps = range(SEEDS), STEPS[d]
        runs = [one for rate in RATES for one in adam(problem, NEURONS, seeds, steps, rate)]
        solution = min(runs, key=lambda one: one.objective)
    elif method == "searched":
        solution = hc.train(problem, tol=tol, proof=False)
    elif method == "random gates":
        solution = hc.train(problem, hc.Arrangement.sample(A, gates, rng), tol=tol)
    else:
        chosen = hc.Arrangement.from_gates(A, wedge_gates(A, gates, rng))
        solution = hc.train(problem, chosen, tol=tol)
    return {
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "scope": solution.scope,
        "beta": problem.beta,
        "neurons": len(solution.network),
        "processor_seconds": time.process_time() - start,
    }


def points():
    """All runs of the sweep."""
    ways = [("searched", 0), ("adam", 0)]
    ways += [(way, gates) for way in ("random gates", "wedge gates") for gates in GATES]
    return [
        {"d": d, "method": method, "gates": gates} for d in DIMENSIONS for method, gates in ways
    ]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
