"""What a Dask cluster costs a proof: cells a second by threads, and by one worker and by two.

    python -m benchmarks.cluster [d] [tolerance]

prints a table. Each line is one proof of 500 Gaussian samples, in the second call, when everything
is compiled and imported. Seconds are those of processors, which other work on the machine disturbs
little: of this process with the scheduler in it, and of the workers. A stack is one journey.
"""

import sys
from time import perf_counter, process_time

import numpy as np
from distributed import LocalCluster

from hidden_convexity.oracle import BranchAndBound

SAMPLES = 500


def prove(X, nu, tolerance, client=None):
    """One line: cells, journeys, the clock, seconds of this process and of the workers."""
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
    return found.cells, len(journeys), clock, own, workers


def main(d=6, tolerance=2e-2):
    rng = np.random.default_rng(0)
    X, nu = rng.normal(size=(SAMPLES, d)), rng.normal(size=SAMPLES)
    print(f"d = {d}, n = {SAMPLES}, to {tolerance:g}")
    print(f"{'':10}{'cells':>10}{'stacks':>8}{'clock':>8}{'here':>8}{'workers':>9}  cells/s")

    def line(name, client=None):
        prove(X, nu, 10 * tolerance, client)
        cells, journeys, clock, own, workers = prove(X, nu, tolerance, client)
        rate = cells / (own + workers)
        numbers = f"{cells:10,}{journeys:8}{clock:8.2f}{own:8.2f}{workers:9.2f}{rate:9,.0f}"
        print(f"{name:10}{numbers}", flush=True)

    line("threads")
    for count in (1, 2):
        options = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**options, processes=True) as cluster, cluster.get_client() as client:
            line(f"workers {count}", client)


if __name__ == "__main__":
    main(*(kind(given) for kind, given in zip((int, float), sys.argv[1:], strict=False)))
