"""pyscnn: the program with cones by an augmented Lagrangian, over given gates."""

import numpy as np

import hidden_convexity as hc
from benchmarks import scnn_training
from benchmarks.objective import Outcome

# Of the squared norm of its subgradient, and of the squared constraint violation.
SETTINGS = (1e-6, 1e-8, 1e-10)


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    gates, training = problem.arrangement.gates, problem.training
    return scnn_training.train(gates, training.X, training.y, training.beta, setting, cones=True)


def outcome(problem, state, model, seconds):
    u, v = (np.asarray(part)[0].T for part in model.parameters)
    network = hc.ReLUNetwork.decode(u, v)
    return Outcome(
        network=network,
        numbers={
            "gates": np.asarray(model.G).shape[1],
            "cone_violation": violation(problem, network.hidden_weights),
        },
    )


def violation(problem, weights):
    """How far neurons (m, d) are outside the nearest of the given cones: the largest -(2D - I) X w.

    Neurons are balanced, ||w|| = sqrt(||u||), as `ReLUNetwork.decode` leaves them.
    """
    signs = 2.0 * problem.arrangement.patterns - 1.0
    depths = [
        np.maximum(-signs * (problem.training.X @ w)[:, None], 0.0).max(axis=0).min()
        for w in weights
    ]
    return float(max(depths, default=0.0))
