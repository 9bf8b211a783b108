"""Compiled steps of an ascent of h(u) = nu.(Xu)_+ on the unit sphere.

h is linear on each chamber, so along a great circle p cos t + q sin t of products it is piecewise
A cos t + B sin t: everything here is a running pair (A, B). Data come transposed, (d, n), so that
the loops over samples are contiguous.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, divide, fill
from hidden_convexity.oracle.flats import (
    norm,
    remove_span,
    span_of_tight_rows,
    steepest_release,
)

# Slopes below STATIONARY sum_i |nu_i| ||x_i|| are rounding of the sum over rows that gives them.
STATIONARY = 1e-12
MAX_ARCS = 2_000
# Crossings along an arc are first sorted into this many bins.
BINS = 64
# Rows worked on at a time, so that what one loop writes is still in the cache for the next.
BLOCK = 2_048

# Sums may be reordered into vector lanes; NaN, infinities and signed zeros keep their meaning.
REORDER = {"reassoc", "contract"}


@njit(cache=True, nogil=True, fastmath=REORDER)
def multiply(columns, u, start, out):
    """out = X u for the rows from start on, columns = X^T (d, n)."""
    column = columns[0, start : start + len(out)]
    for i in range(len(out)):
        out[i] = u[0] * column[i]
    for k in range(1, columns.shape[0]):
        factor = u[k]
        column = columns[k, start : start + len(out)]
        for i in range(len(out)):
            out[i] += factor * column[i]


@njit(cache=True, nogil=True, fastmath=REORDER)
def gradient(columns, nu, floor, u, products, out):
    """products = X u, out = X^T D nu, tight rows inactive; returns the number of tight rows."""
    fill(out, 0.0)
    tight = 0
    active = np.empty(BLOCK)
    for start in range(0, len(nu), BLOCK):
        part = slice(start, min(start + BLOCK, len(nu)))
        p, weight, least = products[part], nu[part], floor[part]
        multiply(columns, u, start, p)
        for i in range(len(p)):
            tight += abs(p[i]) <= least[i]
            active[i] = weight[i] * (p[i] > least[i])
        for k in range(len(out)):
            column = columns[k, part]
            total = 0.0
            for i in range(len(p)):
                total += active[i] * column[i]
            out[k] += total
    return tight


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDER)
def pieces(columns, nu, floor, p, w, q, bins, change):
    """q = X w, A and B just after t = 0, bins (n,) of the crossings, changes (BINS + 1, 2) in each.

    Row i crosses where -cot t = q / p, which increases with t from -inf to inf; the bins are even
    in x / (1 + |x|) of it. Tight rows cross at t = 0: they get bin BINS, and only count if active.
    """
    A = B = 0.0
    for b in range(len(change)):
        change[b, 0] = change[b, 1] = 0.0
    for start in range(0, len(nu), BLOCK):
        part = slice(start, min(start + BLOCK, len(nu)))
        here, along, bin_, weight, least = p[part], q[part], bins[part], nu[part], floor[part]
        multiply(columns, w, start, along)
        for i in range(len(here)):
            active = weight[i] * (here[i] > least[i])
            A += active * here[i]
            B += active * along[i]
        for i in range(len(here)):
            turned = np.copysign(1.0, here[i]) * along[i]
            place = np.int32(0.5 * BINS * (1.0 + turned / (abs(here[i]) + abs(along[i]))))
            bin_[i] = min(place, BINS - 1) if abs(here[i]) > least[i] else BINS
        for i in range(len(here)):
            flip = -np.copysign(1.0, here[i]) * weight[i]
            change[bin_[i], 0] += flip * here[i]
            change[bin_[i], 1] += flip * along[i]
        for i in range(len(here)):
            if bin_[i] == BINS and along[i] > least[i]:
                A += weight[i] * here[i]
                B += weight[i] * along[i]
    return A, B


@njit(cache=True, nogil=True)
def first_maximum(columns, nu, floor, p, w, q, bins):
    """A local maximum, not below the start, of h on the half circle u cos t + w sin t.

    The slope at t = 0 must be positive. The first bin of crossings at whose end the slope or the
    height has gone wrong holds a maximum; there, partitions around pivots find it without a sort.
    The products p = X u are given, q = X w and bins are workspace.

    Returns
    -------
    cos t, sin t : float
    """
    change = np.empty((BINS + 1, 2))
    A, B = pieces(columns, nu, floor, p, w, q, bins, change)
    start = A
    last = 0
    while last < BINS - 1:
        after_A, after_B = A + change[last, 0], B + change[last, 1]
        even = (last + 1) / (0.5 * BINS) - 1.0
        pivot = even / (1.0 - abs(even))
        height = (after_B - after_A * pivot) / np.sqrt(1.0 + pivot * pivot)
        if height < start or -after_A - after_B * pivot <= 0.0:
            break
        A, B = after_A, after_B
        last += 1
    count = 0
    for i in range(len(p)):
        count += bins[i] == last
    key, rows = np.empty(count), np.empty(count, dtype=np.int64)
    count = 0
    for i in range(len(p)):
        if bins[i] == last and nu[i] != 0.0:
            key[count] = q[i] / p[i]
            rows[count] = i
            count += 1
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        first, second, third = key[low], key[middle], key[high - 1]
        pivot = max(min(first, second), min(max(first, second), third))
        before_A, before_B = A, B
        at_A = at_B = 0.0
        # Three-way partition of rows[low:high] by key: below | equal | above the pivot.
        below, j, above = low, low, high
        while j < above:
            value = key[j]
            i = rows[j]
            if value > pivot:
                above -= 1
                key[j], key[above] = key[above], value
                rows[j], rows[above] = rows[above], i
                continue
            change = -nu[i] if p[i] > 0.0 else nu[i]
            if value < pivot:
                before_A += change * p[i]
                before_B += change * q[i]
                key[j], key[below] = key[below], value
                rows[j], rows[below] = rows[below], i
                below += 1
            else:
                at_A += change * p[i]
                at_B += change * q[i]
            j += 1
        scale = np.sqrt(1.0 + pivot * pivot)
        height = (before_B - before_A * pivot) / scale
        if height < start or -before_A - before_B * pivot <= 0.0:
            high = below
            continue
        after_A, after_B = before_A + at_A, before_B + at_B
        if -after_A - after_B * pivot <= 0.0:
            return -pivot / scale, 1.0 / scale
        A, B = after_A, after_B
        low = above
    if A <= 0.0 and B <= 0.0:
        return -1.0, 0.0
    size = np.hypot(A, B)
    return A / size, B / size


@njit(cache=True, nogil=True)
def ascend(columns, norms, floor, nu, u):
    """Move the unit vector u (d,), in place, to a local maximum of nu.(Xu)_+; returns the value.

    Rows must not be zero: columns (d, n), their norms (n,), and floor = TIGHT * norms.

    At each stop the rows tight at u span the normal space of a flat. Inside the flat u follows
    great circles towards the projected gradient, and stops where the slope turns negative: at the
    top of an arc, or at a ridge, whose row is tight from then on. When the gradient has no part
    left inside the flat, the steepest ray of the tight rows' local arrangement leads out of it.
    """
    d, n = columns.shape
    p, q, bins = np.empty(n), np.empty(n), np.empty(n, dtype=np.uint8)
    basis = np.empty((d, d))
    g, w = np.empty(d), np.empty(d)
    scale = 0.0
    for i in range(n):
        scale += abs(nu[i]) * norms[i]
    value = -np.inf
    best = u.copy()
    for _ in range(MAX_ARCS):
        tight = np.empty(gradient(columns, nu, floor, u, p, g), dtype=np.int64)
        rank = np.int64(0)  # `remove_span` would be compiled for a literal 0 as well
        if len(tight):
            found = 0
            for i in range(n):
                if abs(p[i]) <= floor[i]:
                    tight[found] = i
                    found += 1
            rank = span_of_tight_rows(columns, norms, tight, basis)
            remove_span(basis, rank, u)
            divide(u, norm(u))
        reached = 0.0
        for k in range(d):
            reached += g[k] * u[k]
        if reached > value:
            assign(best, u)
        if reached <= value + 1e-15 * abs(value):
            break
        value = reached
        for k in range(d):
            w[k] = g[k]
        remove_span(basis, rank, w)
        for k in range(d):
            w[k] -= reached * u[k]
        if norm(w) <= STATIONARY * scale:
            if rank == 0:
                break
            if steepest_release(columns, nu, norms, tight, basis, rank, g, w) <= STATIONARY * scale:
                break
        else:
            remove_span(basis, rank, w)
        size = norm(w)
        along = 0.0
        for k in range(d):
            along += w[k] * u[k]
        for k in range(d):
            w[k] = (w[k] - along * u[k]) / size
        divide(w, norm(w))
        cosine, sine = first_maximum(columns, nu, floor, p, w, q, bins)
        for k in range(d):
            u[k] = cosine * u[k] + sine * w[k]
        divide(u, norm(u))
    assign(u, best)
    return max(value, reached)


@njit(cache=True, nogil=True)
def ascend_each(columns, norms, floor, nu, signs, directions, values):
    """Ascend from each of the directions (k, d), in place, under its sign of nu.

    Fills `values` (k,) with nu.(Xu)_+ where the ascents end, and 0 where that has the other sign.
    """
    signed = np.empty(len(nu))
    for k in range(len(directions)):
        for i in range(len(nu)):
            signed[i] = signs[k] * nu[i]
        u = directions[k].copy()
        values[k] = signs[k] * max(ascend(columns, norms, floor, signed, u), 0.0)
        assign(directions[k], u)
