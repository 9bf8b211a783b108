"""Compiled splitting of box cones for ||N'(Xu)_+||, N (n, c) with rows l_i.

As in `oracle.boxes`, a row that has one sign on a box is linear there: times l_i, it is part of the
local values `linear` (d, c), or never active. The crossing rows are kept by their local values,
weighted by ||l_i||, and by their numbers.

Cells travel as stacks: boxes (s, 2, d), linear (s, d, c), bounds (s, 1), counts (s, 1) of crossing
rows, and flat arrays with the local values and the numbers of these, cell after cell.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, assign_rows, fill, longer
from hidden_convexity.oracle.halving import (
    CELL_WORK,
    SMALLEST,
    add_bends,
    axis_of,
    copy_chosen,
    local_values,
    side_to_halve,
    sift,
)
from hidden_convexity.oracle.least_distance import dot
from hidden_convexity.oracle.several_outputs.majorant import upper_bound, workspace
from hidden_convexity.oracle.several_outputs.sums import add_active


@njit(cache=True, nogil=True)
def keep_crossing(block, number, units, side, half, linear, scratch, out, out_number):
    """Copy the rows that cross half a box, as in `boxes`; add those active on all of it to
    `linear`. Returns the number of crossing rows."""
    middle, widths, chosen = scratch
    d = len(block)
    count = sift(block, side, half, middle, widths, chosen)
    for i in range(block.shape[1]):
        if middle[i] >= widths[i]:
            unit = units[number[i]]
            for k in range(d):
                t = middle[i] if k == 0 else (0.5 if k == side else 1.0) * block[k, i]
                for a in range(len(unit)):
                    linear[k, a] += t * unit[a]
    copy_chosen(block, side, middle, chosen, count, out)
    for j in range(count):
        out_number[j] = number[chosen[j]]
    return count


@njit(cache=True, nogil=True)
def bound_cell(block, number, units, linear, box, before, enough, space):
    """Bound of ||N'(Xu)_+|| on a cell, at most `before`, and its value at the centre."""
    W = space[3][0][0]
    assign_rows(W, linear)
    add_active(block, number, units, space[0], W)
    height = np.sqrt(dot(W[0], W[0]) / dot(box[0], box[0]))
    if before > enough:
        before = upper_bound(block, number, units, W, box, axis_of(box), before, enough, space)
    return before, height


@njit(cache=True, nogil=True)
def seed(rows, units, box, linear_part, enough):
    """A stack of one cell: the box (2, d) with all rows, weighted by ||l_i||, as columns (d, n).

    `linear_part` (d, c) is a matrix L whose L'u is part of N'(Xu)_+ everywhere.
    """
    (d, n), c, axis = rows.shape, units.shape[1], axis_of(box)
    linear = local_values(linear_part, box, axis).reshape(1, d, c)
    scratch = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    kept, numbers = np.empty(d * n), np.empty(n, dtype=np.int64)
    block = local_values(rows, box, axis)
    count = keep_crossing(block, np.arange(n), units, 0, 1.0, linear[0], scratch, kept, numbers)
    kept, numbers = kept[: d * count].copy(), numbers[:count].copy()
    bounds, counts = np.empty((1, 1)), np.full((1, 1), count)
    crossing, space = kept.reshape(d, count), workspace(d, c, count)
    bounds[0, 0] = bound_cell(crossing, numbers, units, linear[0], box, np.inf, enough, space)[0]
    return box.copy().reshape(1, 2, d), linear, bounds, counts, kept, numbers


@njit(cache=True, nogil=True)
def explore(boxes, linear, bounds, counts, rows, numbers, units, enough, most_cells, most_work):
    """Split the cells of a stack, as `oracle.boxes.explore` does.

    Parameters
    ----------
    boxes, linear, bounds, counts, rows, numbers : ndarray
        The stack.
    units : (n, c) ndarray
        l_i / ||l_i||.
    enough : float
        Cells bounded by it are closed.
    most_cells, most_work : int
        Limits: cells bounded, and work, one unit a product.

    Returns
    -------
    boxes, linear, bounds, counts, rows, numbers : ndarray
        The stack of open cells.
    closed : float
        Largest bound of a closed cell.
    cells : int
        How many cells were bounded.
    peak, height : (d,) ndarray, float
        The centre of a new cell with the largest ||N'(Xu)_+||, as a unit vector, and that norm.
    """
    d, c = boxes.shape[2], units.shape[1]
    size, depth = len(bounds), len(bounds) + 64
    widest = 1
    for cell in range(size):
        widest = max(widest, counts[cell, 0])
    V, A, B = longer(boxes, depth), longer(linear, depth), longer(bounds, depth)
    C, R = longer(counts, depth), longer(rows, len(rows) + 2 * d * widest)
    N = longer(numbers, len(numbers) + 2 * widest)
    top = len(numbers)
    parent, number = np.empty(d * widest), np.empty(widest, dtype=np.int64)
    scratch = np.empty(widest), np.empty(widest), np.empty(widest, dtype=np.int64)
    box, values, bends = np.empty((2, d)), np.empty((d, c)), np.empty(d)
    space, peak, height = workspace(d, c, widest), np.zeros(d), 0.0
    closed, cells, done = 0.0, 0, 0
    while size > 0 and cells < most_cells and done < most_work and height <= enough:
        size -= 1
        m = C[size, 0]
        top -= m
        before = B[size, 0]
        if before <= enough or V[size, 1].max() < SMALLEST:
            closed = max(closed, before)
            continue
        assign(parent[: d * m], R[d * top :])
        assign(number[:m], N[top:])
        block = parent[: d * m].reshape(d, m)
        assign_rows(box, V[size])
        assign_rows(values, A[size])
        fill(bends, 0.0)
        add_bends(block, scratch[1], bends)
        side, along = side_to_halve(box, axis_of(box), bends)
        if size + 2 > depth:
            depth *= 2
            V, A, B, C = longer(V, depth), longer(A, depth), longer(B, depth), longer(C, depth)
        if top + 2 * m > len(N):
            N = longer(N, 2 * len(N) + m)
            R = longer(R, d * len(N))
        for half in (1.0, -1.0):
            assign_rows(V[size], box)
            V[size, 1, along] *= 0.5
            V[size, 0, along] += half * V[size, 1, along]
            assign_rows(A[size], values)
            for a in range(c):
                A[size, side, a] *= 0.5
                A[size, 0, a] += half * A[size, side, a]
            count = keep_crossing(
                block, number, units, side, half, A[size], scratch, R[d * top :], N[top:]
            )
            C[size, 0] = count
            crossing = R[d * top : d * (top + count)].reshape(d, count)
            B[size, 0], value = bound_cell(
                crossing, N[top : top + count], units, A[size], V[size], before, enough, space
            )
            if value > height:
                length = np.sqrt(dot(V[size, 0], V[size, 0]))
                height = value
                for j in range(d):
                    peak[j] = V[size, 0, j] / length
            cells += 1
            done += CELL_WORK + d * (c + 1) * m
            if B[size, 0] <= enough:
                closed = max(closed, B[size, 0])
            else:
                size += 1
                top += count
    V, A, B, C = V[:size].copy(), A[:size].copy(), B[:size].copy(), C[:size].copy()
    return V, A, B, C, R[: d * top].copy(), N[:top].copy(), closed, cells, peak, height
