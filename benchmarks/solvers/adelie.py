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
    matrix = adelie.matrix.convex_relu(X, masks, gated=True)
    train = group_lasso(matrix, problem, gates.shape[1])
    return lambda tolerance: (gates, train(tolerance))


def group_lasso(matrix, problem, groups):
    """What trains so many groups to a tolerance, within constraints if there are some."""
    import adelie

    n, d = problem.X.shape
    loss = adelie.glm.gaussian(problem.y)

    def train(tolerance, constraints=None):
        path = adelie.grpnet(
            matrix,
            loss,
            constraints=constraints,
            groups=np.arange(0, groups * d, d),
            penalty=np.ones(groups),
            lmda_path=[problem.beta / n],
            intercept=False,
            early_exit=False,
            adev_tol=0,
            ddev_tol=0,
            max_iters=ITERATIONS,
            tol=tolerance,
            progress_bar=False,
        )
        return path.betas

    return train


def run(problem, case, train, setting):
    return train(setting)


def outcome(problem, train, result, seconds):
    gates, betas = result
    weights = np.asarray(betas.todense())[-1].reshape(gates.shape[1], -1)
    used = int(np.count_nonzero(weights.any(axis=1)))
    return Outcome(network=(gates, weights), numbers={"used": used})
