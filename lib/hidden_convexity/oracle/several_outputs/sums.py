"""Compiled sums over the rows that cross a box's cone, some at a time: see `majorant`.

Rows are their local values (d, m), weighted by ||l_i||, and their numbers (m,) among the unit rows
`units` (n, c), l_i / ||l_i||. A chunk is work for the l_i, the values at corners and a row more.
"""

from hidden_convexity.foundations.compilation import njit
from hidden_convexity.foundations.loops import fill
from hidden_convexity.oracle.geodesic import REORDER
from hidden_convexity.oracle.majorant import tabulate

# Rows held at a time, with their values at all corners and their l_i.
CHUNK = 64


@njit(cache=True, nogil=True, fastmath=REORDER)
def gather(units, number, start, size, out):
    """out[a, i] = entry a of the unit row l_i / ||l_i|| of row start + i."""
    for i in range(size):
        unit = units[number[start + i]]
        for a in range(len(unit)):
            out[a, i] = unit[a]


@njit(cache=True, nogil=True, fastmath=REORDER)
def add_active(block, number, units, chunk, W):
    """W (d, c) += local values of the rows that are active at the centre, times their l_i."""
    d, m = block.shape
    columns, _, active = chunk
    for start in range(0, m, CHUNK):
        size = min(CHUNK, m - start)
        gather(units, number, start, size, columns)
        for k in range(d):
            for i in range(size):
                active[i] = block[k, start + i] if block[0, start + i] > 0.0 else 0.0
            for a in range(len(columns)):
                total = 0.0
                for i in range(size):
                    total += active[i] * columns[a, i]
                W[k, a] += total


@njit(cache=True, nogil=True, fastmath=REORDER)
def add_rests(block, number, units, q, chunk, centres, along, sizes, widest):
    """Add up over the crossing rows, at each corner, their rests r_iv.

    centres (2^(d-1), c) += sum l_i r_iv, along += sum |q.l_i| r_iv, sizes += sum ||l_i|| r_iv; and
    widest (m,) becomes the largest ||l_i|| r_iv of each row.
    """
    m = block.shape[1]
    columns, table, share = chunk
    for start in range(0, m, CHUNK):
        size = min(CHUNK, m - start)
        gather(units, number, start, size, columns)
        fill(share[:size], 0.0)
        for a in range(len(columns)):
            for i in range(size):
                share[i] += q[a] * columns[a, i]
        for i in range(size):
            share[i] = abs(share[i])
        half = tabulate(block, start, size, table)
        for i in range(size):
            widest[start + i] = 0.0
        for v in range(half):
            total = part = 0.0
            for i in range(size):
                t = table[v, i]
                rest = max(-t, 0.0) if block[0, start + i] > 0.0 else max(t, 0.0)
                table[v, i] = rest
                total += rest
                part += share[i] * rest
                widest[start + i] = max(widest[start + i], rest)
            sizes[v] += total
            along[v] += part
            for a in range(len(columns)):
                total = 0.0
                for i in range(size):
                    total += table[v, i] * columns[a, i]
                centres[v, a] += total


@njit(cache=True, nogil=True, fastmath=REORDER)
def spread(weights, number, units, chunk, S):
    """S (c, c) = sum_i w_i l_i l_i' / ||l_i||^2; returns its trace, sum_i w_i."""
    columns, _, weighted = chunk
    m, c, size_of_all = len(number), units.shape[1], 0.0
    for a in range(c):
        fill(S[a], 0.0)
    for start in range(0, m, CHUNK):
        size = min(CHUNK, m - start)
        gather(units, number, start, size, columns)
        for i in range(size):
            size_of_all += weights[start + i]
        for a in range(c):
            for i in range(size):
                weighted[i] = weights[start + i] * columns[a, i]
            for b in range(a + 1):
                total = 0.0
                for i in range(size):
                    total += weighted[i] * columns[b, i]
                S[a, b] += total
    for a in range(c):
        for b in range(a):
            S[b, a] = S[a, b]
    return size_of_all
