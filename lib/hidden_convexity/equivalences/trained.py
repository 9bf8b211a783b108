"""What a row's `train` returns, and what its solvers share: the bound, and the door."""

from dataclasses import dataclass, replace

from hidden_convexity import solvers
from hidden_convexity.equivalences import parts
from hidden_convexity.foundations.reach import OutOfReach
from hidden_convexity.foundations.validation import flag, positive_number
from hidden_convexity.problem.gap import format_gap, relative_gap
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers.solution import Solution


@dataclass(frozen=True, eq=False, repr=False)
class RowSolution(Solution):
    """A `Solution` whose network is one of a row of the table; it says its width by `width`."""

    def __repr__(self):
        return (
            f"{type(self.network).__name__}: objective {self.objective:.4g}, "
            f"{format_gap(self.gap)}, {self.scope}, width {self.network.width}"
        )


def options(tol, max_seconds, progress):
    """The arguments that all rows' `train` share, validated.

    Raises
    ------
    TypeError, ValueError
        If tol is not > 0, max_seconds neither None nor > 0, or progress not True or False.
    """
    if max_seconds is not None:
        max_seconds = positive_number(max_seconds, "max_seconds")
    return positive_number(tol, "tol"), max_seconds, flag(progress, "progress")


def lower_bound(y, nu, beta, maximum):
    """The dual value at s nu, with the best s >= 0 for which s M(nu) <= beta.

    A bound for every network that is a sum of atoms at a price of beta each, if `maximum` is an
    upper bound on M(nu), the largest product of nu with an atom. It is >= 0, as s = 0 is feasible.
    """
    if not (nu * nu).sum() > 0:
        return 0.0
    scale = LOSSES["squared"]().best_scale(y, nu)
    if maximum > 0:
        scale = min(scale, beta / maximum)
    return LOSSES["squared"]().dual_value(y, scale * nu)


def solution(network, objective, scope, found):
    """The `RowSolution` of a decoded network, its own objective, and what its solver found.

    Parameters
    ----------
    network : NamedTuple
    objective : float
        Of the network itself.
    scope : {"global", "searched", "sampled"}
    found : object
        With `lower_bound`, `history` and `interrupted`.

    Raises
    ------
    ContradictedProof
        If a proven bound is above the objective by more than rounding.
    """
    objective = float(objective)
    relative_gap(objective, found.lower_bound, proven=scope != "searched")
    bound = min(found.lower_bound, objective)
    return RowSolution(
        network, objective, bound, scope, found.history, "equivalence", found.interrupted
    )


def of_neurons(problem, decode, objective, tol, max_seconds, progress, proof=True):
    """The `RowSolution` of a row whose networks are those of a `TrainingProblem`, in other words.

    Parameters
    ----------
    problem : TrainingProblem
    decode : callable
        From the `ReLUNetwork` that is found to the row's network, which has its value.
    objective : callable
        Of the row's network.
    tol, max_seconds, progress, proof
        As in `hidden_convexity.train`.
    """
    tol, max_seconds, progress = options(tol, max_seconds, progress)
    asked = {"tol": tol, "max_seconds": max_seconds, "progress": progress, "proof": proof}
    try:
        found = solvers.train(problem, **asked)
    except OutOfReach as error:
        raise error.without("patterns") from None
    network, early = decode(found.network), found.interrupted or found.out_of_time
    found = replace(found, interrupted=early)
    return solution(network, objective(network), found.scope, found)


def train_neurons(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True, *, slope=0.0):
    """Train the network to a certified gap, by column generation; see `hidden_convexity.train`.

    Parameters
    ----------
    X : (n, d) array_like
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol : float
        Relative duality gap at which to stop, > 0. Below about 1e-9, double precision may end
        first; the solution's `gap` says what was reached.
    max_seconds : float, optional
        Time after which the best network so far is returned, `interrupted`, with its valid bound.
    progress : bool
        Show progress bars on stderr.
    proof : bool
        False: search for violators without proof, in any dimension; the scope is "searched".

    Returns
    -------
    RowSolution
        Of scope "global": any number of neurons.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds, or a proof is out of reach.
    """
    X, y, beta = parts.checked(X, y, beta)
    return of_neurons(
        TrainingProblem(X, y, beta, slope=slope),
        lambda found: parts.Neurons(found.hidden_weights, found.output_weights, slope),
        lambda network: parts.neurons_objective(network, X, y, beta),
        *(tol, max_seconds, progress, proof),
    )
