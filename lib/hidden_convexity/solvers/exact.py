"""Column generation: train to a certified global optimum, one batch of neurons at a time.

Training is a Lasso over the dictionary of all neurons { (Xu)_+ : ||u|| = 1 }. A dual oracle tells
which neurons violate the dual constraint |nu.(Xu)_+| <= beta, at nu = the residual of the current
network, minus the gradient of its loss. We add them, solve the convex program over the few neurons
met so far, and repeat. An upper bound on the maximum scales the residual to a dual feasible point,
and so proves a lower bound on the optimal value of every width. Searching is cheap and proving is
not: the proof is called when the search finds no violator any more.
"""

from time import perf_counter

import numpy as np

from hidden_convexity.network import ReLUNetwork
from hidden_convexity.problem import relative_gap
from hidden_convexity.progress import progress_bar
from hidden_convexity.solvers.solution import Solution, Step

# Neurons added a round. Fewer cost more rounds, more cost larger restricted problems: measured
# on 1-D data, n = 200 to 10^4, 10 is never far from the best of 3, 10 and 30.
BATCH = 10
# A violator strictly decreases the optimum; this many rounds without a decrease are the end of
# double precision.
PATIENCE = 3
# Descents that end in other places gain about this much, relative, whatever has entered: a program
# that is not solved precisely must gain more. It is also done when a search says so: violators
# within the tolerance would have to be removed by solving better than it can.
LEAST_GAIN = 1e-5
# Largest violation, relative to beta, below which the precision of the restricted solutions is
# what keeps the gap from closing.
POLISH_BELOW = 1e-3
# The proof may use this share of the tolerance; the rest is for the restricted solutions.
PROOF_SHARE = 0.5
# A first-order estimate of what a violation costs is of no use beyond this.
LARGEST_SLACK = 0.1
# What replacing close neurons by their sums may cost a round, as a share of the tolerance.
CONSOLIDATION_SHARE = 0.01


def solve(program, search, proof, tol, scope, directions=(), progress=False):
    """Minimise P over networks of every width whose neurons the oracles can see.

    Parameters
    ----------
    program : RestrictedProgram
        Of a problem with y of shape (n,): what lowers P over the neurons met so far.
    search : oracle
        Finds violators, every round.
    proof : oracle
        Bounds M(nu) when the search finds none or nothing helps any more; may be the same. If its
        bound is infinite, the largest value found takes its place, and the scope must be
        "searched".
    tol : float
        Relative duality gap to reach.
    scope : {"global", "searched", "sampled"}
        What the proof's maximum ranges over, and whether it is proven.
    directions : sequence of (d,) ndarray and sign
        Neurons to start from.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Solution
        Interrupted by the user, it is the best one so far with its valid bound.

    References
    ----------
    The dual is that of Pilanci and Ergen (2020), arXiv:2002.10553; column generation on it is the
    Frank-Wolfe method for measures of Bach (2017), fully corrective.
    """
    start = perf_counter()
    problem = program.problem
    neurons, best, objective, lower_bound, history = [], [], np.inf, 0.0, []
    stalled, interrupted, dual_point = 0, False, np.zeros_like(problem.y)
    bar = progress_bar(progress, desc="training", unit="round")
    try:
        if directions:
            neurons = program.solve([program.ray(*one) for one in directions])
        while True:
            outputs = program.outputs(neurons)
            residual = problem.loss_residual(outputs)
            value = program.objective(neurons, outputs)
            least_gain = 0.0 if program.precise else LEAST_GAIN
            stalled = 0 if value < (1 - least_gain) * objective else stalled + 1
            if value < objective:
                objective, best = value, neurons
            slack = _slack(tol, objective, neurons, problem.beta)
            known = np.reshape([one.weights for one in neurons], (-1, problem.X.shape[1]))
            asked = {"tolerance": PROOF_SHARE * slack, "level": problem.beta, "starts": known}
            found = search(residual, **asked)
            entering = _entering(found, neurons, problem.beta, slack)
            last = not entering or stalled == PATIENCE
            if not program.precise:
                searched = problem.dual_bound(residual, found.value)
                last |= relative_gap(objective, searched, proven=False) <= tol
            if last and proof is not search:
                found = proof(residual, **asked)
                entering = _entering(found, neurons, problem.beta, slack)
            maximum = found.value if scope == "searched" else found.bound
            if scope == "searched" and lower_bound > objective:
                lower_bound = 0.0  # an earlier search has missed a violator
            if scope != "searched" or last:
                bound = problem.dual_bound(residual, maximum)
                if bound > lower_bound:
                    lower_bound, dual_point = bound, problem.feasible_point(residual, maximum)
            history.append(Step(perf_counter() - start, objective, lower_bound, len(best)))
            gap = relative_gap(objective, lower_bound, scope != "searched")
            bar.set_postfix_str(f"gap {gap:.1e}", refresh=False)
            bar.update()
            # A proof that is worse than its tolerance has run out of its budget, and would again.
            reached = max(found.value, problem.beta)
            out_of_budget = not entering and maximum > (1 + slack) * reached
            if gap <= tol or out_of_budget or stalled == PATIENCE:
                break
            neurons = program.solve(neurons + [program.neuron(*one) for one in entering])
            neurons = program.consolidate(neurons, CONSOLIDATION_SHARE * tol * objective, value)
            if found.value <= (1 + POLISH_BELOW) * problem.beta:
                neurons = program.polish(neurons)
    except (KeyboardInterrupt, SystemError) as stopped:
        if not _by_the_user(stopped):
            raise
        interrupted = True
    finally:
        bar.close()
    network = decode(best, problem.X.shape[1])
    if len(network) > len(problem.X):
        network = network.prune(problem.X)
    objective = problem.objective(network)
    found = network, objective, lower_bound, scope, history, "exact", interrupted
    return Solution(*found, dual_point=dual_point)


def _by_the_user(error):
    """Whether Ctrl-C is behind it: compiled code wraps an interrupt in SystemErrors."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _slack(tol, objective, neurons, beta):
    """The relative violation M(nu) / beta - 1 that costs a relative gap of tol at the optimum.

    Scaling nu by s = beta / M loses (1 - s) nu.f(X) of the dual value to first order, and at the
    optimum nu.f(X) = beta sum ||u_j||.
    """
    penalty = beta * sum(float(np.linalg.norm(neuron.weights)) for neuron in neurons)
    slack = tol * max(objective / penalty, 1.0) if penalty > 0 else tol
    return min(slack, LARGEST_SLACK)


def _entering(found, neurons, beta, slack):
    """Up to BATCH violators (direction, sign), none of which is there already."""
    present = np.array([n.sign * n.direction for n in neurons if len(n.basis) == 1]).reshape(
        -1, found.directions.shape[1]
    )
    entering = []
    for direction, value in zip(found.directions, found.values, strict=True):
        if abs(value) <= (1 + PROOF_SHARE / 2 * slack) * beta or len(entering) == BATCH:
            break
        sign = np.sign(value)
        if not (np.abs(present - sign * direction).max(axis=1) < 1e-12).any():
            entering.append((direction, sign))
    return entering


def decode(neurons, d):
    """The network (||w|| = |a|) of the restricted problem's neurons."""
    weights = np.reshape([neuron.weights for neuron in neurons], (-1, d)).T
    positive = np.array([neuron.sign > 0 for neuron in neurons], dtype=bool)
    return ReLUNetwork.decode(weights[:, positive], weights[:, ~positive])
