"""pyscnn: the gated program by R-FISTA. See `pyscnn` for its conventions and traps."""

import numpy as np

from benchmarks.objective import Outcome

# Of the squared norm of its subgradient.
SETTINGS = (1e-6, 1e-8, 1e-10)
ITERATIONS = 1_000_000


def prepare(problem, case):
    from scnn.metrics import Metrics
    from scnn.models import ConvexGatedReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import RFISTA

    def train(tolerance):
        model = ConvexGatedReLU(problem.gates, c=1, bias=False)
        return optimize_model(
            model,
            RFISTA(model, tol=tolerance, max_iters=ITERATIONS),
            Metrics(),
            problem.X,
            problem.y[:, None],
            regularizer=NeuronGL1(problem.beta / len(problem.X)),
            return_convex=True,
            unitize_data=False,
            dtype="float64",
        )[0]

    return train


def run(problem, case, train, setting):
    return train(setting)


def outcome(problem, train, model, seconds):
    # The gates of the returned model: it has dropped repeated patterns and the one without samples.
    gates, weights = np.asarray(model.G), np.asarray(model.parameters[0])[0]
    return Outcome(network=(gates, weights), numbers={"gates": gates.shape[1]})
