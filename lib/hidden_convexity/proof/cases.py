"""A proof by cases, for the checker: which rows to split at, and multipliers that bound the rest.

It takes about as many cases as the rows that matter have chambers, whatever the rank: few for few
samples, also where they are nearly copies of one another, which makes thin cones.
"""

import numpy as np

from hidden_convexity import verify
from hidden_convexity.foundations.nonnegative import nonnegative_least_squares
from hidden_convexity.geometry.hyperplanes import distinct_lines, row_lengths, unit_rows

# Cases after which a proof is given up: a minute's work.
MOST_CASES = 300_000
NOWHERE = -1


def cases(S, c, limit):
    """What `verify.cases` takes for |c.(Su)_+| <= limit over unit vectors u.

    Parameters
    ----------
    S : (n, d) ndarray
    c : (n,) ndarray
    limit : float

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    Refused
        If it does not hold, or takes too many cases.
    """
    lines = _lines(S)
    Z, weights, drift, owed = verify.merged(S, c, lines)
    size, enough = row_lengths(Z), limit - owed
    signs, codes, found, leaves, count = np.zeros((1, len(Z)), dtype=np.int8), [], [], 0, 0
    while len(signs):
        count += len(signs)
        if count > MOST_CASES:
            raise verify.Refused("nu", f"it takes more than {MOST_CASES:,} cases")
        code = np.zeros(len(signs), dtype=np.uint32)
        bounded = _bounded(Z, size, weights, drift, signs, enough)
        for k, (multipliers, row) in enumerate(bounded):
            if row == NOWHERE:
                raise verify.Refused("nu", "|nu.(Xu)_+| <= beta fails in a chamber")
            if row is None or row == len(Z):
                found += [(2 * leaves + side, *one) for side, *one in multipliers]
                leaves += 1
            code[k] = 0 if row is None else 1 + row
        codes.append(code)
        inner = (code > 0) & (code <= len(Z))
        split, row = signs[inner], code[inner].astype(int) - 1
        signs, first = np.repeat(split, 2, axis=0), 2 * np.arange(len(split))
        signs[first, row], signs[first + 1, row] = 1, -1
    at, rows, multipliers = zip(*found, strict=True) if found else ((), (), ())
    return {
        "lines": lines,
        "codes": np.concatenate(codes),
        "cases": np.array(at, dtype=np.uint32),
        "rows": np.array(rows, dtype=np.uint32),
        "multipliers": np.array(multipliers, dtype=float),
    }


def _lines(S):
    """The row that stands for each, (n,)."""
    lines, nonzero = np.arange(len(S), dtype=np.uint32), np.flatnonzero(S.any(axis=1))
    if len(nonzero):
        first, line, _ = distinct_lines(unit_rows(S[nonzero]))
        lines[nonzero] = nonzero[first[line]]
    return lines


def _bounded(Z, size, weights, drift, signs, enough):
    """For each case its multipliers (side, row, value), and the row to split at if these fail.

    The row is None if they do not, and the number of rows if they show the case to be empty.
    """
    mu = [verify.usual(signs, one) for one in (weights, -weights)]
    known = [
        verify.bounds(Z, signs, w, m, one)
        for w, m, one in zip((weights, -weights), (drift, -drift), mu, strict=True)
    ]
    for k in range(len(signs)):
        entries, worst, row = [], enough, None
        for side, w, m in ((0, weights, drift), (1, -weights, -drift)):
            if known[side][k] <= enough:
                continue
            one, bound = _lowered(Z, size, w, m, signs[k], mu[side][k])
            if bound > worst:
                worst, row = bound, _where_to_split(Z, size, w, m, signs[k], one)
            changed = np.flatnonzero(one != mu[side][k])
            entries += [(side, j, one[j]) for j in changed]
        if row is not None:
            shares = _empty(Z, size, signs[k])
            if shares is not None:
                entries, row = [(0, j, share) for j, share in shares], len(Z)
        yield entries, row


def _lowered(Z, size, weights, drift, signs, mu):
    """The bound by the shortest sum of rows, as far as their signs allow, and its multipliers."""
    decided = np.flatnonzero((signs != 0) & (size > 0))
    p, mu = (drift + mu) @ Z, mu.copy()
    if len(decided) == 0:
        return mu, verify.bounds(Z, signs[None], weights, drift, mu[None])[0]
    inward = (signs / np.where(size > 0, size, 1.0))[decided, None] * Z[decided]
    steps = nonnegative_least_squares(inward.T, -p)
    mu[decided] += signs[decided] * steps / size[decided]
    return mu, verify.bounds(Z, signs[None], weights, drift, mu[None])[0]


def _where_to_split(Z, size, weights, drift, signs, mu):
    """The row without a sign of which most is lost at the direction of the bound."""
    p = (drift + mu) @ Z
    t = Z @ (p / (np.linalg.norm(p) or 1.0))
    slack = np.maximum(np.maximum(weights - mu, mu), 0.0) * size
    loss = slack - (weights * np.maximum(t, 0.0) - mu * t)
    loss[(signs != 0) | (size == 0)] = -np.inf
    row = int(loss.argmax())
    return row if loss[row] > -np.inf else NOWHERE


def _empty(Z, size, signs):
    """Multipliers (row, value) that show a case to have no u but 0, or None."""
    decided = np.flatnonzero((signs != 0) & (size > 0))
    if len(decided) <= Z.shape[1]:
        return None
    inward = (signs / np.where(size > 0, size, 1.0))[decided, None] * Z[decided]
    steps = nonnegative_least_squares(inward.T, -inward.sum(axis=0))
    if np.linalg.norm((1 + steps) @ inward) > 0.1:
        return None
    shares = verify.ordinary(Z, signs[None])
    shares[0, decided] *= 1 + steps
    if not verify.nothing_but_zero(Z, signs[None], shares)[0]:
        return None
    return [(decided[j], shares[0, decided[j]]) for j in np.flatnonzero(steps)]
