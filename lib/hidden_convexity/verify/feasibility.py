"""An upper bound of ||nu'(A phi(R u))|| over unit u, for rows R and averages A of patches."""

import math

import numpy as np

from .circle import plane
from .cover import cones
from .line import branches
from .rounding import SAFE, TINY, Refused, U, gamma, lengths
from .signs import cases


def rows(file):
    """Rows S and weights c with K nu'(A phi(R u)) = c'(S u)_+ for all u, and what c owes.

    phi(t) = (t)_+ - slope (-t)_+, so S = [R; -R] and c = [w; -slope w] with the entry nu_i in w for
    each patch of sample i. Equal patches are one row, of the sum of their weights. c is (rows,), or
    (rows, outputs) as nu is.
    """
    X, nu, slope = file["X"], file["nu"], float(file["slope"])
    if X.ndim == 2 and slope == 0:
        return X, nu, 0.0
    R, place, count = np.unique(
        X.reshape(-1, X.shape[-1]), axis=0, return_inverse=True, return_counts=True
    )
    weights = np.repeat(nu.reshape(len(nu), -1), X.size // (len(X) * X.shape[-1]), axis=0)
    *w, size = (np.bincount(place.ravel(), part, len(R)) for part in (*weights.T, lengths(weights)))
    owed = (1 + abs(slope)) * math.fsum(size * lengths(R))
    owed *= SAFE * gamma(int(count.max()) + len(w) + 4)
    w = np.reshape(np.transpose(w), (len(R), *nu.shape[1:]))
    if slope == 0:
        return R, w, owed
    return np.concatenate([R, -R]), np.concatenate([w, -slope * w]), owed


def height(file, limit, way):
    """An upper bound of ||nu*'(A phi(R u))|| over unit u, at most `limit` or Refused, and the tree.

    nu* is any point with rows within `way` (n,) of those of nu.
    """
    if str(file["proof"]) == "samples":
        layers = file["weights"].shape[1] + 1
        top = branches(file["X"], file["nu"], layers, str(file["activation"]))
        return at_most(top, float(limit)), []
    S, c, charge, limit = asked(file, limit, way)
    K = 1 if file["X"].ndim == 2 else file["X"].shape[1]
    if str(file["proof"]) == "cases":
        top, tree = (1 + 2 * U) * (cases(S, c, file) + charge), []
    else:
        top, tree = in_coordinates(S, c, file["basis"], file["splits"], limit, charge)
    return (1 + 2 * U) * at_most(top, limit) / K, tree


def asked(file, limit, way):
    """Rows S, weights c, a charge and a limit: ||c'(Su)_+|| + charge <= limit is to be shown."""
    S, c, charge = rows(file)
    if way.any():
        long = lengths(file["X"]).reshape(len(way), -1).sum(axis=1)
        charge += SAFE * max(1.0, abs(float(file["slope"]))) * math.fsum(way * long)
    K = 1 if file["X"].ndim == 2 else file["X"].shape[1]
    return S, c, charge, float(limit) if K == 1 else (1 - 2 * U) * K * float(limit)


def at_most(top, limit):
    """What was proven, if it is no more than the limit."""
    if not top <= limit:
        raise Refused("nu", f"|nu.g| <= beta is not proven: {top / limit - 1:.1e} above it")
    return top


def in_coordinates(S, c, basis, splits, limit, charge):
    """An upper bound of ||c'(Su)_+|| over unit u, plus a charge, by a sort or by cones; the tree.

    In coordinates s_i = B z_i + (a remainder of length <= e_i), so that with z = B'u ||c'(Su)_+||
    is at most ||c'(Zz)_+|| + sum ||c_i|| e_i, and ||z|| <= ||B||.
    """
    Z, r, sizes = S @ basis, basis.shape[1], lengths(c.reshape(len(c), -1))
    away, norm = lengths(S - Z @ basis.T), np.linalg.norm(basis)
    away = away + gamma(r + len(basis) + 4) * (lengths(S) + norm * lengths(Z))
    charge += SAFE * math.fsum(sizes * away) + TINY * (1 + math.fsum(sizes))
    gram = np.abs(basis.T @ basis) + gamma(len(basis) + 4) * (np.abs(basis.T) @ np.abs(basis))
    stretch = (1 + 4 * U) * math.sqrt(gram.sum(axis=1).max() * (1 + gamma(r + 4))) + TINY
    enough = (1 - 16 * U) * (limit - charge) / stretch
    in_plane = r == 2 and c.ndim == 1
    top, tree = (plane(Z, c), []) if in_plane else cones(Z, c, splits, enough)
    return (1 + 4 * U) * (stretch * top + charge), tree
