"""A budget of seconds that all that a call does shares: search, proof, the parts of a path."""

import time

import numpy as np

# Seconds that are left, at least, to a part that comes when all is spent: each ends after its first
# step, with a valid bound, and so says by itself that it ran out of time.
SHORTEST = 1e-3


class Budget:
    """Seconds from now on, or no limit.

    Parameters
    ----------
    seconds : float or None
        None: no limit.
    """

    def __init__(self, seconds=None):
        self._end = np.inf if seconds is None else time.monotonic() + seconds

    @property
    def limited(self):
        return self._end < np.inf

    @property
    def left(self):
        """Seconds left, infinity if there is no limit, never below 0."""
        return max(self._end - time.monotonic(), 0.0)

    @property
    def spent(self):
        return self.left == 0.0

    @property
    def seconds(self):
        """What is left, as the argument `max_seconds` of a call: None if there is no limit."""
        return max(self.left, SHORTEST) if self.limited else None

    def part(self, share):
        """A share of what is left, for one of several things to do."""
        return Budget(share * self.left) if self.limited else self


def limit_seconds(oracle, budget):
    """Give the next call of an oracle what is left of a budget, if it keeps to one at all.

    Branch and bound does, and has a limit of its own for a call where there is no budget.
    """
    if budget.limited and hasattr(oracle, "max_seconds"):
        oracle.max_seconds = budget.seconds
