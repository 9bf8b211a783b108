"""Compiled splitting of simplicial cones: the tree of the branch and bound oracle.

A cell is the cone of d unit vertices v_k. A row whose products with the vertices have one sign is
linear on the cell: it is part of the cell's values `linear[k]` = a.v_k, or never active. Only the
others, the crossing rows, are kept, as their products with the vertices, weighted by |nu_i|: rows
of nu_i > 0 in one (d, m) block ("positive"), rows of nu_i < 0 in another ("negative"). Splitting an
edge makes one new vertex, whose products are a sum of two columns, so data are read only once.

Cells travel as stacks: vertices (c, d, d), linear (c, d), bounds (c, 2) of h(u) = nu.(Xu)_+ and of
-h, counts (c, 3) of positive and of negative crossing rows and of splits since a longest edge was
split, and a flat array with the products, cell after cell.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, assign_rows
from hidden_convexity.oracle.geodesic import REORDER
from hidden_convexity.oracle.relaxation import gram_matrix, upper_bound, workspace

# Only edges longer than this part of the longest one, in 1 - cosine, may be split, and after d such
# splits the longest one is. New edges are then shorter than the longest by a fixed factor, so all
# edges shrink to nothing; without the second rule cells may become flat.
LONG_ENOUGH = 0.2
# Work of a cell besides its rows, in products.
CELL_WORK = 500


@njit(cache=True, nogil=True, fastmath=REORDER)
def bend(block, i, j):
    """How much the crossing rows bend between vertices i and j: sum of (s)_+ + (t)_+ - (s+t)_+."""
    total = 0.0
    for row in range(block.shape[1]):
        s, t = block[i, row], block[j, row]
        total += max(s, 0.0) + max(t, 0.0) - max(s + t, 0.0)
    return total


@njit(cache=True, nogil=True)
def edge_to_split(positive, negative, gram, longest_only):
    """The edge on which the rows bend most, among the long ones: there the relaxation is worst."""
    d = len(gram)
    longest = 0.0
    for i in range(d):
        for j in range(i):
            longest = max(longest, 1.0 - gram[i, j])
    shortest = longest if longest_only else LONG_ENOUGH * longest
    most, first, second = -1.0, 1, 0
    for i in range(d):
        for j in range(i):
            if 1.0 - gram[i, j] >= shortest:
                size = bend(positive, i, j) + bend(negative, i, j)
                if size > most:
                    most, first, second = size, i, j
    return first, second


@njit(cache=True, nogil=True, fastmath=REORDER)
def extremes(block, replaced, new, low, high):
    """Least and greatest product of each row with the vertices, one vertex replaced."""
    m = block.shape[1]
    for i in range(m):
        low[i] = high[i] = new[i]
    for k in range(block.shape[0]):
        if k != replaced:
            for i in range(m):
                low[i] = min(low[i], block[k, i])
                high[i] = max(high[i], block[k, i])


@njit(cache=True, nogil=True)
def keep_crossing(block, replaced, new, sign, linear, low, high, chosen, out):
    """Copy the rows that still cross to `out`, add those active on the whole cell to `linear`.

    Returns the number of crossing rows.
    """
    d, m = block.shape
    extremes(block, replaced, new, low, high)
    count = 0
    for i in range(m):
        chosen[count] = i
        count += low[i] < 0.0 < high[i]
        if low[i] >= 0.0:
            for k in range(d):
                linear[k] += sign * (new[i] if k == replaced else block[k, i])
    for k in range(d):
        offset = k * count
        if k == replaced:
            for j in range(count):
                out[offset + j] = new[chosen[j]]
        else:
            for j in range(count):
                out[offset + j] = block[k, chosen[j]]
    return count


@njit(cache=True, nogil=True)
def products_with(columns, vertices):
    """Products (d, n) of all vertices with all rows, given as columns (d, n)."""
    d, n = columns.shape
    products = np.zeros((d, n))
    for k in range(d):
        for j in range(d):
            factor = vertices[k, j]
            for i in range(n):
                products[k, i] += factor * columns[j, i]
    return products


@njit(cache=True, nogil=True)
def bound_cell(up, down, linear, bounds, gram, reach, enough, space):
    """Lower the bounds (2,) of h and -h on a cell; those that are low enough are left alone."""
    if bounds[0] > enough:
        bound = upper_bound(up, down, linear, 1.0, gram, reach, enough, space)
        bounds[0] = min(bounds[0], bound)
    if bounds[1] > enough:
        bound = upper_bound(down, up, linear, -1.0, gram, reach, enough, space)
        bounds[1] = min(bounds[1], bound)


@njit(cache=True, nogil=True)
def seed(positive_rows, negative_rows, cone, linear_part, enough):
    """A stack of one cell: the cone (d, d) with all rows, weighted by |nu_i|, (d, .) each.

    `linear_part` (d,) is a vector a whose a.u is part of h everywhere.
    """
    d = len(cone)
    n = max(positive_rows.shape[1], negative_rows.shape[1])
    low, high, chosen = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    linear, counts = np.zeros((1, d)), np.zeros((1, 3), dtype=np.int64)
    for k in range(d):
        for j in range(d):
            linear[0, k] += cone[k, j] * linear_part[j]
    rows = np.empty(d * (positive_rows.shape[1] + negative_rows.shape[1]))
    block = products_with(positive_rows, cone)
    counts[0, 0] = keep_crossing(block, 0, block[0], 1.0, linear[0], low, high, chosen, rows)
    middle = d * counts[0, 0]
    block = products_with(negative_rows, cone)
    counts[0, 1] = keep_crossing(
        block, 0, block[0], -1.0, linear[0], low, high, chosen, rows[middle:]
    )
    end = middle + d * counts[0, 1]
    bounds = np.full((1, 2), np.inf)
    gram, space = np.empty((d, d)), workspace(d, n)
    reach = gram_matrix(cone, gram)
    up = rows[:middle].reshape(d, counts[0, 0])
    down = rows[middle:end].reshape(d, counts[0, 1])
    bound_cell(up, down, linear[0], bounds[0], gram, reach, enough, space)
    return cone.copy().reshape(1, d, d), linear, bounds, counts, rows[:end].copy()


@njit(cache=True, nogil=True)
def explore(
    vertices, linear, bounds, counts, rows, enough, most_cells, most_work, cones, cone_bounds
):
    """Split the cells of a stack, last in first out, until none is left or a limit is reached.

    Parameters
    ----------
    vertices, linear, bounds, counts, rows : ndarray
        The stack.
    enough : float
        Cells bounded by it are closed.
    most_cells, most_work : int
        Limits: cells bounded, and work, one unit a product.
    cones, cone_bounds : (k, d, d) and (k,) ndarray
        Filled with the vertices and the bounds of the first k closed cells; k = 0 keeps none.

    Returns
    -------
    vertices, linear, bounds, counts, rows : ndarray
        The stack of open cells.
    closed : float
        Largest bound of a closed cell.
    cells : int
        How many cells were bounded.
    kept : int
        How many closed cells were kept.
    peak, height : (d,) ndarray, float
        The new vertex with the largest |h|, and that h, signed.
    """
    d = vertices.shape[1]
    size, depth = len(bounds), len(bounds) + 64
    widest = 1
    for cell in range(size):
        widest = max(widest, counts[cell, 0] + counts[cell, 1])
    V, A, B = _longer(vertices, depth), _longer(linear, depth), _longer(bounds, depth)
    C, R = _longer(counts, depth), _longer(rows, len(rows) + 2 * d * widest)
    top = len(rows)
    parent = np.empty(d * widest)
    new, low, high = np.empty((2, widest)), np.empty(widest), np.empty(widest)
    chosen = np.empty(widest, dtype=np.int64)
    gram, space = np.empty((d, d)), workspace(d, widest)
    corners, values, middle = np.empty((d, d)), np.empty(d), np.empty(d)
    peak, height = np.zeros(d), 0.0
    closed, cells, done, kept = 0.0, 0, 0, 0
    while size > 0 and cells < most_cells and done < most_work:
        size -= 1
        m, k, age = C[size]
        top -= d * (m + k)
        before = max(B[size, 0], B[size, 1])
        if before <= enough:
            closed = max(closed, before)
            kept += keep_cone(V[size], before, cones, cone_bounds, kept)
            continue
        over, under = B[size]
        assign(parent[: d * (m + k)], R[top:])
        positive = parent[: d * m].reshape(d, m)
        negative = parent[d * m : d * (m + k)].reshape(d, k)
        assign_rows(corners, V[size])
        assign(values, A[size])
        gram_matrix(corners, gram)
        i, j = edge_to_split(positive, negative, gram, age == d)
        scale = 1.0 / np.sqrt(2.0 + 2.0 * gram[i, j])
        for axis in range(d):
            middle[axis] = scale * (corners[i, axis] + corners[j, axis])
        level = scale * (values[i] + values[j])
        value = level + new_products(positive, i, j, scale, new[0])
        value -= new_products(negative, i, j, scale, new[1])
        if abs(value) > abs(height):
            height = value
            assign(peak, middle)
        if size + 2 > depth:
            depth *= 2
            V, A, B, C = _longer(V, depth), _longer(A, depth), _longer(B, depth), _longer(C, depth)
        if top + 2 * d * (m + k) > len(R):
            R = _longer(R, 2 * len(R) + d * (m + k))
        for replaced in (i, j):
            assign_rows(V[size], corners)
            assign(A[size], values)
            assign(V[size, replaced], middle)
            A[size, replaced] = level
            B[size, 0], B[size, 1] = over, under
            C[size, 0] = keep_crossing(
                positive, replaced, new[0], 1.0, A[size], low, high, chosen, R[top:]
            )
            half = top + d * C[size, 0]
            C[size, 1] = keep_crossing(
                negative, replaced, new[1], -1.0, A[size], low, high, chosen, R[half:]
            )
            C[size, 2] = 0 if age == d else age + 1
            end = half + d * C[size, 1]
            up, down = R[top:half].reshape(d, C[size, 0]), R[half:end].reshape(d, C[size, 1])
            reach = gram_matrix(V[size], gram)
            bound_cell(up, down, A[size], B[size], gram, reach, enough, space)
            cells += 1
            done += CELL_WORK + d * (m + k)
            after = max(B[size, 0], B[size, 1])
            if after <= enough:
                closed = max(closed, after)
                kept += keep_cone(V[size], after, cones, cone_bounds, kept)
            else:
                size += 1
                top = end
    V, A, B, C = V[:size].copy(), A[:size].copy(), B[:size].copy(), C[:size].copy()
    return V, A, B, C, R[:top].copy(), closed, cells, kept, peak, height


@njit(cache=True, nogil=True)
def keep_cone(vertices, bound, cones, cone_bounds, kept):
    """Write a closed cell where there is room; returns whether there was."""
    room = kept < len(cones)
    if room:
        assign_rows(cones[kept], vertices)
        cone_bounds[kept] = bound
    return room


@njit(cache=True, nogil=True, fastmath=REORDER)
def new_products(block, i, j, scale, out):
    """Products with the new vertex scale (v_i + v_j), and the sum of their positive parts."""
    total = 0.0
    for row in range(block.shape[1]):
        out[row] = scale * (block[i, row] + block[j, row])
        total += max(out[row], 0.0)
    return total


@njit(cache=True, nogil=True)
def pick_rows(rows, sizes, order):
    """The rows of some cells, in the given order; `sizes` (c,) are those of all cells."""
    starts = np.zeros(len(sizes), dtype=np.int64)
    for cell in range(len(sizes) - 1):
        starts[cell + 1] = starts[cell] + sizes[cell]
    picked, end = np.empty(sizes[order].sum()), 0
    for cell in order:
        assign(picked[end : end + sizes[cell]], rows[starts[cell] :])
        end += sizes[cell]
    return picked


@njit(cache=True, nogil=True)
def _longer(array, length):
    longer = np.empty((length, *array.shape[1:]), dtype=array.dtype)
    old = array.reshape(-1)
    assign(longer.reshape(-1)[: len(old)], old)
    return longer
