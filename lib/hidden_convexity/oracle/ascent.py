"""The searching dual oracle: ascents from many starts, in any dimension, without a proof."""

from copy import copy

import numba
import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.foundations.validation import data_matrix, real_array, whole_number
from hidden_convexity.geometry.hyperplanes import row_lengths, row_space, unit_rows
from hidden_convexity.oracle.flats import TIGHT
from hidden_convexity.oracle.geodesic import ascend_each
from hidden_convexity.oracle.maximum import BLOCK, DualMaximum, attained, dual_point, heights
from hidden_convexity.oracle.threads import in_threads

# Maximisers this close are one: equal maximisers reached from two starts differ by rounding,
# amplified by the condition of their tight rows.
SAME_DIRECTION = 1e-9
# Starts times samples below which threads take longer to start than the ascents take.
LITTLE = 10_000
# Samples above which random starts are first ascended on a part of them, at most as many to one of
# it: there most of the way takes a tenth of the time, and several starts end where one goes on.
COARSEN_ABOVE, COARSER = 20_000, 10
# Shares of the samples above which a part saves nothing. Where the level asks for more, all local
# maxima of a part are those of its noise: on MNIST ascents from them missed violators of 0.3 beta.
LARGEST_PART = 0.3
# Sines of angles within which rows are near a direction, tried in turn.
REACHES = 0.03, 0.1, 0.3


class Ascent:
    """Search the maximum of |nu.(Xu)_+| over ||u|| <= 1 by ascents along great circles.

    Parameters
    ----------
    X : (n, d) array_like
        Data, one sample a row; zero, repeated, opposite and dependent rows are welcome.
    random_starts : int
        Random directions, the same at every call, from each of which +nu and -nu are ascended.
    rng : int, Generator or None
        Seed of the starts.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix or `random_starts` is not a whole number >= 0.

    Notes
    -----
    O(n d) time a step of an ascent, and O(n) memory for each of numba's threads.
    """

    def __init__(self, X, random_starts=32, rng=0):
        self.X = data_matrix(X)
        self.random_starts = whole_number(random_starts, "random_starts", minimum=0)
        norms = row_lengths(self.X)
        self._nonzero = np.flatnonzero(norms)
        columns, norms = np.ascontiguousarray(self.X[self._nonzero].T), norms[self._nonzero]
        self._rows, rng = (columns, norms, TIGHT * norms), np.random.default_rng(rng)
        self.random_directions = drawn(self.X, self.random_starts, rng)
        self._chances = rng.random(len(norms)) if len(norms) > COARSEN_ABOVE else None

    def __repr__(self):
        n, d = self.X.shape
        return f"Ascent(n={n}, d={d}, {self.random_starts} random starts)"

    def __call__(self, nu, tolerance=0.0, level=0.0, starts=None, stop=np.inf):
        """Local maximisers of |nu.(Xu)_+|, by decreasing value.

        Parameters
        ----------
        nu : (n,) array_like
            Dual point.
        tolerance, stop
            Part of the common signature; a search proves nothing.
        level : float
            Local maximisers with |value| <= level are left out, but never the best one.
        starts : (k, d) array_like or None
            Directions to ascend from as well, each under its own sign of nu.(Xu)_+.

        Returns
        -------
        DualMaximum
            Its bound is inf.
        """
        nu = dual_point(nu, self.X)
        given = unit_directions(starts, self.X)
        weights = nu[self._nonzero]
        signs = np.copysign(1.0, heights(self.X, nu, given))
        both = np.repeat([1.0, -1.0], len(self.random_directions))
        random = np.concatenate([self.random_directions, self.random_directions])
        if self._chances is None:
            starts = np.concatenate([signs, both]), np.concatenate([given, random])
            found = _climb(self._rows, weights, *starts)
        else:
            found = self._climb_many(weights, level, (signs, given), (both, random))
        directions, values = distinct_maxima(*found, level)
        return DualMaximum(attained(self.X, nu, directions[:1])[0], np.inf, directions, values)

    def from_given(self):
        """The search from given starts only, on the same memory.

        Returns
        -------
        Ascent
        """
        other = copy(self)
        other.random_starts, other.random_directions = 0, self.random_directions[:0]
        return other

    def _climb_many(self, weights, level, given, random):
        """Where ascents on many rows end, and the values; starts are signs and directions."""
        ends, values = self._climb_part(weights, level, *random)
        if len(ends):  # nothing of a part may be active from any start
            given = tuple(map(np.concatenate, zip(given, (np.sign(values), ends), strict=True)))
            random = tuple(array[:0] for array in random)
        parts = _climb_nearby(self._rows, weights, *given), _climb(self._rows, weights, *random)
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _climb_part(self, weights, level, signs, directions):
        """Where ascents on a part of the rows end, and the values there; none if it is too large.

        Rows are drawn by their share of S = sum |nu_i| ||x_i||, m of them, and weighted for the
        same expected sums. These have standard deviations of at most S / sqrt(m): m is so large
        that this is no more than the level.
        """
        if len(directions) == 0:
            return directions, signs
        columns, norms, floors = self._rows
        sizes = np.abs(weights) * norms
        total = float(sizes.sum()) or 1.0
        # A level that rounding of the sums exceeds asks for no more; its square may overflow.
        sharp = (total / max(level, EPS * total)) ** 2 if level > 0 else 0.0
        count = max(len(sizes) / COARSER, sharp)
        chances = np.minimum(sizes * (count / total), 1.0)
        part = np.flatnonzero(self._chances < chances)
        if len(part) > LARGEST_PART * len(sizes):
            return directions[:0], signs[:0]
        rows = np.ascontiguousarray(columns[:, part]), norms[part], floors[part]
        ends = _climb(rows, weights[part] / chances[part], signs, directions.copy())
        return distinct_maxima(*ends, 0.0)

    def allowance(self, nu):
        """Infinity: nothing is proven, so there is no bound that rounding could spoil."""
        dual_point(nu, self.X)
        return np.inf


def _climb(rows, weights, signs, directions):
    """Where ascents from directions (k, d), in place, end, and the values there."""
    # Every so many starts to a thread; the last ones are no slower than the first.
    shares = [slice(k, None, numba.get_num_threads()) for k in range(numba.get_num_threads())]
    values = np.zeros(len(directions))

    def climb(share):
        ascend_each(*rows, weights, signs[share], directions[share], values[share])

    in_threads(climb, shares, worthwhile=directions.size * len(weights) > LITTLE)
    return directions, values


def _climb_nearby(rows, weights, signs, directions):
    """The same with most ascents in their surroundings, where rows that are not near are linear.

    These are added up, to two rows whose sum is linear. What leaves its surroundings starts again
    in larger ones, and in the end on all rows.
    """
    columns, norms, _ = rows
    ends, values, left = directions.copy(), np.zeros(len(directions)), np.arange(len(directions))

    def climb(k, far, near):
        far = np.stack([far, -far], axis=1)[:, : 2 * far.any()]
        lengths = np.concatenate([norms[near], np.linalg.norm(far, axis=0)])
        local = np.concatenate([columns[:, near], far], axis=1), lengths, TIGHT * lengths
        signed = np.concatenate([weights[near], [1.0, -1.0][: far.shape[1]]])
        ascend_each(*local, signed, signs[k : k + 1], ends[k : k + 1], values[k : k + 1])

    for reach in REACHES:
        far, near = _surroundings(columns, norms, weights, directions[left], reach)
        if 2 * sum(map(len, near)) > len(near) * len(norms):
            break
        in_threads(climb, left, far, near)
        stays = (ends[left] * directions[left]).sum(axis=1) >= np.sqrt(1 - reach**2)
        left = left[~stays]
        ends[left] = directions[left]
        if len(left) == 0:
            break
    ends[left], values[left] = _climb(rows, weights, signs[left], ends[left])
    return ends, values


def _surroundings(columns, norms, weights, directions, reach):
    """For each direction (k, d) the sum of active rows that are not near it, and the near ones."""
    far, owners, near = np.zeros_like(directions), [], []
    step = max(BLOCK // max(len(directions), 1), 1)
    for start in range(0, len(norms), step):
        block = slice(start, start + step)
        products = directions @ columns[:, block]
        close = np.abs(products) <= reach * norms[block]
        far += ((products > 0) & ~close) @ (weights[block] * columns[:, block]).T
        owner, row = np.nonzero(close)
        owners.append(owner)
        near.append(start + row)
    owners, near = np.concatenate(owners), np.concatenate(near)
    ends = np.cumsum(np.bincount(owners, minlength=len(directions)))
    return far, np.split(near[np.argsort(owners, kind="stable")], ends[:-1])


def drawn(X, count, rng):
    """Directions (count, d) in the row space, every other one uniform after whitening the rows.

    A start outside the row space would only be led back into it. Whitened starts see badly scaled
    or correlated rows at even angles.
    """
    if count == 0 or (basis := row_space(X)).shape[1] == 0:
        return np.zeros((0, X.shape[1]))
    gauss = rng.standard_normal((count, basis.shape[1]))
    X = X / np.abs(X).max()
    covariance = basis.T @ (X.T @ X) @ basis
    spread, axes = np.linalg.eigh(covariance / np.abs(covariance).max())
    whitened = axes / np.sqrt(np.maximum(spread, EPS))
    gauss[::2] = gauss[::2] @ whitened.T
    return unit_rows(gauss @ basis.T)


def distinct_maxima(directions, values, level):
    """Sort by |value|, drop zeros and what `level` does not need, keep one of equal directions."""
    order = np.argsort(-np.abs(values), kind="stable")
    needed = np.abs(values[order]) > level
    needed[:1] = values[order[:1]] != 0.0
    order = order[needed]
    kept = order[_first_of_equal(directions[order], np.sign(values[order]))]
    return directions[kept], values[kept]


@njit(cache=True, nogil=True)
def _first_of_equal(directions, signs):
    """Which directions (k, d) are not within SAME_DIRECTION of a kept one of the same sign."""
    kept = np.ones(len(directions), dtype=np.bool_)
    for i in range(len(directions)):
        for j in range(i):
            if kept[j] and signs[i] == signs[j]:
                apart = 0.0
                for k in range(directions.shape[1]):
                    apart += (directions[i, k] - directions[j, k]) ** 2
                if apart < SAME_DIRECTION**2:
                    kept[i] = False
                    break
    return kept


def unit_directions(starts, X):
    """The caller's starts (k, d) or None as unit directions, zero ones left out."""
    if starts is None:
        return np.zeros((0, X.shape[1]))
    starts = real_array(starts, "starts", ndim=2)
    if starts.shape[1] != X.shape[1]:
        raise ValueError(
            f"starts must have one column per column of X: {X.shape[1]}, got {starts.shape}"
        )
    return unit_rows(starts[starts.any(axis=1)])
