"""Rows as hyperplanes: their directions, which coincide, the space they span, where they meet."""

from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from array_api_compat import array_namespace

from hidden_convexity.foundations.double_precision import EPS

# Unit rows closer than this, up to sign, span one line: it is what tells a repeated row that went
# through a rotation or a rescaling (error about 1e-16) from a second, nearly parallel row.
SAME_LINE = 1e-12
# A unit row x is tight at the null vector v of rows A if |x.v| <= ROUNDING (1 + ||x A^+||): the
# computed v solves A v = 0 up to rounding, so its error seen by x is that much amplified.
ROUNDING = 64 * EPS
# Above this smallest singular value of A, the bound ||x A^+|| <= 1 / sigma is sharp enough.
WELL_CONDITIONED = 1e-3
# Sums of fewer terms are added one after another however they lie in memory, to the same digits; a
# column at a time takes a fifth of the time of a row at a time. Others are added in pairs.
PAIRWISE = 8
# Entries of the largest temporary array: 2 MB of float64, which fits in a cache.
CHUNK = 250_000


def unit_rows(X):
    """Rows scaled to norm 1, zero rows left alone, to within 2 eps; safe near over- and underflow.

    A row of 1e-170 has the squared norm 0 and still a direction.
    """
    largest = np.abs(X).max(axis=1, keepdims=True)
    X = X / np.where(largest > 0, largest, 1.0)
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(norms > 0, norms, 1.0)


def row_lengths(X):
    """Norms of the rows (n,): zero for zero rows only, since no square can underflow."""
    if X.shape[1] < PAIRWISE:
        X = np.asfortranarray(X)
    largest = np.abs(X).max(axis=1, initial=0.0)
    return largest * np.linalg.norm(X / np.where(largest > 0, largest, 1.0)[:, None], axis=1)


def active(X, gates):
    """Which samples each gate switches on: (n, G) bool for X (n, d) and gates (d, G).

    The one rule for samples on a gate's hyperplane, in training, in prediction and in an
    `Arrangement`: sample x is on where x.g > ROUNDING ||x|| ||g||, ROUNDING in the arrays'
    precision. So a sample that lies on it exactly is off whatever roundoff says; neither the
    lengths of x and g nor the samples beside x have a say.

    Arrays are of any library that keeps to the array API standard.
    """
    xp = array_namespace(X)
    threshold = ROUNDING / EPS * xp.finfo(X.dtype).eps
    return _of_length_one(xp, X, axis=1) @ _of_length_one(xp, gates, axis=0) > threshold


def _of_length_one(xp, vectors, axis):
    """`unit_rows` for arrays of any library, along either axis."""
    largest = xp.max(xp.abs(vectors), axis=axis, keepdims=True)
    vectors = vectors / xp.where(largest > 0, largest, xp.ones_like(largest))
    norms = xp.sqrt(xp.sum(vectors**2, axis=axis, keepdims=True))
    return vectors / xp.where(norms > 0, norms, xp.ones_like(norms))


def row_space(X):
    """Orthonormal basis (d, rank) of the span of the rows of X, each taken at unit length.

    Directions in which the rows extend by less than 1e-12 of their largest extent are left out:
    whoever proves a bound in this basis owes what `distances_moved` says.
    """
    _, singular, right = np.linalg.svd(unit_rows(X), full_matrices=False)
    return right[singular > SAME_LINE * singular.max(initial=0.0)].T


def distances_moved(X, basis, rows):
    """How far rows (n, r) in an orthonormal basis (d, r) are from the rows of X: (n,), from above.

    With x_i = B z_i + e_i, |sum nu_i (x_i.u)_+| over the unit ball is at most that of the z_i plus
    sum |nu_i| ||e_i||. Rounding is included: that of the product B z_i, and how far B is from
    orthonormal, as ||B'u|| may exceed 1 by that.
    """
    skew = np.linalg.norm(basis.T @ basis - np.eye(basis.shape[1])) + len(basis) * EPS
    product = (basis.shape[1] + 1) ** 1.5 * EPS
    return row_lengths(X - rows @ basis.T) + (product + skew) * row_lengths(X)


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Data in as few columns as their rank allows; see `coordinates`.

    Attributes
    ----------
    rows : (n, r) ndarray
        The data in the basis.
    basis : (d, r) ndarray
        Orthonormal columns, or zero ones that fill up to two.
    dropped : (n,) ndarray
        Distances between the rows of X and `rows` in the basis, from above; zeros if nothing was
        reduced. A bound on max |nu.(rows z)_+| grows by sum |nu_i| dropped_i to be one on M(nu).
    """

    rows: np.ndarray
    basis: np.ndarray
    dropped: np.ndarray


def coordinates(X):
    """The fewest columns that have all the information of X, at least two.

    Weights outside the span of the rows change no output and only cost penalty, so every optimal
    neuron is w = B z. Data of full rank, and all data in the plane, stay as they are: there nothing
    is gained by leaving a nearly empty direction out.

    Parameters
    ----------
    X : (n, d) ndarray

    Returns
    -------
    Coordinates
    """
    n, d = X.shape
    if d == 1:
        return Coordinates(np.pad(X, ((0, 0), (0, 1))), np.eye(1, 2), np.zeros(n))
    basis = row_space(X) if d > 2 else np.eye(2)
    if basis.shape[1] == d:
        return Coordinates(X, np.eye(d), np.zeros(n))
    rows = X @ basis
    dropped = distances_moved(X, basis, rows)
    missing = ((0, 0), (0, max(2 - basis.shape[1], 0)))
    return Coordinates(np.pad(rows, missing), np.pad(basis, missing), dropped)


def distinct_lines(unit):
    """Group unit rows that span one line: (first row of each line, line of each row, flipped).

    Rows of one line have the same |product| with any fixed vector, so sorting by it brings them
    together, and only runs of nearly equal products need comparing.
    """
    count, d = unit.shape
    product = np.abs(unit @ np.cos(np.arange(1, d + 1)))
    order = np.argsort(product, kind="stable")
    starts = np.flatnonzero(np.diff(product[order], prepend=-np.inf) > 2 * np.sqrt(d) * SAME_LINE)
    ends = np.append(starts[1:], count)
    first = np.arange(count)
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        run = order[start:end]
        while len(run) > 1:
            same = _line_distance(unit[run], unit[run.min()]) <= SAME_LINE
            first[run[same]] = run.min()
            run = run[~same]
    representatives, line = np.unique(first, return_inverse=True)
    flipped = (unit * unit[first]).sum(axis=1) < 0
    return representatives, line, flipped


def _line_distance(rows, row):
    """Distance of unit rows to a unit row, up to sign."""
    return np.minimum(np.linalg.norm(rows - row, axis=1), np.linalg.norm(rows + row, axis=1))


def null_vectors(normals):
    """Chunks of vertices: unit null vectors (k, r) of r - 1 normals, tight (k, m), products.

    The normals (m, r) are distinct, of unit length and full rank r >= 1. A vertex at which more
    than r - 1 normals are tight occurs once for each choice of them, up to sign.
    """
    m, r = normals.shape
    subsets = combinations(range(m), r - 1)
    while batch := list(islice(subsets, max(CHUNK // m, 1))):
        rows = normals[np.array(batch, dtype=int).reshape(len(batch), r - 1)]
        _, singular, basis = np.linalg.svd(rows, full_matrices=True)
        sigma = singular.min(axis=1, initial=1.0)
        independent = sigma > SAME_LINE
        basis, singular, sigma = basis[independent], singular[independent], sigma[independent]
        vertices = basis[:, -1]
        products = vertices @ normals.T
        amplified = np.repeat(1 / sigma[:, None], m, axis=1)
        ill = sigma < WELL_CONDITIONED
        coefficients = (normals @ basis[ill, :-1].mT) / singular[ill, None]
        amplified[ill] = np.linalg.norm(coefficients, axis=2)
        yield vertices, np.abs(products) <= ROUNDING * (1 + amplified), products
