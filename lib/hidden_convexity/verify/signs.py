"""An upper bound of |c.(Su)_+| over unit vectors u by cases: which of the products s.u are >= 0.

A tree: each node is a case to be bounded, or is split into s.u >= 0 and s.u <= 0 for some row s.
So the cases cover the space, whatever its dimension. If all rows have their signs, a case is a
chamber; but one that is bounded sooner stands for many chambers, or for none.
"""

import math

import numpy as np

from .rounding import SAFE, TINY, Refused, gamma, lengths

ENTRIES = 2_000_000  # of a batch


def cases(S, c, proof):
    """An upper bound of |c.(Su)_+| over unit vectors u.

    `proof` has, for each row, which row stands for it and its multiples, `lines`, and with L of
    those the tree level by level from the root, `codes`: k > 0 is a case to be split at the k-th of
    them, 0 is one to be bounded and L + 1 one that is empty. `multipliers` are for the case and the
    row of the same place: case 2 j bounds c.(Su)_+ on the j-th that is not split, or shows it to be
    empty, and 2 j + 1 bounds the negative.
    """
    Z, weights, drift, owed = merged(S, c, proof["lines"])
    codes, at, rows = proof["codes"].astype(int), proof["cases"].astype(int), proof["rows"]
    values, last = proof["multipliers"], len(Z) + 1
    signs, level, seen, top = np.zeros((1, len(Z)), dtype=np.int8), 0, 0, 0.0
    if not len(at) == len(rows) == len(values) or (at[1:] < at[:-1]).any():
        raise Refused("cases", "multipliers must come case by case, each with its case and row")
    if rows.max(initial=0) >= len(Z):
        raise Refused("rows", f"one is beyond the {len(Z)} that stand for others")
    while len(signs):
        code = codes[level : level + len(signs)]
        if len(code) < len(signs) or code.min(initial=0) < 0 or code.max(initial=0) > last:
            raise Refused("codes", "the cases do not cover the space: one is left out")
        ends, step = np.flatnonzero((code == 0) | (code == last)), 1 + ENTRIES // len(Z)
        for batch in (ends[k : k + step] for k in range(0, len(ends), step)):
            case, empty = signs[batch], code[batch] == last
            here = slice(*np.searchsorted(at, [2 * seen, 2 * (seen + len(batch))]))
            place = at[here] // 2 - seen, rows[here]
            for side in (0, 1):
                w, m = ((1 - 2 * side) * array for array in (weights, drift))
                mu, mine = usual(case, w), at[here] % 2 == side
                mu[place[0][mine], place[1][mine]] = values[here][mine]
                found = bounds(Z, case[~empty], w, m, mu[~empty])
                top = np.maximum(top, found.max(initial=0.0))  # NaN stays
            shares = ordinary(Z, case[empty])
            number = np.cumsum(empty) - 1
            mine = empty[place[0]]
            shares[number[place[0][mine]], place[1][mine]] = values[here][mine]
            if not nothing_but_zero(Z, case[empty], shares).all():
                raise Refused("multipliers", "they do not show that a case is empty")
            seen += len(batch)
        level += len(signs)
        inner = (code > 0) & (code < last)
        signs, row = np.repeat(signs[inner], 2, axis=0), code[inner] - 1
        first = 2 * np.arange(len(row))
        signs[first, row], signs[first + 1, row] = 1, -1
    if level < len(codes) or at.max(initial=-1) >= 2 * seen:
        raise Refused("codes", "the file has more cases than its tree")
    return float(top) + owed


def merged(S, c, lines):
    """Rows Z and numbers w, m with c.(Su)_+ = sum w_j (z_j.u)_+ + m_j z_j.u, and what that owes.

    With s = f z + (a remainder): for f < 0 is c (f t)_+ = c |f| ((t)_+ - t).
    """
    if len(lines) != len(S) or (lines >= len(S)).any() or (lines[lines] != lines).any():
        raise Refused("lines", "each row must have one that stands for it, and for itself")
    stand, place = np.unique(lines, return_inverse=True)
    Z = S[stand]
    scale = np.abs(Z).max(axis=1, initial=0.0)
    unit = (Z / np.where(scale > 0, scale, 1.0)[:, None])[place]
    square = (unit * unit).sum(axis=1) * scale[place]
    f = (S * unit).sum(axis=1) / np.where(square > 0, square, 1.0)
    long, apart = lengths(Z)[place], lengths(S - f[:, None] * Z[place])
    apart = apart + gamma(4) * (lengths(S) + np.abs(f) * long)
    apart[stand], f[stand] = 0.0, 1.0
    parts = np.abs(f) * c
    weights, sizes = (np.bincount(place, one, len(Z)) for one in (parts, np.abs(parts)))
    drift = -np.bincount(place, np.where(f < 0, parts, 0.0), len(Z))
    owed = math.fsum(np.abs(c) * apart) + 2 * gamma(len(S) + 4) * math.fsum(sizes * lengths(Z))
    vanished = 1 + math.fsum(np.abs(c)) + np.count_nonzero(c) * float(lengths(Z).max(initial=0.0))
    return Z, weights, drift, SAFE * owed + TINY * vanished


def usual(signs, weights):
    """Multipliers (cases, rows) where the file has no others: right for rows that have a sign."""
    return np.where(signs > 0, weights, np.where(signs < 0, 0.0, 0.5 * weights))


def bounds(Z, signs, weights, drift, mu):
    """Upper bounds (cases,) of sum w_j (z_j.u)_+ + m_j z_j.u over unit u of these signs.

    For t = z_j.u and any number mu is w (t)_+ - mu t at most (w - mu) |t| where t > 0 and mu |t|
    where t < 0, and |t| <= ||z_j||. So the sum is at most ||sum (m_j + mu_j) z_j|| + sum of what
    these are, if positive and if the case does not exclude that sign. All rounding is in units of
    sum (|m_j| + |mu_j| + |w_j|) ||z_j||.
    """
    above = np.where(signs >= 0, np.maximum(weights - mu, 0.0), 0.0)
    below = np.where(signs <= 0, np.maximum(mu, 0.0), 0.0)
    long = lengths(Z)
    size = (np.abs(mu) + np.abs(drift) + np.abs(weights)) @ long
    allowance = SAFE * gamma(len(Z) + Z.shape[1] + 16) * size
    return lengths((drift + mu) @ Z) + np.maximum(above, below) @ long + allowance


def ordinary(Z, signs):
    """Multipliers (cases, rows) that show a case to be empty, where the file has no others."""
    long = lengths(Z)
    return (signs != 0) / np.where(long > 0, long, 1.0)


def nothing_but_zero(Z, signs, shares):
    """Whether cases (cases,) have no u but 0.

    With v_j = share_j sign_j z_j, shares >= 0, v_j.u is not negative on the case and adds up to
    e.u, e = sum v_j, so ||Vu|| <= ||e|| ||u||. For any matrix G, u = G V u + (I - G V) u, and so
    ||u|| <= (||G|| ||e|| + ||I - G V||) ||u||: if that is less than ||u||, u is zero.
    """
    d, n, norm = Z.shape[1], len(Z), np.linalg.norm
    if not (np.isfinite(shares) & (shares >= 0)).all():
        return np.zeros(len(signs), dtype=bool)
    V = (shares * signs)[..., None] * Z
    G, size = np.linalg.pinv(V), norm(V, axis=(1, 2))
    long, e = norm(G, axis=(1, 2)), norm(V.sum(axis=1), axis=1)
    wrong = gamma(n + d + 8) * math.sqrt(n) * size * long
    return SAFE * (long * e + norm(np.eye(d) - G @ V, axis=(1, 2)) + 2 * wrong) < 1
