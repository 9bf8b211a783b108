"""pyscnn: the gated program by R-FISTA."""

import numpy as np

from benchmarks import scnn_training
from benchmarks.objective import Outcome

# Of the squared norm of its subgradient.
SETTINGS = (1e-6, 1e-8, 1e-10)


def prepare(problem, case):
    return None


def run(problem, case, state, setting):
    gates, beta = problem.gates, problem.beta
    return scnn_training.train(gates, problem.X, problem.y, beta, setting, cones=False)


def outcome(problem, state, model, seconds):
    # The gates of the returned model: it has dropped repeated patterns and the one without samples.
    gates, weights = np.asarray(model.G), np.asarray(model.parameters[0])[0]
    return Outcome(network=(gates, weights), numbers={"gates": gates.shape[1]})
