"""The certificate of a network that Adam trained: what it costs, and what it is worth."""

from time import perf_counter

import hidden_convexity as hc
from benchmarks.objective import Outcome
from hidden_convexity.solvers.descent import adam

WIDTH, STEPS = 50, 500


def prepare(problem, case):
    start = perf_counter()
    (trained,) = adam(problem, WIDTH, [0], STEPS)
    return trained.network, perf_counter() - start


def run(problem, case, trained, setting):
    return hc.certify(trained[0], problem, rounds=1)


def outcome(problem, trained, certificate, seconds):
    return Outcome(
        network=trained[0],
        lower_bound=certificate.lower_bound,
        numbers={"certified_gap": certificate.gap, "adam_seconds": trained[1]},
    )
