"""Nuclear norms by splitting: few iterations, where a ridge regression has a factorisation at hand.

The dual problem is to project y onto {nu : no singular value of A*(nu)_g exceeds beta}. With
S = A*(nu) as variables of their own, and the blocks Z as multipliers, the alternating direction
method of multipliers (Gabay and Mercier 1976; the steps are those of Boyd et al. 2011, section 3)
alternates a ridge regression for nu and singular value thresholding for S and Z, which is what
makes Z of low rank. Each iteration has a dual point nu that is nearly feasible, whereas residuals
of descent violate the constraint in many directions long after their objective has converged:
where a factorisation can be afforded, gaps of 1e-3 take tens of iterations and not hundreds.
"""

import numpy as np

from hidden_convexity.equivalences.nuclear_norm import Factors
from hidden_convexity.foundations.double_precision import TINY

# Iterations a round, after each of which the gap is evaluated; and rounds, after which descent has
# to finish. Measured: 15 to 200 iterations to gaps from 1e-3 to 1e-7.
ITERATIONS, ROUNDS = 5, 60
# Length of the multipliers' step, in units of the strength: convergence is proven below the golden
# ratio (Fortin and Glowinski 1983), and a third fewer iterations are needed than with 1.
STEP = 1.6
# The strength is changed where the two residuals differ by more than this, and at most tenfold.
# Each change costs a factorisation, so the waits in between grow, by half of what has passed.
UNBALANCED, CHANGE, WAIT = 5.0, 10.0, 1.5


def split(maps, y, beta):
    """Iterate, and give factors and a dual point after each round.

    Parameters
    ----------
    maps : GatedMaps
        Besides what `nuclear_norm.solve` asks for it has ``maps.apply(Z)``, A(Z) of a stack, and
        ``maps.resolvent(strength)``, the inverse of I + strength A A* as a function.
    y : (n, c) ndarray
    beta : float

    Yields
    ------
    factors : Factors
        Balanced, and orthogonal in each block.
    nu : (n, c) ndarray
    """
    if not maps.mean_eigenvalue > 0:  # squares of all that the gates let through have vanished
        return
    Z = S = np.zeros(maps.shape)
    # Of order one for the typical eigenvalue of A A*, in any unit of the data.
    strength, due = 1.0 / maps.mean_eigenvalue, 0.0
    inverse = maps.resolvent(strength)
    for rounds in range(1, ROUNDS + 1):
        for _ in range(ITERATIONS):
            nu = inverse(y - maps.apply(Z - strength * S))
            back = maps.adjoint(nu)
            left, values, right = np.linalg.svd(back + Z / strength, full_matrices=False)
            before, S = S, (left * np.minimum(values, beta)[:, None]) @ right
            apart = back - S
            Z = Z + STEP * strength * apart
        yield _factors(left, strength * np.maximum(values - beta, 0.0), right), nu
        with np.errstate(over="ignore"):  # infinite is as unbalanced as it gets
            balance = _relative(apart, S) / _relative(strength * (S - before), Z)
        if rounds >= due and not 1 / UNBALANCED < balance < UNBALANCED:
            strength *= np.clip(np.sqrt(balance), 1 / CHANGE, CHANGE)
            inverse, due = maps.resolvent(strength), WAIT * rounds + 1


def _relative(change, to):
    return max(np.linalg.norm(change), TINY) / max(np.linalg.norm(to), TINY)


def _factors(left, values, right):
    """The factors of a stack from its singular values, without those that are zero."""
    root = np.sqrt(values)[:, :, None]
    used = values > 0
    return Factors((left.swapaxes(1, 2) * root)[used], (right * root)[used], np.nonzero(used)[0])
