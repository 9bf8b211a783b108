"""Compiled splitting of box cones: the tree of the branch and bound oracle.

A cell is the cone of a box on a face of the cube, u_axis = 1 or -1, see `majorant`. A row that has
one sign on it is linear there: it is part of the cell's local values `linear`, or never active.
Only the others, the crossing rows, are kept, by their local values, weighted by |nu_i|: rows of
nu_i > 0 in one (d, m) block ("positive"), rows of nu_i < 0 in another ("negative"). Halving a side
changes two local values of a row, so data are read only once.

Cells travel as stacks: boxes (c, 2, d) of centres and half-widths, linear (c, d), bounds (c, 2) of
h(u) = nu.(Xu)_+ and of -h, counts (c, 2) of positive and of negative crossing rows, and a flat
array with the local values of these, cell after cell.

One box does for the (d-1)! simplices around its diagonal that fill it, whose bounds are no better.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, assign_rows, fill, longer
from hidden_convexity.oracle.geodesic import REORDER
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
from hidden_convexity.oracle.majorant import corners_of, upper_bound, workspace

# Halves of a cell whose bound is so many times what closes one rarely close. They keep its bound,
# which holds for them as well, and only their own halves are bounded again.
HOPELESS = 1.5


@njit(cache=True, nogil=True, fastmath=REORDER)
def keep_crossing(block, side, half, sign, linear, middle, widths, chosen, out):
    """Copy the rows that cross half a box, see `sift`, to `out`; add those active on all of it to
    `linear`. Returns the number of crossing rows."""
    d, m = block.shape
    count = sift(block, side, half, middle, widths, chosen)
    for i in range(m):
        if middle[i] >= widths[i]:
            linear[0] += sign * middle[i]
            for k in range(1, d):
                linear[k] += sign * (0.5 if k == side else 1.0) * block[k, i]
    copy_chosen(block, side, middle, chosen, count, out)
    return count


@njit(cache=True, nogil=True)
def bound_cell(up, down, linear, bounds, box, enough, space):
    """Lower the bounds (2,) of h and -h on a cell; those that are low enough are left alone."""
    axis = axis_of(box)
    reach = corners_of(box, axis, space[0])
    if bounds[0] > enough:
        bound = upper_bound(up, down, linear, 1.0, box, axis, reach, enough, space)
        bounds[0] = min(bounds[0], bound)
    if bounds[1] > enough:
        bound = upper_bound(down, up, linear, -1.0, box, axis, reach, enough, space)
        bounds[1] = min(bounds[1], bound)


@njit(cache=True, nogil=True)
def seed(positive_rows, negative_rows, box, linear_part, enough):
    """A stack of one cell: the box (2, d) with all rows, weighted by |nu_i|, (d, .) each.

    `linear_part` (d,) is a vector a whose a.u is part of h everywhere.
    """
    d, axis = len(linear_part), axis_of(box)
    n = max(positive_rows.shape[1], negative_rows.shape[1])
    middle, widths, chosen = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    linear = local_values(linear_part.reshape(d, 1), box, axis).reshape(1, d)
    counts, bounds = np.zeros((1, 2), dtype=np.int64), np.full((1, 2), np.inf)
    rows = np.empty(d * (positive_rows.shape[1] + negative_rows.shape[1]))
    block = local_values(positive_rows, box, axis)
    m = keep_crossing(block, 0, 1.0, 1.0, linear[0], middle, widths, chosen, rows)
    block = local_values(negative_rows, box, axis)
    k = keep_crossing(block, 0, 1.0, -1.0, linear[0], middle, widths, chosen, rows[d * m :])
    counts[0, 0], counts[0, 1] = m, k
    end = d * (m + k)
    up, down = rows[: d * m].reshape(d, m), rows[d * m : end].reshape(d, k)
    bound_cell(up, down, linear[0], bounds[0], box, enough, workspace(d, n))
    return box.copy().reshape(1, 2, d), linear, bounds, counts, rows[:end].copy()


@njit(cache=True, nogil=True)
def explore(boxes, linear, bounds, counts, rows, enough, most_cells, most_work, kept, kept_bounds):
    """Split the cells of a stack, last in first out, until none is left or a limit is reached.

    It also ends at a direction with |h| above `enough`, which is a better one than was known.

    Parameters
    ----------
    boxes, linear, bounds, counts, rows : ndarray
        The stack.
    enough : float
        Cells bounded by it are closed.
    most_cells, most_work : int
        Limits: cells bounded, and work, one unit a product.
    kept, kept_bounds : (k, 2, d) and (k,) ndarray
        Filled with the boxes and the bounds of the first k closed cells; k = 0 keeps none.

    Returns
    -------
    boxes, linear, bounds, counts, rows : ndarray
        The stack of open cells.
    closed : float
        Largest bound of a closed cell.
    cells : int
        How many cells were bounded.
    peak, height : (d,) ndarray, float
        The centre of a new cell with the largest |h|, as a unit vector, and that h, signed.
    count : int
        How many closed cells were kept.
    """
    d = boxes.shape[2]
    size, depth = len(bounds), len(bounds) + 64
    widest = 1
    for cell in range(size):
        widest = max(widest, counts[cell, 0] + counts[cell, 1])
    inherited = np.zeros(depth, dtype=np.bool_)
    V, A, B = longer(boxes, depth), longer(linear, depth), longer(bounds, depth)
    C, R = longer(counts, depth), longer(rows, len(rows) + 2 * d * widest)
    top = len(rows)
    parent, chosen = np.empty(d * widest), np.empty(widest, dtype=np.int64)
    middle, widths, space = np.empty(widest), np.empty(widest), workspace(d, widest)
    box, values, bends = np.empty((2, d)), np.empty(d), np.empty(d)
    peak, height = np.zeros(d), 0.0
    closed, cells, done, count = 0.0, 0, 0, 0
    # No cell around a direction above `enough` can be closed until that is raised.
    while size > 0 and cells < most_cells and done < most_work and abs(height) <= enough:
        size -= 1
        m, k = C[size]
        top -= d * (m + k)
        over, under = B[size]
        hopeless = not inherited[size] and max(over, under) > HOPELESS * enough
        if max(over, under) <= enough or V[size, 1].max() < SMALLEST:
            closed = max(closed, over, under)
            count += keep(V[size], max(over, under), kept, kept_bounds, count)
            continue
        assign(parent[: d * (m + k)], R[top:])
        positive = parent[: d * m].reshape(d, m)
        negative = parent[d * m : d * (m + k)].reshape(d, k)
        assign_rows(box, V[size])
        assign(values, A[size])
        fill(bends, 0.0)
        if over > enough:
            add_bends(positive, widths, bends)
        if under > enough:
            add_bends(negative, widths, bends)
        side, along = side_to_halve(box, axis_of(box), bends)
        if size + 2 > depth:
            depth *= 2
            V, A, B, C = longer(V, depth), longer(A, depth), longer(B, depth), longer(C, depth)
            inherited = longer(inherited, depth)
        if top + 2 * d * (m + k) > len(R):
            R = longer(R, 2 * len(R) + d * (m + k))
        for half in (1.0, -1.0):
            assign_rows(V[size], box)
            V[size, 1, along] *= 0.5
            V[size, 0, along] += half * V[size, 1, along]
            assign(A[size], values)
            A[size, side] *= 0.5
            A[size, 0] += half * A[size, side]
            B[size, 0], B[size, 1] = over, under
            C[size, 0] = keep_crossing(
                positive, side, half, 1.0, A[size], middle, widths, chosen, R[top:]
            )
            turn = top + d * C[size, 0]
            C[size, 1] = keep_crossing(
                negative, side, half, -1.0, A[size], middle, widths, chosen, R[turn:]
            )
            end = turn + d * C[size, 1]
            up, down = R[top:turn].reshape(d, C[size, 0]), R[turn:end].reshape(d, C[size, 1])
            length = np.sqrt(dot(V[size, 0], V[size, 0]))
            value = (A[size, 0] + sum_positive(up) - sum_positive(down)) / length
            if abs(value) > abs(height):
                height = value
                for j in range(d):
                    peak[j] = V[size, 0, j] / length
            inherited[size] = hopeless
            done += d * (m + k)
            if not hopeless:
                bound_cell(up, down, A[size], B[size], V[size], enough, space)
                cells += 1
                done += CELL_WORK
            after = max(B[size, 0], B[size, 1])
            if after <= enough:
                closed = max(closed, after)
                count += keep(V[size], after, kept, kept_bounds, count)
            else:
                size += 1
                top = end
    V, A, B, C = V[:size].copy(), A[:size].copy(), B[:size].copy(), C[:size].copy()
    return V, A, B, C, R[:top].copy(), closed, cells, peak, height, count


@njit(cache=True, nogil=True)
def keep(box, bound, kept, kept_bounds, count):
    """Write a closed cell where there is room; returns whether there was."""
    room = count < len(kept)
    if room:
        assign_rows(kept[count], box)
        kept_bounds[count] = bound
    return room


@njit(cache=True, nogil=True, fastmath=REORDER)
def sum_positive(block):
    """The sum of (t_i)_+ at the centre."""
    total = 0.0
    for i in range(block.shape[1]):
        total += max(block[0, i], 0.0)
    return total
