"""The convex program over all chambers of the patches in CVXPY, solved by Clarabel."""

import cvxpy as cp
import numpy as np

import hidden_convexity as hc
from benchmarks.objective import Outcome
from hidden_convexity.equivalences import parts
from hidden_convexity.geometry.arrangement import Arrangement


def prepare(problem, case):
    """The program; listing the chambers comes before the clock starts, as for `cvxpy`."""
    pooling = problem.pooling
    patterns = Arrangement.enumerate(pooling.rows).patterns
    slopes, signs = np.where(patterns, 1.0, problem.slope), 2.0 * patterns - 1.0
    u, v = (cp.Variable((pooling.rows.shape[1], patterns.shape[1]), name=name) for name in "uv")
    outputs = cp.sum(cp.multiply(slopes, pooling.rows @ (u - v)), axis=1)
    averages = np.eye(len(problem.y)) if pooling.averages is None else pooling.averages.toarray()
    loss = 0.5 * cp.sum_squares(averages @ outputs - problem.y)
    price = cp.sum(cp.norm(u, 2, axis=0)) + cp.sum(cp.norm(v, 2, axis=0))
    cones = [cp.multiply(signs, pooling.rows @ z) >= 0 for z in (u, v)]
    return parts.Program(loss + problem.beta * price, cones)


def run(problem, case, program, setting):
    program.solve()
    found = parts.decode_neurons(program)
    return hc.ReLUNetwork(found.hidden, found.output, problem.slope)


def outcome(problem, program, network, seconds):
    return Outcome(network=network, numbers={"neurons": len(network)})
