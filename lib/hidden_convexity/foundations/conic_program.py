"""A conic program given to Clarabel directly, with the settings that all of them share.

Ours are small and are solved by the thousand: building each through a modelling layer would take
longer than solving it.
"""

import clarabel
from scipy import sparse


def solve(quadratic, cost, constraints, bounds, cones, tolerance=1e-8, regularization=1e-8):
    """Minimise 1/2 z'Qz + cost.z such that bounds - constraints z lies in the product of cones.

    Parameters
    ----------
    quadratic : (k, k) sparse matrix in CSC form, or None
        Upper triangle of Q; None is zero.
    cost : (k,) ndarray
    constraints : (m, k) sparse matrix in CSC form
    bounds : (m,) ndarray
    cones : list of Clarabel's cones
        In the order of the rows of the constraints.
    tolerance : float
        Of the duality gap, absolute and relative, and of feasibility.
    regularization : float
        Added to the diagonal of the linear systems, and taken out again by refinement.

    Returns
    -------
    clarabel.DefaultSolution
        With x, the dual variables z and a status. Where this matters, see `demand_solved`; a
        solution that is certified afterwards is good enough whatever its status.
    """
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    # One order of the sums, whatever the machine; and no start of threads for a small system.
    settings.max_threads = 1
    settings.static_regularization_constant = regularization
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    if quadratic is None:
        quadratic = sparse.csc_array((len(cost), len(cost)))
    return clarabel.DefaultSolver(quadratic, cost, constraints, bounds, cones, settings).solve()


def demand_solved(solution, remedy):
    """Raise RuntimeError, with the status and a remedy, unless Clarabel has solved the program."""
    if solution.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
        raise RuntimeError(f"Clarabel ended with status {solution.status}; {remedy}")
