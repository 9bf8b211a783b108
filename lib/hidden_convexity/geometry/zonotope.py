"""Zonotopes: the polytope whose vertices are the activation patterns of data.

The rows x_i of X span Z(X) = {sum_i lambda_i x_i : 0 <= lambda_i <= 1}. Its support function is a
sum of ReLUs, h_Z(u) = sum_i (x_i.u)_+, so the vertex that a direction u picks out is the sum of the
rows that u activates: vertices are chambers, and a chamber's closure is its vertex's normal cone.
"""

from functools import cached_property
from itertools import combinations, islice

import numpy as np
import scipy

from hidden_convexity.foundations.read_only import ReadOnlyArrays
from hidden_convexity.foundations.validation import real_array, whole_number
from hidden_convexity.geometry import faces
from hidden_convexity.geometry.arrangement import Arrangement, TooManyChambers
from hidden_convexity.geometry.hyperplanes import CHUNK, distinct_lines, row_space, unit_rows

# A point this far outside a facet, relative to the sum of the rows' lengths, is on it: the
# rounding of a sum over the rows.
ON_FACET = 1e-12
# Faces are polygons, and can be drawn, up to this dimension.
DRAWABLE = 3


class Zonotope(ReadOnlyArrays):
    """The zonotope Z(X) = {sum_i lambda_i x_i : 0 <= lambda_i <= 1} of the rows x_i of X.

    Parameters
    ----------
    X : (n, d) array_like
        Rows that span the zonotope, of any rank. Zero rows add nothing, parallel rows add up, and
        a row with opposite sign moves the zonotope by a translation.
    max_chambers : int
        Largest number of vertices to hold.

    Attributes
    ----------
    arrangement : Arrangement
        The chambers of the rows: one for each vertex, in the same order.
    vertices : (G, d) ndarray
        z_g = X^T D_g 1, the sum of the rows that are active in chamber g.
    generators : (m, d) ndarray
        One for each line that rows span, as long as the edges parallel to it.
    rank : int
        Dimension of the zonotope.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real matrix.
    TooManyChambers
        If there may be more than `max_chambers` vertices.

    References
    ----------
    Ziegler (1995), *Lectures on Polytopes*, chapter 7. Zeger and Pilanci (2026),
    arXiv:2603.23831, figures 2 and 3.

    Theory: zonotope-vertices.
    """

    def __init__(self, X, max_chambers=100_000):
        try:
            self.arrangement = Arrangement.enumerate(X, max_chambers)
        except TooManyChambers as error:
            raise error.without("sample") from None
        self.X = self.arrangement.X
        d = self.X.shape[1]
        self.rank = self.arrangement.rank
        self.vertices = self.patterns.T @ self.X

        unit = unit_rows(self.X)
        nonzero = np.flatnonzero(unit.any(axis=1))
        first, line, flipped = distinct_lines(unit[nonzero])
        self.generators = np.zeros((len(first), d))
        along = np.where(flipped[:, None], -self.X[nonzero], self.X[nonzero])
        np.add.at(self.generators, line, along)
        for array in (self.X, self.vertices, self.generators):
            array.setflags(write=False)
        self._sides = self.patterns[nonzero[first]]  # (m, G) bool: side of each line's hyperplane
        # The identity where it can be: no rounding, and polygons keep their sense of rotation.
        self._basis = np.eye(d) if self.rank == d else row_space(self.generators)

    @property
    def patterns(self):
        """(n, G) bool: the rows whose sum is each vertex, which are those active in its chamber."""
        return self.arrangement.patterns

    @property
    def centre(self):
        """(d,) the point about which the zonotope is symmetric: half the sum of all rows."""
        return self.X.sum(axis=0) / 2

    def __len__(self):
        return len(self.vertices)

    def __repr__(self):
        plural = "vertex" if len(self) == 1 else "vertices"
        return f"Zonotope(n={len(self.X)}, rank={self.rank}, {len(self)} {plural})"

    def __add__(self, other):
        """Minkowski sum {p + q : p in self, q in other}: the zonotope of the rows of both."""
        if not isinstance(other, Zonotope):
            return NotImplemented
        return Zonotope(np.vstack([self.X, self._points(other.X, "X of the other zonotope")[0]]))

    def support(self, U):
        """Support function h_Z(u) = max over z in Z of z.u = sum_i (x_i.u)_+.

        Parameters
        ----------
        U : (k, d) or (d,) array_like
            Directions, one a row, of any length.

        Returns
        -------
        (k,) ndarray or float
        """
        U, one = self._points(U, "U")
        values = np.maximum(U @ self.X.T, 0.0).sum(axis=1)
        return float(values[0]) if one else values

    @cached_property
    def edges(self):
        """(E, 2) int: pairs of vertices that an edge joins, the chambers with one line between."""
        return faces.edges(self._sides)

    @cached_property
    def faces(self):
        """Polygons, each an int array of vertices in order around it.

        All faces of a zonotope of rank 3, counter-clockwise seen from outside if d = 3; the one
        polygon of rank 2, counter-clockwise if d = 2; none of a segment or a point.

        Raises
        ------
        ValueError
            If the rank exceeds 3.
        """
        if self.rank > DRAWABLE:
            raise ValueError(
                f"faces are polygons of a zonotope of rank 2 or 3, X has rank {self.rank}; "
                "use edges, or the zonotope of X @ B with three columns in B"
            )
        gates = self._basis.T @ self.arrangement.gates
        if self.rank < DRAWABLE:
            return [faces.around(gates, np.arange(len(self)))] if self.rank == 2 else []
        normals, sides = self._facets
        return faces.polygons(normals @ self._basis, sides, self._sides, gates)

    @property
    def facet_normals(self):
        """(F, d) unit outward normals of the faces of codimension 1, within the span of the rows.

        They are the extreme rays of the chambers. On the facet, every row that is not orthogonal
        to the normal has lambda_i = 0 or 1.
        """
        return self._facets[0]

    def normal_cone(self, k):
        """Extreme rays of the normal cone at a vertex: the closure of its chamber.

        Parameters
        ----------
        k : int
            Index of a vertex.

        Returns
        -------
        (r, d) ndarray
            Unit rows that span the cone {u : z.u <= z_k.u for all z in Z}. If the rank is below d,
            the cone holds every vector orthogonal to all rows besides.
        """
        k = whole_number(k, "k", 0)
        if k >= len(self):
            raise ValueError(f"k must be below the number of vertices, {len(self)}, got {k}")
        normals, sides = self._facets
        return normals[(sides * np.where(self._sides[:, k], 1, -1) >= 0).all(axis=1)]

    def contains(self, p):
        """Whether points lie in the zonotope, its boundary included, up to rounding.

        Parameters
        ----------
        p : (k, d) or (d,) array_like
            Points, one a row.

        Returns
        -------
        (k,) ndarray of bool, or bool

        Notes
        -----
        A point is inside if it is in the span of the rows, seen from the centre c, and beyond no
        facet: |v.(p - c)| <= 1/2 sum_i |x_i.v| for each normal v.
        """
        p, one = self._points(p, "p")
        offset = p - self.centre
        slack = ON_FACET * (np.abs(self.generators).sum() + np.abs(p).sum(axis=1))
        outside = np.linalg.norm(offset - offset @ self._basis @ self._basis.T, axis=1) > slack
        reach = np.abs(self.facet_normals @ self.generators.T).sum(axis=1) / 2
        beyond = (offset @ self.facet_normals.T - reach).max(axis=1, initial=-np.inf)
        inside = ~outside & (beyond <= slack)
        return bool(inside[0]) if one else inside

    def project(self, p):
        """The nearest points of the zonotope.

        Parameters
        ----------
        p : (k, d) or (d,) array_like
            Points, one a row.

        Returns
        -------
        ndarray
            Of the shape of p. By bounded least squares over the coefficients lambda_i (Stark and
            Parker 1995); where p is outside, p minus its projection is an outward normal.
        """
        p, one = self._points(p, "p")
        scale = np.abs(self.generators).sum()
        if scale == 0.0:
            nearest = np.broadcast_to(self.centre, p.shape).copy()
        else:
            columns = self.generators.T / scale
            nearest = np.array([_nearest(columns, q) for q in (p - self.centre) / scale])
            nearest = self.centre + scale * nearest.reshape(p.shape)
        return nearest[0] if one else nearest

    def hausdorff(self, other):
        """Hausdorff distance to another zonotope: how far a point of one can be from the other.

        Parameters
        ----------
        other : Zonotope
            Of the same number of columns.

        Returns
        -------
        float
            max over ||u|| <= 1 of |h_Z(u) - h_W(u)|, computed without it: the distance to a convex
            set is convex, so it is largest at a vertex, and each vertex is projected. For the
            zonotopes of diag(nu_+) X and diag(nu_-) X it is M(nu), the constraint of the dual.

        References
        ----------
        Theory: hausdorff.
        """
        if not isinstance(other, Zonotope):
            raise TypeError(f"other must be a Zonotope, got {type(other).__name__}")
        return max(
            float(np.linalg.norm(one.vertices - two.project(one.vertices), axis=1).max())
            for one, two in ((self, other), (other, self))
        )

    @cached_property
    def volume(self):
        """d-dimensional volume, the sum of |det| over all d rows; 0.0 if the rank is below d.

        Its cost is the number of these subsets, n over d.
        """
        d = self.X.shape[1]
        if self.rank < d:
            return 0.0
        subsets, total = combinations(range(len(self.generators)), d), 0.0
        while batch := list(islice(subsets, max(CHUNK // d**2, 1))):
            total += np.abs(np.linalg.det(self.generators[np.array(batch)])).sum()
        return float(total)

    @cached_property
    def _facets(self):
        """Normals (F, d) and the side (F, m) of each line: 1, -1, or 0 where it is parallel."""
        normals, sides = faces.facets(unit_rows(self.generators) @ self._basis)
        return normals @ self._basis.T, sides

    def _points(self, value, name):
        """Rows (k, d) of a matrix or of one vector, and whether it was one vector."""
        array = real_array(value, name, ndim=(1, 2))
        if array.shape[-1] != self.X.shape[1]:
            raise ValueError(
                f"{name} must have {self.X.shape[1]} columns, as the zonotope's rows have, "
                f"got shape {array.shape}"
            )
        return np.atleast_2d(array), array.ndim == 1


def _nearest(columns, q):
    """The point of {columns @ s : -1/2 <= s <= 1/2} nearest to q."""
    # Each step moves one coefficient on or off its bound; far fewer than this have been seen.
    most = 100 * columns.shape[1]
    fit = scipy.optimize.lsq_linear(
        columns, q, bounds=(-0.5, 0.5), method="bvls", tol=1e-15, max_iter=most
    )
    return columns @ fit.x
