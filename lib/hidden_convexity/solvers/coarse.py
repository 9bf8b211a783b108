"""The coarse start: where good neurons are, learnt from a tenth of the samples.

With many samples most rounds are then spent where a pass over the data is cheap. Its neurons are
only directions to start from: nothing that is proven rests on them.
"""

import numpy as np

# With fewer samples than this, a pass over the data costs too little to save any.
COARSEN_ABOVE = 5_000
COARSE_TOLERANCE = 1e-3
# Share of a budget of seconds that the start may take.
SHARE = 0.3


def coarse_start(problem, tol, budget, trainer_for):
    """A searched solution of the same problem on random samples.

    Parameters
    ----------
    problem : TrainingProblem
    tol : float
        Of the training that this starts.
    budget : Budget
        Of that training.
    trainer_for : callable
        From a problem to a function of problem, tol and budget that trains without proof.

    Returns
    -------
    Solution
    """
    n = len(problem.X)
    part = problem.of_samples(np.random.default_rng(0).permutation(n)[: n // 10])
    return trainer_for(part)(part, max(tol, COARSE_TOLERANCE), budget.part(SHARE))
