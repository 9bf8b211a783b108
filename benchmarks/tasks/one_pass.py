"""A yardstick: nu.(Xu)_+ at one direction, the least that any call of an oracle has to do."""

import numpy as np

from benchmarks.objective import Outcome


def prepare(problem, case):
    return np.random.default_rng(0).standard_normal(case.d)


def run(problem, case, u, setting):
    return problem.y @ np.maximum(problem.X @ u, 0.0)


def outcome(problem, u, value, seconds):
    return Outcome()
