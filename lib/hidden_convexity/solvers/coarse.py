"""Coarse starts: good directions learnt from a tenth of the samples, or of any that are drawn.

With many samples most rounds are then spent where a pass over the data is cheap. With few, the
first rounds are saved: at the zero network the dual sees little more than the trend of the targets,
one violator a round. Both are only directions to start from: nothing that is proven rests on them.
"""

import numpy as np

from hidden_convexity.oracle.ascent import drawn

# With fewer samples than this, a pass over the data costs too little to save any.
COARSEN_ABOVE = 5_000
COARSE_TOLERANCE = 1e-3
# Share of a budget of seconds that the start may take.
SHARE = 0.3
# Factor up to which the loss of no network has to be shared as the samples are: where few of them
# have all the weight, a part has too much of it or none, and its networks are of no use.
STANDS_FOR = 2.0
# Directions drawn where nothing else is known, to save a third of the rounds. Measured at d = 3 and
# n = 10 to 40, over 12 to 24 draws of data of a kind: with half as many, each under both signs,
# trainings take 2 to 14 % longer on average.
DRAWN = 24


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
    Solution or None
        None if the part does not stand for the whole.
    """
    n = len(problem.X)
    try:
        part = problem.of_samples(np.random.default_rng(0).permutation(n)[: n // 10])
    except ValueError:  # all that is large is elsewhere, and squares of the rest vanish
        return None
    whole, shared = (one.loss_value(np.zeros_like(one.y)) for one in (problem, part))
    if not whole / STANDS_FOR <= shared * (n / len(part.X)) <= whole * STANDS_FOR:
        return None
    return trainer_for(part)(part, max(tol, COARSE_TOLERANCE), budget.part(SHARE))


def drawn_start(program, layer):
    """Neurons to start from where chambers are listed: drawn in the row space.

    Each has the sign under which it lowers P from the zero network, if it lowers it at all. Not in
    the plane, where a round costs less than it saves, nor where ascents search: from them fewer
    neurons are known to ascend from, and proofs find what was missed.

    Parameters
    ----------
    program : RestrictedProgram, SharedProgram or HingeProgram
    layer : HiddenLayer

    Returns
    -------
    list of (d,) ndarray and sign
    """
    listed = layer.search is layer.last and program.X.shape[1] > 2
    if not listed or program.problem.y.ndim == 2:
        return []
    directions = drawn(program.X, DRAWN, np.random.default_rng(0))
    residual = program.residual(program.outputs([]))
    each = np.arange(len(directions))
    heights = program.passes.correlate(residual, directions, directions, each)
    return list(zip(directions, np.copysign(1.0, heights), strict=True))
