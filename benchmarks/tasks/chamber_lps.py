"""Every chamber of the data by linear programs, added one hyperplane at a time (SciPy, HiGHS).

A chamber's witness tells on which side of a new hyperplane it is; one linear program tells whether
the chamber reaches the other side too. Opposite chambers come in pairs, of which one is followed.
"""

import numpy as np
from scipy.optimize import linprog

from benchmarks.tasks import enumeration

# The slack of a unit row below which a cone has no interior.
FLAT = 1e-9


def prepare(problem, case):
    return problem.X / np.linalg.norm(problem.X, axis=1, keepdims=True)


def run(problem, case, rows, setting):
    chambers = [(np.array([1.0]), rows[0])]
    for k in range(1, len(rows)):
        grown = []
        for signs, witness in chambers:
            side = 1.0 if rows[k] @ witness > 0 else -1.0
            grown.append((np.append(signs, side), witness))
            across = np.append(signs, -side)
            other = _inner_point(across[:, None] * rows[: k + 1])
            if other is not None:
                grown.append((across, other))
        chambers = grown
    return 2 * len(chambers)


def outcome(problem, rows, count, seconds):
    return enumeration.outcome(problem, rows, count, seconds)


def _inner_point(inward):
    """A point z of the unit box with the largest smallest slack t, inward z >= t, if t > 0."""
    d = inward.shape[1]
    found = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.column_stack([-inward, np.ones(len(inward))]),
        b_ub=np.zeros(len(inward)),
        bounds=[(-1, 1)] * d + [(None, None)],
    )
    return found.x[:d] if found.x[d] > FLAT else None
