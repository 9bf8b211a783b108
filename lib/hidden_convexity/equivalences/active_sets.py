"""All sets of samples that a threshold neuron can switch on, and the sums of nu over them.

A neuron of direction w is active on the samples with x.w >= 0, walls included. In the plane a
sample is active on a half circle of directions, and one sort of the ends of these gives every
active set, with its sum. In space each active set is that of an edge of the arrangement, or of the
chamber on one side of an edge, or of a ray; edges and rays lie on the planes orthogonal to a
sample: one sweep for each. What is active on both sides of an edge is active on it, too, and next
to it the samples parallel to the plane's normal are lost on one side.

A wall is as thick as rounding demands: `wall`. Where the samples on one do not depend on each other
exactly, they leave room for active sets that are not listed. These differ from a listed one in such
samples only, and `ActiveSets.allowance` adds what they may make of a sum.
"""

import numpy as np

from hidden_convexity.equivalences.dependence import IndexSets, rank_exceeds
from hidden_convexity.foundations.double_precision import EPS
from hidden_convexity.geometry.hyperplanes import unit_rows

# Directions that a search in space returns, those of the largest sums: more than enter in a round.
RETURNED = 50
# On a plane orthogonal to a sample, the angles of others are right to some eps over their distance
# from its line: not to a hundredth of a wall any more where that is less than this.
CLOSE = 1e-4


class ActiveSets:
    """Sums of nu over the active sets of all directions, for data of rank 3 at most.

    Parameters
    ----------
    X : (n, d) ndarray
    wall : float
        A sample this close to a hyperplane, relative to both lengths, is on it.

    Attributes
    ----------
    rank : int
        Of the samples' directions, up to `wall`. Above three nothing is searched.
    complete : bool
        Whether the active sets are all there are, but for those of which `allowance` knows. They
        are not where the rank is higher exactly, so that directions in which X is nearly 0 tell
        samples apart; nor in space, where three planes are nearly parallel and not exactly so.
    """

    def __init__(self, X, wall):
        units = unit_rows(X)
        _, values, axes = np.linalg.svd(units, full_matrices=False)
        self._basis = axes[values > wall * values.max()].T
        self._units, self._wall, self._X = units @ self._basis, wall, X
        self.rank = self._basis.shape[1]
        self._circle = _Sweep(self._units, wall) if self.rank == 2 else None
        known = self.rank in X.shape
        self.complete = known or (self.rank <= 3 and not rank_exceeds(X, self.rank))
        self._at, blurred, tilted = self._unlisted()
        self._blurred, self._tilted = IndexSets(blurred), IndexSets(tilted)

    def allowance(self, nu):
        """What the largest absolute sum of all active sets may be above the largest of `self(nu)`.

        Rounding is that of three sums of n terms, in any order, and of the differences of these.
        """
        sizes = np.abs(nu)
        rounding = 3 * len(nu) * EPS * float(sizes.sum())
        unlisted = self._blurred.sums(sizes)
        if self.rank == 2 and len(unlisted):
            listed = np.abs(self._circle.sums(nu))
            unlisted = unlisted + listed[self._at] - listed.max()
        return rounding + unlisted.max(initial=0.0) + self._tilted.sums(sizes).max(initial=0.0)

    def _unlisted(self):
        """Sets of samples which, near some directions, may be active or not in any combination.

        Returns
        -------
        at : list of int
            In a plane, the active set near which each of the next is, in the order of the sweep.
        blurred : list of (k,) ndarray of int
            In a plane, the samples of a wall that are not parallel. In space, on a plane orthogonal
            to a sample, those of a wall which share no line with it.
        tilted : list of (k,) ndarray of int
            In space, the samples that are nearly parallel to one, and not exactly so.
        """
        at, blurred, tilted, nonzero = [], [], [], self._units.any(axis=1)
        for place, wall in self._circle.walls(2) if self.rank == 2 else []:
            if rank_exceeds(self._X[wall], 1):
                at.append(place)
                blurred.append(wall)
        for i in np.flatnonzero(nonzero) if self.rank == 3 else []:
            points = self._units @ _plane(self._units[i])
            close = np.flatnonzero(nonzero & (np.linalg.norm(points, axis=1) <= CLOSE))
            if rank_exceeds(self._X[close], 1):
                tilted.append(close)
                self.complete &= not rank_exceeds(self._X[close], 2)
            else:
                close = np.array([i])
            for _, wall in _Sweep(points, self._wall).walls(2):
                wall = np.union1d(wall, close)
                if rank_exceeds(self._X[wall], 2):
                    blurred.append(wall)
        return at, blurred, tilted

    def __call__(self, nu):
        """Directions (q, d) and the sums of nu (n,) over the samples active on each, (q,).

        The largest absolute sum of all active sets is among them.
        """
        if self.rank == 2:
            directions, sums = _on_circle(self._circle.angles), self._circle.sums(nu)
        elif self.rank == 3:
            directions, sums = self._in_space(nu)
        else:
            directions = np.array([[1.0], [-1.0]])[:, : self.rank]
            sums = np.array([nu @ (self._units @ one >= 0) for one in directions])
        directions = np.concatenate([directions, np.zeros((1, self.rank))])
        return directions @ self._basis.T, np.append(sums, nu.sum())

    def _in_space(self, nu):
        planes = self._units[np.abs(self._units).max(axis=1) > 0]
        largest = [self._along(unit, nu) for unit in planes]
        sums = np.array([found[0] for found in largest])
        first = np.argsort(-np.abs(sums), kind="stable")[:RETURNED]
        directions = [self._direction(planes[i], *largest[i][1:]) for i in first]
        return np.array(directions), sums[first]

    def _along(self, unit, nu):
        """The largest absolute sum on the plane orthogonal to `unit`, and next to its edges.

        Returns
        -------
        sum, angle, side : float
            Where: on the plane, or on one side of it.
        """
        sweep = _Sweep(self._units @ _plane(unit), self._wall)
        on_plane, heights = sweep.sums(nu), self._units[sweep.everywhere] @ unit
        weights, found = nu[sweep.everywhere], []
        for side in (0.0, 1.0, -1.0):
            cells = np.arange(len(on_plane)) if side == 0 else sweep.edges
            if len(cells):
                sums = on_plane[cells] - weights[side * heights < 0].sum()
                k = np.abs(sums).argmax()
                found.append((float(sums[k]), sweep.angles[cells[k]], side))
        return max(found, key=lambda one: abs(one[0]))

    def _direction(self, unit, angle, side):
        on_plane = _plane(unit) @ _on_circle(angle)
        distance = np.abs(self._units @ on_plane)
        off = distance[distance > self._wall].min(initial=1.0)
        return on_plane + 0.5 * side * off * unit


class _Sweep:
    """All directions in the plane, in turn, on samples (m, 2) of lengths up to one.

    Attributes
    ----------
    angles : (q,) ndarray
        A direction for each active set, in the order of the sweep: on a wall, then behind it, ...
    edges : (k,) ndarray of int
        Those on no wall but of samples `everywhere`, (m,) of bool: of length zero here.
    """

    def __init__(self, points, wall):
        self.everywhere = np.linalg.norm(points, axis=1) <= wall
        moving = np.flatnonzero(~self.everywhere)
        if len(moving) == 0:
            self.angles, self.edges, self._row = np.zeros(1), np.zeros(1, dtype=int), moving
            return
        centre = np.arctan2(points[moving, 1], points[moving, 0])
        ends = np.concatenate([centre - np.pi / 2, centre + np.pi / 2]) % (2 * np.pi)
        order = np.argsort(ends)
        ends = ends[order]
        # From behind the widest gap on, so that no wall is cut in two.
        gaps = np.diff(ends, append=ends[0] + 2 * np.pi)
        turn = gaps.argmax() + 1
        order, gaps = np.roll(order, -turn), np.roll(gaps, -turn)
        ends = np.concatenate([ends[turn:], ends[:turn] + 2 * np.pi])
        self._row, self._on = moving[order % len(moving)], order < len(moving)
        # Ends that rounding alone tells apart are one wall.
        self._walls = np.flatnonzero(gaps > wall)
        last = ends[self._walls]
        first = ends[np.append(0, self._walls[:-1] + 1)]
        behind = (last + np.append(first[1:], first[0] + 2 * np.pi)) / 2
        self.angles = np.stack([(first + last) / 2, behind], axis=1).ravel()
        self.edges = np.arange(1, len(self.angles), 2)
        away = np.abs((behind[-1] - centre + np.pi) % (2 * np.pi) - np.pi)
        self._last = np.concatenate([moving[away < np.pi / 2], np.flatnonzero(self.everywhere)])

    def walls(self, least):
        """The place in the sweep and the samples (k,), `everywhere` apart, of walls of so many."""
        ends = np.append(-1, self._walls) + 1 if len(self._row) else np.zeros(1, dtype=int)
        large = np.flatnonzero(np.diff(ends) >= least)
        return [(2 * k, self._row[ends[k] : ends[k + 1]]) for k in large]

    def sums(self, nu):
        """The sums (q,) of nu (m,) over the active samples."""
        if len(self._row) == 0:
            return np.array([nu.sum()])
        values = nu[self._row]
        entered = np.cumsum(np.where(self._on, values, 0.0))[self._walls]
        left = np.cumsum(np.where(self._on, 0.0, values))[self._walls]
        on_wall = entered - np.append(0.0, left[:-1])
        return nu[self._last].sum() + np.stack([on_wall, entered - left], axis=1).ravel()


def _plane(unit):
    """An orthonormal basis (3, 2) of the plane orthogonal to a unit vector."""
    return np.linalg.svd(unit[None])[2][1:].T


def _on_circle(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)
