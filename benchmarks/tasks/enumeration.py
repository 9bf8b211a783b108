"""Every chamber of the data through their rays: no linear program."""

import hidden_convexity as hc
from benchmarks.objective import Outcome


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    return len(hc.Arrangement.enumerate(problem.X))


def outcome(problem, state, count, seconds):
    expected = hc.count_chambers(*problem.X.shape)
    if count != expected:
        raise ValueError(f"{count} chambers were listed, Cover's number is {expected}")
    return Outcome(numbers={"chambers": count})
