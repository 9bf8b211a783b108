"""Compiled splitting of simplicial cones for ||N'(Xu)_+||, N (n, c) with rows l_i.

As in `oracle.cells`, a row whose products with the vertices of a cone have one sign is linear on
it: it is part of the vectors `linear[k]` = sum l_i x_i.v_k, or never active. The crossing rows are
kept as their products with the vertices, weighted by ||l_i||, and by their numbers.

A crossing row is alpha t + r(t), alpha in {0, 1} the activity that fits it better, with r >= 0
convex and positively homogeneous: 0 <= r(x_i.u) <= sum_k z_k r_ik for u = sum_k z_k v_k, z >= 0. So

    N'(Xu)_+ = sum_k z_k g_k + e,   g_k = linear_k + sum_i l_i (alpha_i t_ik + r_ik / 2),
    ||e|| <= sum_k z_k e_k,         e_k = 1/2 sup over |s_i| <= 1 of ||sum_i s_i l_i r_ik||.

Hence ||N'(Xu)_+|| <= sum_k z_k (||g_k|| + e_k), a linear function on the cone; and
<= ||sum_k z_k g_k|| + sum_k z_k e_k, of which the first is at most the square root of the largest
eigenvalue of (g_k.g_l) relative to (v_k.v_l): sharp where the maximum is inside a linear piece.
Whether that is small enough is all that is asked, and a Cholesky factor tells.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.oracle.cells import CELL_WORK, edge_to_split
from hidden_convexity.oracle.geodesic import REORDER
from hidden_convexity.oracle.maximum import EPS
from hidden_convexity.oracle.relaxation import cone_maximum, gram_matrix

# Rounding of an eigenvalue, for each row of its matrix, in units of the matrix's norm.
EPSILONS = 50 * EPS
# Rows for each output from which an eigenvalue of theirs takes less time than their sum.
EXACT_FROM = 30


@njit(cache=True, nogil=True, fastmath=REORDER)
def relax(block, centres, rests):
    """Coefficients of l_i / ||l_i|| in the centres g_k, and the rests ||l_i|| r_ik: (d, m) each."""
    d, m = block.shape
    above, below = np.zeros(m), np.zeros(m)
    for k in range(d):
        for j in range(m):
            above[j] += max(block[k, j], 0.0)
            below[j] -= min(block[k, j], 0.0)
    for k in range(d):
        for j in range(m):
            t = block[k, j]
            active = above[j] > below[j]
            rests[k, j] = max(-t, 0.0) if active else max(t, 0.0)
            centres[k, j] = 0.5 * rests[k, j] + (t if active else 0.0)


@njit(cache=True, nogil=True)
def spread_top(rests, units, size):
    """Upper bound of the largest eigenvalue of S = sum_i r_i l_i l_i' / ||l_i||, trace S = size.

    For it, sup over |s_i| <= 1 of ||sum s_i l_i r_i||^2 <= size lambda(S), since that is the
    largest (sum s_i q.l_i r_i)^2 over unit q. Where it takes longer than S itself, it is replaced
    by lambda^4 <= trace S^4 = ||S^2||^2.
    """
    m, c = units.shape
    weighted = np.empty((m, c))
    for j in range(m):
        for a in range(c):
            weighted[j, a] = rests[j] * units[j, a]
    spread = weighted.T @ units
    if m > EXACT_FROM * c:
        top = np.linalg.eigvalsh(spread)[-1]
    else:
        square = spread @ spread
        top = np.sqrt(np.sqrt((square * square).sum()))
    return min(top + (EPSILONS * c + m * EPS) * size, size)


@njit(cache=True, nogil=True)
def stays_below(products, gram, square, factor):
    """Whether z'Pz <= square z'Gz for all z, hence ||sum z_k g_k||^2 <= square on the unit ball.

    True only if the Cholesky factor of square G - P exists, less what rounding may have added.
    """
    d = len(gram)
    size = d * square
    for i in range(d):
        size += products[i, i]
    for i in range(d):
        for j in range(i + 1):
            entry = square * gram[i, j] - products[i, j]
            if i == j:
                entry -= EPSILONS * d * size
            for k in range(j):
                entry -= factor[i, k] * factor[j, k]
            if i == j:
                if entry <= 0.0:
                    return False
                factor[i, i] = np.sqrt(entry)
            else:
                factor[i, j] = entry / factor[j, j]
    return True


@njit(cache=True, nogil=True)
def bound_cell(block, number, units, linear, gram, reach, enough):
    """Upper bound of ||N'(Xu)_+|| on the unit vectors of a cone, no sharper than `enough`."""
    (d, c), m = linear.shape, len(number)
    centres, rests, own = np.empty((d, m)), np.empty((d, m)), np.empty((m, c))
    relax(block, centres, rests)
    for j in range(m):
        own[j] = units[number[j]]
    sums = linear + centres @ own
    half, both, centre, least = np.empty(d), np.empty(d), np.empty(d), np.empty(d)
    z, inside = np.empty(d), np.empty(d, dtype=np.bool_)
    factor, partial = np.empty((d, d)), np.empty(d)
    for k in range(d):
        half[k] = 0.5 * rests[k].sum()
        centre[k] = np.sqrt((sums[k] * sums[k]).sum())
        both[k] = centre[k] + half[k]
    best = cone_maximum(gram, reach, both, z, inside, factor, partial)
    if best <= enough:
        return best
    products = sums @ sums.T
    if c > 1:
        # The eigenvalue is at least size / c: where even that is too much, it is not computed.
        for k in range(d):
            least[k] = half[k] / np.sqrt(c)
            both[k] = centre[k] + least[k]
        room = enough - cone_maximum(gram, reach, least, z, inside, factor, partial)
        hopeful = cone_maximum(gram, reach, both, z, inside, factor, partial) <= enough
        if not hopeful and not (room > 0.0 and stays_below(products, gram, room * room, factor)):
            return best
        for k in range(d):
            if half[k] > 0.0:
                size = 2.0 * half[k]
                half[k] = 0.5 * np.sqrt(size * spread_top(rests[k], own, size))
                both[k] = centre[k] + half[k]
        best = min(best, cone_maximum(gram, reach, both, z, inside, factor, partial))
        if best <= enough:
            return best
    room = enough - cone_maximum(gram, reach, half, z, inside, factor, partial)
    if room > 0.0 and stays_below(products, gram, room * room, factor):
        best = enough
    return best


@njit(cache=True, nogil=True)
def keep_crossing(block, number, units, replaced, new, linear, out, out_number):
    """Copy the rows that still cross, one vertex replaced; add those active throughout to `linear`.

    Returns the number of crossing rows, whose products fill `out` (d, m) row by row.
    """
    d, m = block.shape
    c = linear.shape[1]
    count = 0
    for j in range(m):
        low = high = new[j]
        for k in range(d):
            if k != replaced:
                low, high = min(low, block[k, j]), max(high, block[k, j])
        if low < 0.0 < high:
            out_number[count] = j
            count += 1
        elif low >= 0.0:
            unit = units[number[j]]
            for k in range(d):
                t = new[j] if k == replaced else block[k, j]
                for a in range(c):
                    linear[k, a] += t * unit[a]
    for k in range(d):
        for j in range(count):
            kept = out_number[j]
            out[k * count + j] = new[kept] if k == replaced else block[k, kept]
    for j in range(count):
        out_number[j] = number[out_number[j]]
    return count


@njit(cache=True, nogil=True)
def seed(rows, units, cone, linear_part, enough):
    """A stack of one cell: the cone (d, d) with all rows, weighted by ||l_i||, as columns (d, n).

    `linear_part` (d, c) is a matrix L whose L'u is part of N'(Xu)_+ everywhere.
    """
    d, n = rows.shape
    block = cone @ rows
    linear = (cone @ linear_part).reshape(1, d, units.shape[1])
    kept, numbers = np.empty(d * n), np.empty(n, dtype=np.int64)
    number = np.arange(n)
    count = keep_crossing(block, number, units, 0, block[0], linear[0], kept, numbers)
    gram = np.empty((d, d))
    reach = gram_matrix(cone, gram)
    crossing = kept[: d * count].copy()
    bounds, counts = np.empty(1), np.zeros((1, 2), dtype=np.int64)
    counts[0, 0] = count
    numbers = numbers[:count].copy()
    bounds[0] = bound_cell(
        crossing.reshape(d, count), numbers, units, linear[0], gram, reach, enough
    )
    return cone.copy().reshape(1, d, d), linear, bounds, counts, crossing, numbers


@njit(cache=True, nogil=True)
def explore(vertices, linear, bounds, counts, rows, numbers, units, enough, most_cells, most_work):
    """Split the cells of a stack, last in first out, until none is left or a limit is reached.

    Parameters
    ----------
    vertices, linear, bounds, counts, rows, numbers : ndarray
        The stack: (s, d, d), (s, d, c), (s,), (s, 2) numbers of crossing rows and of splits since a
        longest edge was split, and flat arrays of the rows' products and numbers, cell after cell.
    units : (n, c) ndarray
        l_i / ||l_i||.
    enough : float
        Cells bounded by it are closed.
    most_cells, most_work : int
        Limits: cells bounded, and work, one unit a product.

    Returns
    -------
    vertices, linear, bounds, counts, rows, numbers : ndarray
        The stack of open cells.
    closed : float
        Largest bound of a closed cell.
    cells : int
        How many cells were bounded.
    peak, height : (d,) ndarray, float
        The new vertex with the largest ||N'(Xu)_+||, and that norm.
    """
    d, c = vertices.shape[1], units.shape[1]
    size, depth = len(bounds), len(bounds) + 64
    widest = 1
    for cell in range(size):
        widest = max(widest, counts[cell, 0])
    V, A, B = _longer(vertices, depth), _longer(linear, depth), _longer(bounds, depth)
    C, R = _longer(counts, depth), _longer(rows, len(rows) + 2 * d * widest)
    N = _longer(numbers, len(numbers) + 2 * widest)
    top = len(numbers)
    parent, number = np.empty(d * widest), np.empty(widest, dtype=np.int64)
    new, value = np.empty(widest), np.empty(c)
    none, gram = np.empty((d, 0)), np.empty((d, d))
    corners, values, middle, level = np.empty((d, d)), np.empty((d, c)), np.empty(d), np.empty(c)
    peak, height = np.zeros(d), 0.0
    closed, cells, done = 0.0, 0, 0
    while size > 0 and cells < most_cells and done < most_work:
        size -= 1
        m, age = C[size]
        top -= m
        before = B[size]
        if before <= enough:
            closed = max(closed, before)
            continue
        parent[: d * m] = R[d * top : d * (top + m)]
        number[:m] = N[top : top + m]
        block = parent[: d * m].reshape(d, m)
        corners[:], values[:] = V[size], A[size]
        gram_matrix(corners, gram)
        i, j = edge_to_split(block, none, gram, age == d)
        scale = 1.0 / np.sqrt(2.0 + 2.0 * gram[i, j])
        middle[:] = scale * (corners[i] + corners[j])
        level[:] = scale * (values[i] + values[j])
        value[:] = level
        for row in range(m):
            new[row] = scale * (block[i, row] + block[j, row])
            if new[row] > 0.0:
                value += new[row] * units[number[row]]
        norm = np.sqrt((value * value).sum())
        if norm > height:
            height, peak[:] = norm, middle
        if size + 2 > depth:
            depth *= 2
            V, A, B, C = _longer(V, depth), _longer(A, depth), _longer(B, depth), _longer(C, depth)
        if top + 2 * m > len(N):
            N = _longer(N, 2 * len(N) + m)
            R = _longer(R, d * len(N))
        for replaced in (i, j):
            V[size], A[size] = corners, values
            V[size, replaced], A[size, replaced] = middle, level
            count = keep_crossing(
                block, number[:m], units, replaced, new, A[size], R[d * top :], N[top:]
            )
            C[size, 0], C[size, 1] = count, 0 if age == d else age + 1
            crossing = R[d * top : d * (top + count)].reshape(d, count)
            reach = gram_matrix(V[size], gram)
            bound = bound_cell(crossing, N[top : top + count], units, A[size], gram, reach, enough)
            B[size] = min(before, bound)
            cells += 1
            done += CELL_WORK + d * (c + 1) * m
            if B[size] <= enough:
                closed = max(closed, B[size])
            else:
                size += 1
                top += count
    V, A, B, C = V[:size].copy(), A[:size].copy(), B[:size].copy(), C[:size].copy()
    return V, A, B, C, R[: d * top].copy(), N[:top].copy(), closed, cells, peak, height


@njit(cache=True, nogil=True)
def _longer(array, length):
    longer = np.empty((length, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
