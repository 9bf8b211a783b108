"""skglm: the gated program as a group Lasso over the features D_g X, by block coordinate descent.

The features (n, G d) are made before the clock starts; ours never makes them. Its loss is ours
over n. It divides by the norm of each group, so gates that no sample switches on are left out.
"""

import numpy as np

from benchmarks.objective import Outcome

SETTINGS = (1e-5, 1e-7, 1e-9)
ITERATIONS, EPOCHS = 1_000, 100_000


def prepare(problem, case):
    from skglm.datafits import QuadraticGroup
    from skglm.penalties import WeightedGroupL2
    from skglm.solvers import GroupBCD
    from skglm.utils.data import grp_converter
    from skglm.utils.jit_compilation import compiled_clone

    X, masks = problem.X, problem.X @ problem.gates > 0
    gates = problem.gates[:, masks.any(axis=0)]
    masks = masks[:, masks.any(axis=0)]
    d, G = gates.shape
    features = np.asfortranarray((masks[:, :, None] * X[:, None, :]).reshape(len(X), G * d))
    indices, pointers = grp_converter(d, G * d)
    datafit = compiled_clone(QuadraticGroup(pointers, indices))
    penalty = compiled_clone(WeightedGroupL2(problem.beta / len(X), np.ones(G), pointers, indices))

    def train(tolerance):
        solver = GroupBCD(
            max_iter=ITERATIONS, max_epochs=EPOCHS, tol=tolerance, fit_intercept=False
        )
        return gates, solver.solve(features, problem.y, datafit, penalty)[0]

    return train


def run(problem, case, train, setting):
    return train(setting)


def outcome(problem, train, result, seconds):
    gates, weights = result
    weights = weights.reshape(gates.shape[1], -1)
    used = int(np.count_nonzero(weights.any(axis=1)))
    return Outcome(network=(gates, weights), numbers={"used": used})
