"""An upper bound of |nu.(Zu)_+| over unit vectors u of the plane: a sort of directions."""

import math

import numpy as np

from .rounding import SAFE, TINY, U, gamma


def plane(Z, nu):
    """An upper bound of |nu.(Zu)_+| over unit vectors u of the plane.

    Turning counter-clockwise, row z becomes active at the direction (z_2, -z_1) and inactive at the
    opposite one: both are exact. Between two such directions the height is a.u, largest at one of
    them or, with ||a||, at a. Directions are sorted by an angle that is right to 8 U, so the order
    of rows within 32 U of each other may be wrong; that is part of the allowance.
    """
    used = Z.any(axis=1) & (nu != 0)
    Z, rows = Z[used], nu[used, None] * Z[used]
    size = math.fsum(np.abs(rows).ravel())
    on, axes = np.column_stack([Z[:, 1], -Z[:, 0]]), np.vstack([np.eye(2), -np.eye(2)])
    at, change = np.concatenate([on, -on, axes]), np.concatenate([rows, -rows, 0 * axes])
    ratio = at[:, 0] / np.abs(at).sum(axis=1)
    order = np.argsort(np.where(at[:, 1] >= 0, 1 - ratio, 3 + ratio), kind="stable")
    at, change = at[order], change[order]
    before = (Z[:, 0] > 0) | ((Z[:, 0] == 0) & (Z[:, 1] < 0))  # active just below the first axis
    start = np.array([math.fsum(rows[before, k]) for k in (0, 1)])
    # Running sums in blocks: their rounding grows with the square root of n, not with n.
    block = math.isqrt(len(at)) + 1
    padded = np.concatenate([change, np.zeros((block**2 - len(at), 2))]).reshape(block, block, 2)
    within = np.cumsum(padded, axis=1)
    blocks = np.cumsum(within[:, -1], axis=0) - within[:, -1]
    a = (start + blocks[:, None] + within).reshape(-1, 2)[: len(at)]
    at = at / np.abs(at).max(axis=1, keepdims=True)
    end, length = np.roll(at, -1, axis=0), np.hypot(*a.T)
    ends = [np.abs((a * side).sum(axis=1)) / np.hypot(*side.T) for side in (at, end)]
    left = at[:, 0] * a[:, 1] - at[:, 1] * a[:, 0]
    right = a[:, 0] * end[:, 1] - a[:, 1] * end[:, 0]
    near = 32 * U * length  # in doubt, a is inside
    inside = ((left >= -near) & (right >= -near)) | ((left <= near) & (right <= near))
    top = float(np.where(inside, length, np.maximum(*ends)).max())
    return top + SAFE * (2 * gamma(3 * block + 16) + 128 * U) * size + TINY
