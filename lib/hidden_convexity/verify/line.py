"""An upper bound of |nu.g| over the branches g of parallel networks of one variable, and their P.

A branch of L layers computes g(x) = s(... s(+-x - h_1) ... - h_K), K = L - 1, up to its weight,
where s(t) = (t)_+ for L = 2, or s(t) = |t|. The constant is free, so nu must add up to zero: what
counts is nu minus its mean. With R(u) = sum_i nu_i (x_i - u)_+ it has, as the sum is zero,

    nu.(x - u)_+ = R(u),    nu.(u - x)_+ = R(u) - R(x_1),    nu.|x - u| = 2 R(u) - R(x_1),
    nu.||x - t| - r| = 2 R(t - r) - 2 R(t) + 2 R(t + r) - R(x_1),

and R is linear between samples and constant outside of them. R at samples is computed in integers.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from .rounding import SAFE, TINY, Refused, U, gamma

MOST_BRANCHES = 10_000_000
BLOCK = 1_000_000  # entries of the largest temporary array


class Centred(NamedTuple):
    """nu minus its mean, at the distinct samples in increasing order; all rounded to nearest."""

    points: np.ndarray  # (p,)
    nu: np.ndarray  # (p,)
    beyond: np.ndarray  # (p,) its sum over this sample and those to the right
    R: np.ndarray  # (p,)

    def at(self, u):
        """R at any u, wrong by at most 16 U (max |R| + max |x| max |beyond|) for u right to 3 U."""
        k = np.searchsorted(self.points, u)
        inside = np.minimum(k, len(self.points) - 1)
        value = self.R[inside] + (self.points[inside] - u) * self.beyond[inside]
        return np.where(k < len(self.points), value, 0.0)


def whole(values):
    """Integers k and a power of two q such that k / q are the values, exactly."""
    ratios = [value.as_integer_ratio() for value in values.tolist()]
    q = max(denominator for _, denominator in ratios)
    return [numerator * (q // denominator) for numerator, denominator in ratios], q


def centred(x, nu):
    """Sums of nu minus its mean, in integers until the end."""
    points, member = np.unique(x, return_inverse=True)
    (at, x_unit), (weights, nu_unit), n = whole(points), whole(nu), len(x)
    total, mass = sum(weights), [0] * len(points)
    for k, weight in zip(member.tolist(), weights, strict=True):
        mass[k] += n * weight - total
    beyond = list(itertools.accumulate(reversed(mass)))[::-1]
    steps = [(b - a) * s for a, b, s in zip(at, at[1:], beyond[1:], strict=False)]
    R = list(itertools.accumulate(reversed([*steps, 0])))[::-1]
    units = n * nu_unit, n * nu_unit, n * nu_unit * x_unit
    rounded = (
        np.array([k / unit for k in whole_numbers])  # a quotient of integers is right to U
        for whole_numbers, unit in zip((mass, beyond, R), units, strict=True)
    )
    return Centred(points, *rounded)


def lacking(y, nu):
    """What the dual value of nu minus its mean may be below that of nu, for the squared loss.

    (nu - m).y - ||nu - m||^2 / 2 is that of nu minus m sum y, plus n m^2 / 2.
    """
    (weights, unit), (targets, size) = whole(nu), whole(y)
    return (1 + 4 * U) * (abs(sum(weights) * sum(targets)) / (len(y) * unit * size))


def branches(x, nu, layers, activation):
    """An upper bound of |nu.g| over all branches, for nu minus its mean.

    As a function of the shifts h, nu.g is linear where no breakpoint t +- r_1 +- ... +- r_k equals
    a sample, and it is bounded; so it is largest where L - 1 breakpoints with independent signs
    equal samples. For L = 3 two of t, t - r and t + r do.
    """
    sums = centred(x, nu)
    points, R, first = sums.points, sums.R, sums.R[0]
    if layers == 2:
        one, other = (R, R - first) if activation == "relu" else (2 * R - first, 2 * R - first)
        return (1 + 8 * U) * float(max(np.abs(one).max(), np.abs(other).max())) + 8 * U * abs(first)
    if activation == "relu":
        raise Refused("activation", "deep networks of one variable must be of absolute values")
    if layers > 3:
        return listed(sums, layers)
    top = 0.0
    for here, level in zip(points, R, strict=True):
        reflected = R - level + sums.at(2 * here - points)
        halfway = R + level - sums.at(0.5 * (here + points))
        top = max(top, *(float(np.abs(2 * one - first).max()) for one in (reflected, halfway)))
    sizes = np.abs(R).max() + np.abs(points).max() * np.abs(sums.beyond).max()
    return top + SAFE * 160 * U * float(sizes) + TINY


def listed(sums, layers):
    """The same for four layers and more: each vertex, and the sum over samples there."""
    points, nu, order = sums.points, sums.nu, layers - 1
    forms = [
        (1, *signs, *[0] * (order - 1 - k))
        for k in range(order)
        for signs in itertools.product((1, -1), repeat=k)
    ]
    if math.comb(len(forms), order) * len(points) ** order > MOST_BRANCHES:
        raise Refused("layers", f"{layers} on {len(points)} samples are too many to list branches")
    top, size, total = 0.0, float(np.abs(points).max()), float(np.abs(nu).sum())
    for chosen in itertools.combinations(forms, order):
        A = np.array(chosen, dtype=float)
        det = round(np.linalg.det(A))
        if det == 0:
            continue
        adjugate = np.round(np.linalg.inv(A) * det)
        if not (A @ adjugate == det * np.eye(order)).all():  # all are small integers
            raise Refused("layers", f"{layers} are too many: the vertices are not computed exactly")
        reach = float(np.abs(adjugate).sum() / abs(det))  # of all shifts, in units of max |x|
        step = max(BLOCK // len(points) ** 2, 1)
        grid = itertools.product(points, repeat=order - 1)
        height = 0.0
        while rest := list(itertools.islice(grid, step)):
            at = np.column_stack([np.repeat(rest, len(points), axis=0), np.tile(points, len(rest))])
            shifts = at @ adjugate.T / det
            value = points - shifts[:, :1]
            for k in range(1, order):  # a negative r does what 0 does, up to a constant
                value = np.abs(value) - np.maximum(shifts[:, k : k + 1], 0.0)
            height = max(height, float(np.abs(np.abs(value) @ nu).max()))
        wrong = gamma(len(points) + 2 * order + 8) * (1 + reach) * size * total
        top = max(top, height + SAFE * wrong)
    return top + TINY
