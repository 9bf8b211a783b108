"""An upper bound of |nu.(Zu)_+|, or ||nu'(Zu)_+||, over unit u from cones that cover the space.

First the orthants, and each is either bounded or halved. The file says where to halve; a cone whose
bound is too large is halved further here.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from .rounding import SAFE, TINY, Refused, U, gamma, lengths

MOST_CONES, MOST_HALVINGS = 4_000_000, 200
ROWS, CONES = 200_000, 4_000  # of a batch
LONG_ENOUGH = 0.3  # part of the longest edge: halving shorter ones would make needles


class Cells(NamedTuple):
    """Cones of vertices v_k, whose absolute values sum to one, and the rows that change sign there.

    `linear` is sum nu_i z_i.v_k over the rows active on the whole cone, `products` are ||nu_i||
    z_i.v_k of the others, cone after cone, of which `owner` is the number; `unit` is nu_i of length
    1, for one output its sign.
    """

    vertices: np.ndarray  # (c, r, r)
    linear: np.ndarray  # (c, r, outputs)
    node: np.ndarray  # (c,) place in the tree
    depth: np.ndarray  # (c,) halvings
    products: np.ndarray  # (m, r)
    unit: np.ndarray  # (m, outputs)
    owner: np.ndarray  # (m,)

    def only(self, chosen):
        """Some of the cones."""
        number = np.full(len(self.node), -1)
        number[chosen] = np.arange(len(chosen))
        rows = number[self.owner] >= 0
        cones = (array[chosen] for array in self[:4])
        return Cells(*cones, self.products[rows], self.unit[rows], number[self.owner[rows]])

    def settled(self):
        """The same, with rows of one sign made part of `linear`, or dropped."""
        low, high = self.products.min(axis=1), self.products.max(axis=1)
        on, rows = low >= 0, (low < 0) & (high > 0)
        active = sums(self.products[on], self.unit[on], self.owner[on], len(self.node))
        rest = self._replace(linear=self.linear + active)
        return Cells(*rest[:4], *(array[rows] for array in rest[4:]))


def sums(values, unit, owner, count):
    """Sums (count, r, outputs) of the rows (m, r) of each cone, times their units (m, outputs)."""
    total = [
        np.bincount(owner, column * share, minlength=count)
        for column in values.T
        for share in unit.T
    ]
    return np.transpose(total).reshape(count, values.shape[1], unit.shape[1])


def cones(Z, nu, codes, enough):
    """An upper bound of ||nu'(Zu)_+|| over unit vectors u, at most `enough`, and the tree used.

    nu is (n,), or (n, outputs).
    `codes` are the nodes of the file's tree, level by level from the 2^r orthants: 0 is a cone to
    be bounded, k is one to be halved at its k-th edge into two cones of the next level. The tree
    used is a list of nodes, codes and first children; nodes beyond the file's have higher numbers.
    """
    r, nu = Z.shape[1], nu.reshape(len(nu), -1)
    used = Z.any(axis=1) & nu.any(axis=1)
    weights = lengths(nu[used])
    rows, unit = weights[:, None] * Z[used], nu[used] / weights[:, None]
    size = math.fsum(np.abs(rows).max(axis=1, initial=0.0))
    # A value b_k is a sum of at most n products, each halved and rounded once a level; and a row
    # may be taken for one of a single sign that is not, by as much. For ||u|| <= 1 the coefficients
    # of u = sum_k c_k v_k sum to ||u||_1 <= sqrt(r).
    reach = math.sqrt(r) * (1 + 4 * U)
    allowance = (
        reach
        * (gamma(len(rows) + 5 * MOST_HALVINGS + 8 * (r + nu.shape[1]) + 64) * size + TINY)
        * SAFE
    )
    enough = enough - allowance
    edges = np.array(list(itertools.combinations(range(r), 2)))
    if len(codes) != 2**r + 2 * np.count_nonzero(codes) or codes.max() > len(edges):
        raise Refused("splits", "the cones do not cover the space: one is left out or one too many")
    table, first = np.append(codes, 0), 2**r + 2 * (np.cumsum(np.append(codes, 0) > 0) - 1)
    fresh, top, count, tree = len(codes), 0.0, 0, []
    orthants = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=r)])
    ids, products = np.arange(2**r), np.concatenate([rows @ orthant for orthant in orthants])
    owner, linear = np.repeat(ids, len(rows)), np.zeros((2**r, r, nu.shape[1]))
    first_cells = Cells(orthants, linear, ids, 0 * ids, products, np.tile(unit, (2**r, 1)), owner)
    stack = [first_cells.settled()]
    while stack:
        cells = stack.pop()
        # Depth first needs little memory, and large batches little time.
        while stack and len(cells.owner) + len(stack[-1].owner) < ROWS and len(cells.node) < CONES:
            more = stack.pop()
            more = more._replace(owner=more.owner + len(cells.node))
            cells = Cells(*map(np.concatenate, zip(cells, more, strict=True)))
        place = np.minimum(cells.node, len(codes))
        code, children = table[place], first[place]
        leaf = np.flatnonzero(code == 0)
        bound = bounds(cells.only(leaf), enough, reach)
        top, count = max(top, bound[bound <= enough].max(initial=0.0)), count + len(leaf)
        wide = leaf[~(bound <= enough)]  # NaN too
        if len(wide):
            code[wide] = 1 + edge_to_halve(cells.only(wide), edges, enough)
            children[wide] = fresh + 2 * np.arange(len(wide))
            fresh += 2 * len(wide)
        if count > MOST_CONES or cells.depth.max() >= MOST_HALVINGS:
            raise Refused("nu", f"|nu.(Xu)_+| <= beta is not proven with {count:,} cones")
        tree.append((cells.node, code, children))
        stack += halves(
            cells.only(np.flatnonzero(code)), *edges[code[code > 0] - 1].T, children[code > 0]
        )
    return top + allowance, tree


def bounds(cells, enough, reach):
    """Upper bounds (c,) of ||nu'(Zu)_+|| over unit vectors u of each cone.

    On a cone it is at most a linear function with values b_k at the vertices. If p.v_k >= b_k - s
    for all k, that is at most p.u + s sum_k c_k <= ||p|| + s reach. So p need not be right, only
    good: the shortest vector that has the values b_k at the vertices of some face, for one of the
    faces.
    """
    V, r, top = cells.vertices, cells.vertices.shape[1], 0.0
    for b in one_output(cells) if cells.unit.shape[1] == 1 else several_outputs(cells):
        bound = reach * np.maximum(b.max(axis=1), 0.0)  # p = 0
        for face in itertools.chain(
            *(itertools.combinations(range(r), k) for k in range(r, 0, -1))
        ):
            left = np.flatnonzero(bound > enough)
            if len(left):
                W, v = V[left], b[left]
                Q, R = np.linalg.qr(W[:, face].mT)
                c = np.zeros((len(left), len(face)))
                with np.errstate(all="ignore"):
                    for i, k in enumerate(face):  # forward substitution, R'c = b on the face
                        c[:, i] = (v[:, k] - (R[:, :i, i] * c[:, :i]).sum(axis=1)) / R[:, i, i]
                    p = (Q * c[:, None]).sum(axis=2)
                    short = np.maximum((v - (W * p[:, None]).sum(axis=2)).max(axis=1), 0.0)
                    new = lengths(p) * (1 + 32 * r * U) + reach * short
                bound[left] = np.fmin(bound[left], new)
        top = np.maximum(top, bound)
    return top


def one_output(cells):
    """Values (c, r) at the vertices that bound nu.(Zu)_+ linearly on the cone, and its negative.

    A row of sign +1 is at most its interpolation from the vertices (it is sublinear); one of sign
    -1 is -(t)_+ <= -alpha t, and alpha is 1 if t > 0 at the centroid, else 0.
    """
    P, one = cells.products, np.ones((len(cells.owner), 1))
    active = P.sum(axis=1, keepdims=True) > 0
    for side in (1.0, -1.0):
        relaxed = np.where(cells.unit == side, np.maximum(P, 0.0), -(active * P))
        rest = sums(relaxed, one, cells.owner, len(cells.node))
        yield side * cells.linear[..., 0] + rest[..., 0]


def several_outputs(cells):
    """The same for ||nu'(Zu)_+||.

    With that alpha is (t)_+ = alpha t + rest, and rest is between 0 and its interpolation, so half
    of that but for an error of half of it: nu'(Zu)_+ = sum c_k (g_k + (at most e_k)).
    """
    P, one = cells.products, np.ones((len(cells.owner), 1))
    active = P.sum(axis=1, keepdims=True) > 0
    half = 0.5 * np.where(active, np.maximum(-P, 0.0), np.maximum(P, 0.0))
    g = cells.linear + sums(active * P + half, cells.unit, cells.owner, len(cells.node))
    yield lengths(g) + sums(half, one, cells.owner, len(cells.node))[..., 0]


def edge_to_halve(cells, edges, enough):
    """The edge of each cone on which rows bend most, among the long ones; at times the longest."""
    V, P, (i, j) = cells.vertices, cells.products, edges.T
    at = cells.linear + sums(np.maximum(P, 0.0), cells.unit, cells.owner, len(V))
    height = np.linalg.norm(at, axis=2) / np.linalg.norm(V, axis=2)
    excess = height.max() / enough - 1 if enough > 0 else 1.0
    if excess > 0:  # no halving will help
        raise Refused("nu", f"|nu.(Xu)_+| <= beta fails in a direction, by {excess:.1e}, relative")
    bend = np.where(P[:, i] * P[:, j] < 0, np.minimum(np.abs(P[:, i]), np.abs(P[:, j])), 0.0)
    bend = sums(bend, np.ones((len(P), 1)), cells.owner, len(V))[..., 0]
    length = ((V[:, i] - V[:, j]) ** 2).sum(axis=2)
    least = np.where(cells.depth % V.shape[1] == 0, 1.0, LONG_ENOUGH**2) * length.max(axis=1)
    return np.where(length >= least[:, None], bend, -1.0).argmax(axis=1)


def halves(cells, i, j, children):
    """Batches of cones: each with vertex i, and each with vertex j, moved to their midpoint."""
    cone, row = np.arange(len(i)), np.arange(len(cells.owner))
    a, b = cells.vertices[cone, i], cells.vertices[cone, j]
    total, (at, to) = a + b, (i[cells.owner], j[cells.owner])
    if ((total - a != b) | (total - b != a)).any():
        raise Refused("nu", "|nu.(Xu)_+| <= beta is not proven: a cone is too thin to be halved")
    level = 0.5 * (cells.linear[cone, i] + cells.linear[cone, j])
    product = 0.5 * (cells.products[row, at] + cells.products[row, to])
    batches = []
    for side, k, k_row in ((0, i, at), (1, j, to)):
        V, linear, P = cells.vertices.copy(), cells.linear.copy(), cells.products.copy()
        V[cone, k], linear[cone, k], P[row, k_row] = 0.5 * total, level, product
        half = cells._replace(vertices=V, linear=linear, products=P).settled()
        half = half._replace(node=children + side, depth=cells.depth + 1)
        parts = np.array_split(cone, min(1 + len(half.owner) // ROWS, max(len(cone), 1)))
        batches += [half.only(part) for part in parts if len(part)]
    return batches
