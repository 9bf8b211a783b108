"""What a row's `train` returns, and what its solvers share: the bound, and the door."""

from dataclasses import dataclass

import numpy as np

from hidden_convexity import solvers
from hidden_convexity.equivalences import parts
from hidden_convexity.foundations.double_precision import TINY, UNIT_ROUNDOFF
from hidden_convexity.foundations.reach import OutOfReach
from hidden_convexity.foundations.validation import flag, positive_number
from hidden_convexity.problem.duality import SAFE
from hidden_convexity.problem.gap import format_gap, relative_gap
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers.solution import Solution


@dataclass(frozen=True, eq=False, repr=False)
class RowSolution(Solution):
    """A `Solution` whose network is one of a row of the table; it says its width by `width`.

    Attributes
    ----------
    equivalent : Solution or None
        What the network was decoded from, where the row is a `TrainingProblem` or a
        `ParallelProblem` in other words: the same value and the same bound. Its problem, and its
        dual point, are those of the row, too.
    """

    equivalent: Solution | None = None

    def save(self, path, tol=None, data=True):
        """Write `equivalent`, as `Solution.save` does: network, bound and proof for the checker.

        Raises
        ------
        ValueError
            If there is none, since the checker knows no proof for the row; or as `Solution.save`.
        """
        if self.equivalent is None:
            kind = type(self.network).__name__
            raise ValueError(
                f"a {kind} can't be saved with a proof: the checker knows none for the dual "
                "constraint of its row, only for ReLU networks and those of one variable; keep its "
                "arrays by numpy.savez(path, **solution.network._asdict())"
            )
        self.equivalent.save(path, tol, data)

    def __repr__(self):
        return (
            f"{type(self.network).__name__}: objective {self.objective:.4g}, "
            f"{format_gap(self.gap)}, {self.scope}, width {self.network.width}"
        )


def options(tol, max_seconds, progress, proof):
    """What the `train` of every row takes besides the data, validated.

    Parameters
    ----------
    tol : float
        Relative duality gap at which to stop, > 0. Below about 1e-8, double precision may end
        first; the solution's `gap` says what was reached.
    max_seconds : float or None
        Time after which the best network so far is returned, `out_of_time`, with its valid bound.
    progress : bool
        Show progress bars on stderr.
    proof : bool
        False: where neurons are met by search, search without proof, in any dimension; the scope
        is "searched". Without effect where the proof is part of each round, or not known.

    Raises
    ------
    TypeError, ValueError
        If tol is not > 0, max_seconds neither None nor > 0, or a flag not True or False.
    """
    if max_seconds is not None:
        max_seconds = positive_number(max_seconds, "max_seconds")
    flags = flag(progress, "progress"), flag(proof, "proof")
    return positive_number(tol, "tol"), max_seconds, *flags


def rounding(steps, sizes, factors=1.0):
    """What rounding may add to a vector of sums, in norm.

    Parameters
    ----------
    steps : int
        Roundings that a term of a sum passes at most, in any order of the additions.
    sizes : float
        Norm of the sums of the terms' absolute values.
    factors : float
        What a product that underflows may be multiplied by on its way, summed over the sums.

    Notes
    -----
    gamma_k = k u / (1 - k u) of Higham (2002), section 3.1, for two steps more: for the rounding
    of `sizes` itself, and for that of the entries of the dual point, where it is scaled.
    """
    share = (steps + 2) * UNIT_ROUNDOFF
    return share / (1 - share) * float(sizes) + (steps + 2) * TINY * (1.0 + float(factors))


def norm(array):
    """The norm of all entries, squares of which may vanish or overflow."""
    largest = float(np.abs(array).max(initial=0.0))
    return largest * float(np.linalg.norm(array / largest)) if 0 < largest < np.inf else largest


def lower_bound(y, nu, beta, maximum):
    """The dual value at s nu, with the best s >= 0 for which s M(nu) <= beta, and that point.

    A bound for every network that is a sum of atoms at a price of beta each, if `maximum` is an
    upper bound on M(nu), the largest product of nu with an atom. It is >= 0, as s = 0 is feasible.
    Rounding is on its side: s is a little smaller, and the value lowered by what it may have added.
    """
    if not maximum < np.inf:
        return 0.0, 0.0 * y
    loss = LOSSES["squared"]()
    scale = loss.best_scale(y, nu)
    if maximum > 0:
        scale = min(scale, SAFE * beta / maximum)
    value = loss.dual_value(y, nu, scale)
    return (value, scale * nu) if value > 0 else (0.0, 0.0 * y)


def solution(network, objective, scope, found, equivalent=None):
    """The `RowSolution` of a decoded network, its own objective, and what its solver found.

    Parameters
    ----------
    network : NamedTuple
    objective : float
        Of the network itself.
    scope : {"global", "searched", "sampled"}
    found : object
        With `lower_bound`, `dual_point`, `history`, `interrupted` and `out_of_time`.
    equivalent : Solution, optional
        See `RowSolution`.

    Raises
    ------
    ContradictedProof
        If a proven bound is above the objective by more than rounding.
    """
    objective = float(objective)
    relative_gap(objective, found.lower_bound, proven=scope != "searched")
    bound = min(found.lower_bound, objective)
    ended = "equivalence", found.interrupted, found.out_of_time
    known = getattr(equivalent, "problem", None), found.dual_point, equivalent
    return RowSolution(network, objective, bound, scope, found.history, *ended, *known)


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
        As in `options`.
    """
    tol, max_seconds, progress, proof = options(tol, max_seconds, progress, proof)
    asked = {"tol": tol, "max_seconds": max_seconds, "progress": progress, "proof": proof}
    try:
        found = solvers.train(problem, **asked)
    except OutOfReach as error:
        raise error.without("patterns") from None
    network = decode(found.network)
    return solution(network, objective(network), found.scope, found, found)


def train_neurons(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True, *, slope=0.0):
    """Train the network to a certified gap, by column generation; see `hidden_convexity.train`.

    Parameters
    ----------
    X : (n, d) array_like
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `options`.

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
