"""The proof alone: branch and bound at the residual of a trained network.

The network is trained on at most 2,000 of the samples, so that the cost of making it does not grow
with n; the residual is that of all samples. With several outputs it bounds max ||N'(Xu)_+||.
"""

import hidden_convexity as hc
from benchmarks import stochastic
from benchmarks.objective import Outcome
from hidden_convexity.oracle import BranchAndBound
from hidden_convexity.oracle.several_outputs import VectorBranchAndBound
from hidden_convexity.solvers.descent import adam

SAMPLES, WIDTH, STEPS = 2_000, 50, 500


def prepare(problem, case):
    part = hc.TrainingProblem(
        problem.X[:SAMPLES],
        problem.y[:SAMPLES],
        problem.beta * min(SAMPLES / len(problem.X), 1.0),
    )
    if problem.y.ndim == 2:
        ((_, network),) = stochastic.train(part, WIDTH, 0, STEPS)
        return VectorBranchAndBound(problem.X), problem.residual(network)
    (trained,) = adam(part, WIDTH, [0], STEPS)
    return BranchAndBound(problem.X), problem.residual(trained.network)


def run(problem, case, state, setting):
    oracle, nu = state
    return oracle(nu, tolerance=case.tol), case.tol


def outcome(problem, state, result, seconds):
    found, tol = result
    return Outcome(
        complete=found.bound <= (1 + 1.001 * tol) * found.value,
        numbers={"cells": found.cells, "maximum": found.value, "bound": found.bound},
    )
