"""Compiled steps of an ascent of h(u) = nu.(Xu)_+ on the unit sphere.

h is linear on each chamber, so along a great circle p cos t + q sin t of products it is piecewise
A cos t + B sin t: everything here is a running pair (A, B). Data come transposed, (d, n), so that
the loops over samples are contiguous.
"""

import numpy as np
from numba import njit

# A row is tight at a unit u if |x.u| <= TIGHT ||x||. Products of unit vectors carry an error of a
# few 1e-16, and chance brings a row that is not tight this close only once in 1e12.
TIGHT = 1e-12
# A tight row whose part orthogonal to the other tight rows is smaller, relative to its norm, is in
# their span: normalising that part would amplify the 1e-16 in it by more than 1e6.
DEPENDENT = 1e-6
# Slopes below STATIONARY sum_i |nu_i| ||x_i|| are rounding of the sum over rows that gives them.
STATIONARY = 1e-12
# Lines of tight rows, and rays of their local arrangement, tested before leaving a flat. General
# position has at most d - 1 of both; only many rows through one point reach the caps, and then a
# direction of ascent may be missed, which costs a worse local maximum and nothing else.
MAX_LINES = 48
MAX_RAYS = 5_000
MAX_ARCS = 2_000

# Sums may be reordered into vector lanes; NaN, infinities and signed zeros keep their meaning.
REORDER = {"reassoc", "contract"}


@njit(cache=True, nogil=True, fastmath=REORDER)
def multiply(columns, u, out):
    """out = X u for columns = X^T (d, n)."""
    out[:] = 0.0
    for k in range(columns.shape[0]):
        factor = u[k]
        for i in range(columns.shape[1]):
            out[i] += factor * columns[k, i]


@njit(cache=True, nogil=True, fastmath=REORDER)
def gradient(columns, nu, products, norms, out):
    """out = X^T D nu, tight rows inactive; returns the number of tight non-zero rows."""
    tight = 0
    for i in range(columns.shape[1]):
        tight += norms[i] > 0.0 and abs(products[i]) <= TIGHT * norms[i]
    for k in range(columns.shape[0]):
        total = 0.0
        for i in range(columns.shape[1]):
            total += (nu[i] if products[i] > TIGHT * norms[i] else 0.0) * columns[k, i]
        out[k] = total
    return tight


@njit(cache=True, nogil=True)
def remove_span(basis, rank, vector):
    """Subtract from `vector` its part in the span of the first `rank` orthonormal rows, twice."""
    for _ in range(2):
        for j in range(rank):
            along = 0.0
            for k in range(len(vector)):
                along += basis[j, k] * vector[k]
            for k in range(len(vector)):
                vector[k] -= along * basis[j, k]


@njit(cache=True, nogil=True)
def norm(vector):
    """Euclidean norm of a short vector."""
    total = 0.0
    for k in range(len(vector)):
        total += vector[k] * vector[k]
    return np.sqrt(total)


@njit(cache=True, nogil=True)
def span_of_tight_rows(columns, norms, tight, basis):
    """Orthonormal rows of `basis` that span the tight rows; returns their number, at most d - 1."""
    d = columns.shape[0]
    rank = 0
    row = np.empty(d)
    for i in tight:
        if rank == d - 1:
            break
        for k in range(d):
            row[k] = columns[k, i] / norms[i]
        remove_span(basis, rank, row)
        size = norm(row)
        if size > DEPENDENT:
            basis[rank] = row / size
            rank += 1
    return rank


@njit(cache=True, nogil=True)
def first_maximum(p, q, nu, norms, key, rows):
    """A local maximum, not below the start, of h on the half circle p cos t + q sin t.

    The slope at t = 0 must be positive. The key q / p increases with the crossing angle of a row,
    so bisecting on keys of remaining rows finds a maximum in expected linear time without a sort.

    Returns
    -------
    cos t, sin t : float
    """
    A = B = 0.0
    count = 0
    for i in range(len(p)):
        if nu[i] == 0.0:
            continue
        if abs(p[i]) <= TIGHT * norms[i]:
            if q[i] > TIGHT * norms[i]:
                A += nu[i] * p[i]
                B += nu[i] * q[i]
            continue
        if p[i] > 0.0:
            A += nu[i] * p[i]
            B += nu[i] * q[i]
        key[count] = q[i] / p[i]
        rows[count] = i
        count += 1
    start = A
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
def tight_lines(columns, norms, tight, basis, rank, lines):
    """Distinct lines of the tight rows in coordinates of their span; returns how many."""
    count = 0
    line = np.empty(rank)
    for i in tight:
        for j in range(rank):
            line[j] = 0.0
            for k in range(columns.shape[0]):
                line[j] += basis[j, k] * columns[k, i]
        line /= norm(line)
        known = False
        for other in range(count):
            along = 0.0
            for j in range(rank):
                along += line[j] * lines[other, j]
            apart = 0.0
            for j in range(rank):
                apart += (line[j] - along * lines[other, j]) ** 2
            known = known or apart < DEPENDENT**2
        if not known:
            lines[count, :rank] = line
            count += 1
            if count == len(lines):
                break
    return count


@njit(cache=True, nogil=True)
def ray(lines, rank, subset, frame, out):
    """Unit vector orthogonal to rank - 1 lines, False if they are dependent."""
    for j in range(rank - 1):
        frame[j, :rank] = lines[subset[j], :rank]
        remove_span(frame[:, :rank], j, frame[j, :rank])
        size = norm(frame[j, :rank])
        if size < DEPENDENT:
            return False
        frame[j, :rank] /= size
    best = 0.0
    candidate = np.empty(rank)
    for k in range(rank):
        candidate[:] = 0.0
        candidate[k] = 1.0
        remove_span(frame[:, :rank], rank - 1, candidate)
        size = norm(candidate)
        if size > best:
            best = size
            out[:rank] = candidate / size
    remove_span(frame[:, :rank], rank - 1, out[:rank])
    out[:rank] /= norm(out[:rank])
    return True


@njit(cache=True, nogil=True)
def steepest_release(columns, nu, norms, tight, basis, rank, g, out):
    """Steepest way off the flat along a ray of the tight rows' arrangement; returns its slope.

    The one-sided slope g.w + sum over tight rows of nu_i (x_i.w)_+ is linear on each cone of that
    arrangement, so it is positive somewhere only if it is positive on a ray: a vector orthogonal
    to rank - 1 independent tight rows. In general position that means releasing one row.
    """
    d = columns.shape[0]
    lines = np.empty((MAX_LINES, rank))
    count = tight_lines(columns, norms, tight, basis, rank, lines)
    subset = np.arange(rank - 1)
    frame = np.empty((rank, rank))
    along = np.empty(rank)
    w = np.empty(d)
    best = 0.0
    for _ in range(MAX_RAYS):
        if ray(lines, rank, subset, frame, along):
            w[:] = 0.0
            for j in range(rank):
                for k in range(d):
                    w[k] += along[j] * basis[j, k]
            forward = backward = 0.0
            for i in tight:
                product = 0.0
                for k in range(d):
                    product += columns[k, i] * w[k]
                if abs(product) > TIGHT * norms[i]:
                    forward += nu[i] * max(product, 0.0)
                    backward += nu[i] * max(-product, 0.0)
            linear = 0.0
            for k in range(d):
                linear += g[k] * w[k]
            if max(forward + linear, backward - linear) > best:
                best = max(forward + linear, backward - linear)
                for k in range(d):
                    out[k] = w[k] if forward + linear >= backward - linear else -w[k]
        j = rank - 2
        while j >= 0 and subset[j] == count - rank + 1 + j:
            j -= 1
        if j < 0:
            break
        subset[j] += 1
        for later in range(j + 1, rank - 1):
            subset[later] = subset[later - 1] + 1
    return best


@njit(cache=True, nogil=True)
def ascend(columns, norms, nu, u):
    """Move the unit vector u (d,), in place, to a local maximum of nu.(Xu)_+; returns the value.

    At each stop the rows tight at u span the normal space of a flat. Inside the flat u follows
    great circles towards the projected gradient, and stops where the slope turns negative: at the
    top of an arc, or at a ridge, whose row is tight from then on. When the gradient has no part
    left inside the flat, the steepest ray of the tight rows' local arrangement leads out of it.
    """
    d, n = columns.shape
    p, q, key = np.empty(n), np.empty(n), np.empty(n)
    rows = np.empty(n, dtype=np.int64)
    basis = np.empty((d, d))
    g, w = np.empty(d), np.empty(d)
    scale = 0.0
    for i in range(n):
        scale += abs(nu[i]) * norms[i]
    value = -np.inf
    best = u.copy()
    for _ in range(MAX_ARCS):
        multiply(columns, u, p)
        count = gradient(columns, nu, p, norms, g)
        tight = rows[:count].copy()
        rank = 0
        if count:
            found = 0
            for i in range(n):
                if norms[i] > 0.0 and abs(p[i]) <= TIGHT * norms[i]:
                    tight[found] = i
                    found += 1
            rank = span_of_tight_rows(columns, norms, tight, basis)
            remove_span(basis, rank, u)
            u /= norm(u)
        reached = 0.0
        for k in range(d):
            reached += g[k] * u[k]
        if reached > value:
            best[:] = u
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
        w /= norm(w)
        multiply(columns, w, q)
        cosine, sine = first_maximum(p, q, nu, norms, key, rows)
        for k in range(d):
            u[k] = cosine * u[k] + sine * w[k]
        u /= norm(u)
    u[:] = best
    return max(value, reached)
