"""What a Dask cluster costs a proof: cells a second by threads, and by one worker and by two.

    python -m benchmarks.cluster

prints a table and writes benchmarks/results-cluster.json. Each line is one proof of 500 Gaussian
samples, the median of three after a first call, when everything is compiled and imported. Beside
the clock there are seconds of processors: of this process with the scheduler in it, and of the
workers. A stack is one journey.
"""

import os
from statistics import median
from time import perf_counter, process_time

import numpy as np
from distributed import LocalCluster

from benchmarks import results
from benchmarks.run import OWN
from hidden_convexity.oracle import BranchAndBound

STORE = results.ROOT / "benchmarks" / "results-cluster.json"
SAMPLES, REPETITIONS = 500, 3
# Dimensions, and the gap of the proof in each.
CASES = {8: 1e-2, 9: 1e-2, 10: 1e-2}
# One for each core of a small machine.
WORKERS = (1, 2)


def prove(X, nu, tolerance, client=None):
    """Cells, journeys, the clock, and seconds of this process and of the workers, of a proof."""
    oracle = BranchAndBound(X, client=client, max_seconds=600)
    workers = 0.0 if client is None else -sum(client.run(process_time).values())
    journeys, began, own = [], perf_counter(), process_time()
    if client is not None:
        submit = client.submit
        client.submit = lambda *given, **named: journeys.append(1) or submit(*given, **named)
    found = oracle(nu, tolerance)
    clock, own = perf_counter() - began, process_time() - own
    if client is not None:
        client.submit = submit
        workers += sum(client.run(process_time).values())
    return {
        "cells": found.cells,
        "stacks": len(journeys),
        "seconds": clock,
        "here": own,
        "workers": workers,
    }


def measured(X, nu, tolerance, client=None):
    """The proof of the middle clock."""
    prove(X, nu, 10 * tolerance, client)
    found = [prove(X, nu, tolerance, client) for _ in range(REPETITIONS)]
    return next(
        one for one in found if one["seconds"] == median(other["seconds"] for other in found)
    )


def main():
    cases = {}
    for d, tolerance in CASES.items():
        rng = np.random.default_rng(0)
        X, nu = rng.normal(size=(SAMPLES, d)), rng.normal(size=SAMPLES)
        lines = {"threads": measured(X, nu, tolerance)}
        for count in WORKERS:
            options = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
            with LocalCluster(**options, processes=True) as cluster, cluster.get_client() as client:
                lines[f"{count} worker{'s' * (count > 1)}"] = measured(X, nu, tolerance, client)
        cases[f"d{d}"] = {"d": d, "n": SAMPLES, "tol": tolerance, "lines": lines}
        for name, one in lines.items():
            rate = one["cells"] / one["seconds"]
            print(f"d = {d}, {name:10}{one['cells']:10,} cells{rate:10,.0f} a second", flush=True)
    results.write(STORE, results.environment(os.cpu_count(), None, OWN), cases)


if __name__ == "__main__":
    main()
