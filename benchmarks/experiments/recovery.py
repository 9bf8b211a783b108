"""Recovery of linear teachers at the published size: `python -m benchmarks.experiments.recovery`.

The gated program with a skip connection, on the grid of Wang, Hua, Candes and Pilanci (2022). One
row is one cell of their map: how many of its teachers were recovered, and for how many there was a
chamber in which all samples are active.
"""

from pathlib import Path

import numpy as np

import hidden_convexity as hc
from benchmarks.experiments import command
from hidden_convexity.solvers.fixed_gates.interpolation import all_active, interpolate

PATH = Path(__file__).with_name("recovery.csv")
SAMPLES, DIMENSIONS, TEACHERS = range(10, 401, 10), range(10, 101, 10), 5
LEAST_GATES, TOLERANCE = 50, 1e-4


def run(n, d):
    """One cell, from a seed of its own."""
    rng = np.random.default_rng([n, d])
    outcomes = np.array([teacher(n, d, rng) for _ in range(TEACHERS)])
    both = int(outcomes.all(axis=1).sum())
    exists, recovered = (int(count) for count in outcomes.sum(axis=0))
    return {"teachers": TEACHERS, "all_active": exists, "recovered": recovered, "both": both}


def teacher(n, d, rng, cones=False):
    """Whether all samples can be active, and whether every weight is found."""
    X, w = rng.normal(size=(n, d)) / np.sqrt(n), rng.normal(size=d)
    w /= np.linalg.norm(w)
    gates, everywhere = rng.normal(size=(max(n, LEAST_GATES), d)), all_active(X)
    if everywhere is not None:
        gates = np.vstack([gates, everywhere])
    found = interpolate(hc.Arrangement.from_gates(X, gates.T), X @ w, cones=cones)
    off = max(np.abs(found.skip - w).max(), np.abs(found.u).max(), np.abs(found.v).max())
    return everywhere is not None, off < TOLERANCE


def main():
    grid = {"n": SAMPLES, "d": DIMENSIONS}
    return command.complete(run, grid, command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
