"""What a row's `train` returns, and what its solvers share: the bound, and the door."""

from dataclasses import dataclass

from hidden_convexity.foundations.validation import flag, positive_number
from hidden_convexity.problem.gap import format_gap
from hidden_convexity.problem.losses import LOSSES
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
    scale = LOSSES["squared"].best_scale(y, nu)
    if maximum > 0:
        scale = min(scale, beta / maximum)
    return LOSSES["squared"].dual_value(y, scale * nu)


def solution(network, objective, scope, found):
    """The `RowSolution` of a decoded network, its own objective, and what its solver found.

    Parameters
    ----------
    network : NamedTuple
    objective : float
        Of the network itself.
    scope : {"global", "sampled"}
    found : object
        With `lower_bound`, `history` and `interrupted`.
    """
    objective = float(objective)
    bound = min(found.lower_bound, objective)
    return RowSolution(
        network, objective, bound, scope, found.history, "equivalence", found.interrupted
    )
