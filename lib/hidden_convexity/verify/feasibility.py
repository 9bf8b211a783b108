"""An upper bound of |nu.(A phi(R u))| over unit u, for rows R and averages A of patches."""

import math

import numpy as np

from .circle import plane
from .cover import cones
from .line import branches
from .rounding import SAFE, TINY, Refused, U, gamma


def rows(file):
    """Rows S and weights c with K nu.(A phi(R u)) = c.(S u)_+ for all u, and what c owes.

    phi(t) = (t)_+ - slope (-t)_+, so S = [R; -R] and c = [w; -slope w] with the entry nu_i in w for
    each patch of sample i. Equal patches are one row, of the sum of their weights.
    """
    X, nu, slope = file["X"], file["nu"], float(file["slope"])
    if X.ndim == 2 and slope == 0:
        return X, nu, 0.0
    R, place, count = np.unique(
        X.reshape(-1, X.shape[-1]), axis=0, return_inverse=True, return_counts=True
    )
    weights, place = np.repeat(nu, X.size // (len(X) * X.shape[-1])), place.ravel()
    w, size = (np.bincount(place, part, len(R)) for part in (weights, np.abs(weights)))
    owed = (1 + abs(slope)) * math.fsum(size * np.linalg.norm(R, axis=1))
    owed *= SAFE * gamma(int(count.max()) + 4)
    if slope == 0:
        return R, w, owed
    return np.concatenate([R, -R]), np.concatenate([w, -slope * w]), owed


def height(file, limit, way):
    """An upper bound of |nu*.(A phi(R u))| over unit u, at most `limit` or Refused, and the tree.

    nu* is any point whose entries are within `way` (n,) of those of nu. In coordinates, with the
    rows S and the weights c: s_i = B z_i + (a remainder of length <= e_i), so that with z = B'u
    |c.(Su)_+| <= |c.(Zz)_+| + sum |c_i| e_i and ||z|| <= ||B||.
    """
    if str(file["proof"]) == "samples":
        layers = file["weights"].shape[1] + 1
        top = branches(file["X"], file["nu"], layers, str(file["activation"]))
        return at_most(top, float(limit)), []
    X, c, charge = rows(file)
    K = 1 if file["X"].ndim == 2 else file["X"].shape[1]
    limit = float(limit) if K == 1 else (1 - 2 * U) * K * float(limit)
    if way.any():
        lengths = np.linalg.norm(file["X"].reshape(len(way), K, -1), axis=2).sum(axis=1)
        charge += SAFE * max(1.0, abs(float(file["slope"]))) * math.fsum(way * lengths)
    top, tree = in_coordinates(X, c, file["basis"], file["splits"], limit, charge)
    return (1 + 2 * U) * at_most(top, limit) / K, tree


def at_most(top, limit):
    """What was proven, if it is no more than the limit."""
    if not top <= limit:
        raise Refused("nu", f"|nu.g| <= beta is not proven: {top / limit - 1:.1e} above it")
    return top


def in_coordinates(X, c, basis, splits, limit, charge):
    """An upper bound of |c.(Xu)_+| over unit u, plus a charge, by a sort or by cones; the tree."""
    Z, r, norm = X @ basis, basis.shape[1], np.linalg.norm
    away = norm(X - Z @ basis.T, axis=1)
    away = away + gamma(r + len(basis) + 4) * (norm(X, axis=1) + norm(basis) * norm(Z, axis=1))
    charge += SAFE * math.fsum(np.abs(c) * away) + TINY
    gram = np.abs(basis.T @ basis) + gamma(len(basis) + 4) * (np.abs(basis.T) @ np.abs(basis))
    stretch = (1 + 4 * U) * math.sqrt(gram.sum(axis=1).max() * (1 + gamma(r + 4))) + TINY
    enough = (1 - 16 * U) * (limit - charge) / stretch
    top, tree = (plane(Z, c), []) if r == 2 else cones(Z, c, splits, enough)
    return (1 + 4 * U) * (stretch * top + charge), tree
