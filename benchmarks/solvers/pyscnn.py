"""pyscnn: the ReLU convex program by an augmented Lagrangian, given every chamber's gate."""

import numpy as np

import hidden_convexity as hc
from benchmarks import scnn_training
from benchmarks.objective import Outcome

# Of the squared norm of its subgradient, and of the squared constraint violation. 1e-6 is the
# package's default.
SETTINGS = (1e-4, 1e-6, 1e-8)


def prepare(problem, case):
    return hc.Arrangement.enumerate(problem.X).gates


def run(problem, case, gates, setting):
    return scnn_training.train(gates, problem.X, problem.y, problem.beta, setting, cones=True)


def outcome(problem, gates, model, seconds):
    # The gates of the returned model: it has dropped those that activate no sample.
    u, v = (np.asarray(part)[0].T for part in model.parameters)
    active = problem.X @ np.asarray(model.G) > 0
    products = problem.X @ u, problem.X @ v
    residual = (active * (products[0] - products[1])).sum(axis=1) - problem.y
    penalty = sum(np.linalg.norm(part, axis=0).sum() for part in (u, v))
    violation = max(np.where(active, -each, each).max(initial=0.0) for each in products)
    return Outcome(
        network=hc.ReLUNetwork.decode(u, v),
        numbers={
            "gates": active.shape[1],
            "convex_objective": float(0.5 * residual @ residual + problem.beta * penalty),
            "cone_violation": float(violation),
        },
    )
