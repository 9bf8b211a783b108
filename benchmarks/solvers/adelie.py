"""adelie (Yang and Hastie): the gated program as a group Lasso over a matrix of its own, in C++.

Its `convex_relu` makes the features on the fly, as ours does. Its loss is ours over n. Gates
that no sample switches on have no features and are left out.
"""

import numpy as np

from benchmarks.objective import Outcome

SETTINGS = (1e-9, 1e-11, 1e-13)
ITERATIONS = 10_000_000


def prepare(problem, case):
    import adelie

    X, masks = np.asfortranarray(problem.X), problem.X @ problem.gates > 0
    used = masks.any(axis=0)
    gates, masks = problem.gates[:, used], np.asfortranarray(masks[:, used])
    d, G = gates.shape
    matrix = adelie.matrix.convex_relu(X, masks, gated=True)
    loss = adelie.glm.gaussian(problem.y)

    def train(tolerance):
        path = adelie.grpnet(
            matrix,
            loss,
            groups=np.arange(0, G * d, d),
            penalty=np.ones(G),
            lmda_path=[problem.beta / len(X)],
            intercept=False,
            early_exit=False,
            adev_tol=0,
            ddev_tol=0,
            max_iters=ITERATIONS,
            tol=tolerance,
            progress_bar=False,
        )
        return gates, path.betas

    return train


def run(problem, case, train, setting):
    return train(setting)


def outcome(problem, train, result, seconds):
    gates, betas = result
    weights = np.asarray(betas.todense())[-1].reshape(gates.shape[1], -1)
    used = int(np.count_nonzero(weights.any(axis=1)))
    return Outcome(network=(gates, weights), numbers={"used": used})
