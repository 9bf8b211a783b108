"""Compiled geometry of the flats on which optimal neurons live.

A flat is the set of u orthogonal to the rows tight at u, that is to the span of these rows. Data
come transposed, (d, n), with the norms of the rows.
"""

import numpy as np

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import assign, divide, fill

# A row is tight at a unit u if |x.u| <= TIGHT ||x||. Products of unit vectors carry an error of a
# few 1e-16, and chance brings a row that is not tight this close only once in 1e12.
TIGHT = 1e-12
# A tight row whose part orthogonal to the other tight rows is smaller, relative to its norm, is in
# their span: normalising that part would amplify the 1e-16 in it by more than 1e6.
DEPENDENT = 1e-6
# Lines of tight rows, and rays of their local arrangement, tested before leaving a flat. General
# position has at most d - 1 of both; only many rows through one point reach the caps, and then a
# direction of ascent may be missed, which costs a worse local maximum and nothing else.
MAX_LINES = 48
MAX_RAYS = 5_000
# Flats of more tight rows than this are left along the rays that release one of `rank` independent
# ones. There are rank of these, and a triangular inverse gives them all in O(rank^3); going through
# all rays took nine tenths of a search at d = 32, n = 2,000.
ALL_RAYS = 16


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
            divide(row, size)
            assign(basis[rank], row)
            rank += 1
    return rank


@njit(cache=True, nogil=True)
def tight_lines(columns, norms, tight, basis, rank, lines):
    """Distinct lines of the tight rows in coordinates of their span; returns how many."""
    count = 0
    line = np.empty(rank)
    for i in tight:
        for j in range(rank):
            line[j] = 0.0
            for k in range(columns.shape[0]):
                line[j] += basis[j, k] * columns[k, i] / norms[i]
        divide(line, norm(line))
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
            assign(lines[count], line)
            count += 1
            if count == len(lines):
                break
    return count


@njit(cache=True, nogil=True)
def ray(lines, rank, subset, frame, out):
    """Unit vector orthogonal to rank - 1 lines, False if they are dependent."""
    for j in range(rank - 1):
        assign(frame[j], lines[subset[j]])
        remove_span(frame, j, frame[j])
        size = norm(frame[j])
        if size < DEPENDENT:
            return False
        divide(frame[j], size)
    best = 0.0
    candidate = np.empty(rank)
    for k in range(rank):
        fill(candidate, 0.0)
        candidate[k] = 1.0
        remove_span(frame, rank - 1, candidate)
        size = norm(candidate)
        if size > best:
            best = size
            divide(candidate, size)
            assign(out, candidate)
    remove_span(frame, rank - 1, out)
    divide(out, norm(out))
    return True


@njit(cache=True, nogil=True)
def releases(columns, norms, tight, basis, rank, out):
    """Rows of `out` (rank, d): unit vectors, each orthogonal to all independent tight rows but one.

    `span_of_tight_rows` made the rows of the basis one by one, each from the first tight row that
    the earlier ones do not span: in that basis these tight rows are a triangular matrix, whose
    inverse has the wanted vectors as columns.
    """
    triangle = np.zeros((rank, rank))
    r = 0
    for i in tight:
        if r == rank:
            break
        along = 0.0
        for k in range(len(columns)):
            along += basis[r, k] * columns[k, i] / norms[i]
        if along > DEPENDENT:
            for j in range(r + 1):
                for k in range(len(columns)):
                    triangle[r, j] += basis[j, k] * columns[k, i] / norms[i]
            r += 1
    inverse = np.zeros((rank, rank))
    for j in range(rank):
        inverse[j, j] = 1.0 / triangle[j, j]
        for i in range(j + 1, rank):
            for k in range(j, i):
                inverse[i, j] -= triangle[i, k] * inverse[k, j]
            inverse[i, j] /= triangle[i, i]
    for j in range(rank):
        fill(out[j], 0.0)
        for i in range(rank):
            for k in range(out.shape[1]):
                out[j, k] += inverse[i, j] * basis[i, k]
        divide(out[j], norm(out[j]))


@njit(cache=True, nogil=True)
def one_sided_slopes(columns, nu, norms, tight, g, w):
    """Slopes of nu.(Xu)_+ along w and -w, from a u where some rows are tight."""
    forward = backward = 0.0
    for i in tight:
        product = 0.0
        for k in range(len(w)):
            product += columns[k, i] * w[k]
        if abs(product) > TIGHT * norms[i]:
            forward += nu[i] * max(product, 0.0)
            backward += nu[i] * max(-product, 0.0)
    linear = 0.0
    for k in range(len(w)):
        linear += g[k] * w[k]
    return forward + linear, backward - linear


@njit(cache=True, nogil=True)
def along_ray(ray, forward, out):
    """out = ray if forward, else -ray."""
    for k in range(len(out)):
        out[k] = ray[k] if forward else -ray[k]


@njit(cache=True, nogil=True)
def steepest_release(columns, nu, norms, tight, basis, rank, g, out):
    """Steepest way off the flat along a ray of the tight rows' arrangement; returns its slope.

    The one-sided slope g.w + sum over tight rows of nu_i (x_i.w)_+ is linear on each cone of that
    arrangement, so it is positive somewhere only if it is positive on a ray: a vector orthogonal
    to rank - 1 independent tight rows. In general position that means releasing one row.
    """
    d = columns.shape[0]
    best = 0.0
    if rank > ALL_RAYS:
        rays = np.empty((rank, d))
        releases(columns, norms, tight, basis, rank, rays)
        for j in range(rank):
            forward, backward = one_sided_slopes(columns, nu, norms, tight, g, rays[j])
            if max(forward, backward) > best:
                best = max(forward, backward)
                along_ray(rays[j], forward >= backward, out)
        return best
    lines = np.empty((MAX_LINES, rank))
    count = tight_lines(columns, norms, tight, basis, rank, lines)
    subset = np.empty(rank - 1, dtype=np.int64)
    for j in range(rank - 1):
        subset[j] = j
    frame = np.empty((rank, rank))
    along = np.empty(rank)
    w = np.empty(d)
    for _ in range(MAX_RAYS):
        if ray(lines, rank, subset, frame, along):
            fill(w, 0.0)
            for j in range(rank):
                for k in range(d):
                    w[k] += along[j] * basis[j, k]
            forward, backward = one_sided_slopes(columns, nu, norms, tight, g, w)
            if max(forward, backward) > best:
                best = max(forward, backward)
                along_ray(w, forward >= backward, out)
        j = rank - 2
        while j >= 0 and subset[j] == count - rank + 1 + j:
            j -= 1
        if j < 0:
            break
        subset[j] += 1
        for later in range(j + 1, rank - 1):
            subset[later] = subset[later - 1] + 1
    return best
