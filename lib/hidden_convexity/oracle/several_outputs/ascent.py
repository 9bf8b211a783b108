"""The searching oracle for several outputs: ascents in u and in the output direction, in turn."""

from copy import copy

import numpy as np

from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.oracle.ascent import Ascent, distinct_maxima, drawn, unit_directions
from hidden_convexity.oracle.maximum import DualMaximum, attained, dual_matrix

# Steps u <- X'DNq of all starts at once: most of the way up, for three matrix products each.
STEPS = 12
# Starts, the best ones that are further apart than this, which go on to the exact ascents; and at
# most so many of these each.
BEST, APART, ALTERNATIONS = 16, 1e-2, 20
# Relative gain of an alternation below which a start has arrived.
ARRIVED = 1e-10
# Entries of the largest temporary block: 16 MB of float64.
BLOCK = 2_000_000


class VectorAscent:
    """Search the maximum of ||N'(Xu)_+|| over ||u|| <= 1 by ascents from many starts.

    For a fixed unit q, q'N'(Xu)_+ is the function of one output with nu = Nq: `Ascent` climbs it
    to a local maximum, walls included, and the best q at the new u is N'(Xu)_+ normalised. Neither
    step goes down.

    Parameters
    ----------
    X, random_starts, rng
        As for `Ascent`.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix or `random_starts` is not a whole number >= 0.
    """

    def __init__(self, X, random_starts=64, rng=0):
        starts = whole_number(random_starts, "random_starts", minimum=0)
        self.one_output = Ascent(X, 0)
        self.X = self.one_output.X
        self._starts = drawn(self.X, starts, np.random.default_rng(rng))

    def __repr__(self):
        n, d = self.X.shape
        return f"VectorAscent(n={n}, d={d}, {len(self._starts)} random starts)"

    def __call__(self, N, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """Local maximisers of ||N'(Xu)_+||, by decreasing value.

        Parameters
        ----------
        N : (n, c) array_like
            Dual point.
        tolerance, level, stop
            As for `Ascent`.
        starts : (k, d) array_like or None
            Directions to ascend from as well; all of them go on to the exact ascents.

        Returns
        -------
        DualMaximum
            Its bound is inf.
        """
        N = dual_matrix(N, self.X)
        given = unit_directions(starts, self.X)
        climbed = self._climb(N, self._starts)
        heights = np.linalg.norm(self.vectors(N, climbed), axis=1)
        best = _apart(climbed[np.argsort(-heights, kind="stable")])
        ends = [self._alternate(N, u) for u in np.concatenate([given, best])]
        directions = np.reshape([u for u, _ in ends], (-1, self.X.shape[1]))
        found = distinct_maxima(directions, np.array([value for _, value in ends]), level)
        return DualMaximum(attained(self.X, N, found[0][:1])[0], np.inf, *found)

    def from_given(self):
        """The search from given starts only, on the same memory.

        Returns
        -------
        VectorAscent
        """
        other = copy(self)
        other._starts = self._starts[:0]
        return other

    def allowance(self, N):
        """Infinity: nothing is proven, so there is no bound that rounding could spoil."""
        dual_matrix(N, self.X)
        return np.inf

    def vectors(self, N, directions):
        """N'(Xu)_+ for each direction (k, d): (k, c)."""
        vectors = np.zeros((len(directions), N.shape[1]))
        for block in self._blocks(len(directions)):
            vectors += np.maximum(self.X[block] @ directions.T, 0.0).T @ N[block]
        return vectors

    def _blocks(self, width):
        step = max(BLOCK // max(width, 1), 1)
        return (slice(start, start + step) for start in range(0, len(self.X), step))

    def _climb(self, N, directions):
        """All directions after some steps u <- X'DNq, each kept where it is higher."""
        directions, highest = directions.copy(), np.full(len(directions), -np.inf)
        moved = directions
        for _ in range(STEPS):
            vectors = self.vectors(N, moved)
            heights = np.linalg.norm(vectors, axis=1)
            higher = heights > highest
            directions[higher], highest[higher] = moved[higher], heights[higher]
            q = vectors / np.where(heights > 0, heights, 1.0)[:, None]
            gradients = np.zeros_like(moved)
            for block in self._blocks(len(moved)):
                active = (self.X[block] @ moved.T > 0) * (N[block] @ q.T)
                gradients += active.T @ self.X[block]
            sizes = np.linalg.norm(gradients, axis=1, keepdims=True)
            moved = np.where(sizes > 0, gradients, moved)
            moved = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return directions

    def _alternate(self, N, u):
        """A local maximiser of both steps above u, and its value."""
        vector = self.vectors(N, u[None])[0]
        value = float(np.linalg.norm(vector))
        for _ in range(ALTERNATIONS):
            if value == 0.0:
                break
            found = self.one_output(N @ (vector / value), starts=u[None])
            if len(found.values) == 0 or found.values[0] <= 0:
                break
            vector = self.vectors(N, found.directions[:1])[0]
            higher = float(np.linalg.norm(vector))
            if higher <= value * (1 + ARRIVED):
                break
            u, value = found.directions[0], higher
        return u, value


def _apart(directions):
    """The first few of some unit directions, leaving out those close to an earlier one."""
    chosen = directions[:0]
    for u in directions:
        if len(chosen) == BEST:
            break
        if not (np.linalg.norm(chosen - u, axis=1) < APART).any():
            chosen = np.concatenate([chosen, u[None]])
    return chosen
