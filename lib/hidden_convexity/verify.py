"""Check certificates of global optimality without trusting the library that wrote them.

    python -m hidden_convexity.verify FILE [FILE ...]     (or: python verify.py FILE)

This needs NumPy only, and runs none of the code that trains and proves. To be proven is that no
two-layer ReLU network of any width has an objective

    P = F(f) + beta/2 sum_j (||w_j||^2 + a_j^2),    f = sum_j a_j (X w_j)_+,

below the file's bound. If |nu.(Xu)_+| <= beta for all unit vectors u, then weak duality says so of
the number -F*(-nu), which is nu.y - ||nu||^2 / 2 for the squared loss. So the steps are: `objective`
(what the stored network has), `dual_value` (what nu proves, if it may) and `height` (that it may). The last is the work. In the plane a sort of the data's directions suffices (`plane`). In more
dimensions cones cover the space (`cones`): the first are the orthants, and each is either bounded or
halved. The file says where to halve; a cone that it leaves out or that is too wide is halved here.

Rounding. U is the unit roundoff: an operation errs by at most U times its result, and a sum of k
terms, in any order, by gamma(k) times the sum of their absolute values. NumPy's exp, log and log1p
are taken to err by at most 4 U. What a bound may be wrong by is computed from that and added to it;
those allowances are enlarged by SAFE, which is more than their own rounding.
"""

import argparse
import hashlib
import itertools
import math
import sys
from typing import NamedTuple

import numpy as np

VERSION = 1
U = 2.0**-53
SAFE = 1.01
# What underflow may cost in all, and no data that the library accepts would notice.
TINY = 2.0**-1000
# Most cones bounded, and most halvings of a cone, before the checker gives up.
MOST_CONES, MOST_HALVINGS = 4_000_000, 200
# Rows and cones of a batch.
ROWS, CONES = 200_000, 4_000
# Edges shorter than this part of the longest one are not halved, or cones would become needles.
LONG_ENOUGH = 0.3
MAX_RANK = 8
NUMBERS = {
    "X": 2, "y": 1, "beta": 0, "objective": 0, "lower_bound": 0, "nu": 1, "hidden_weights": 2,
    "output_weights": 1, "basis": 2,
}  # fmt: skip


class Refused(ValueError):
    """Something about a file that does not hold: its name, and a sentence."""

    def __init__(self, name, sentence):
        super().__init__(f"{name}: {sentence}")
        self.name = name


def gamma(k):
    return k * U / (1.0 - k * U)


# ------------------------------------------------------------------------------------- the file


def content(path, data=None):
    """The arrays of a file of this version, with their data; see `read`."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged archive makes NumPy raise all kinds
        raise Refused("file", f"it cannot be read ({type(error).__name__}: {error})") from error
    version = found.get("version")
    if version is None or version.shape != () or str(version) != str(VERSION):
        raise Refused("version", f"it is {version}, and this reads version {VERSION}")
    if data is not None:
        found["X"], found["y"] = (np.asarray(array, dtype=float) for array in data)
    if "X" not in found or "y" not in found:
        raise Refused("data", "the file holds only their hash, so X and y must be given too")
    if str(found.get("sha256")) != digest(found["X"], found["y"]):
        raise Refused("sha256", "X and y are not the data that the file was written for")
    return found


def read(path, data=None):
    """The arrays of a file that claims a global bound, complete, finite and of fitting shapes.

    `data` is a pair X, y for a file that holds only their hash.
    """
    found = content(path, data)
    if str(found.get("scope")) != "global":
        raise Refused("scope", f'it is "{found.get("scope")}": nothing global is claimed or proven')
    for name, ndim in NUMBERS.items():
        array = found.get(name)
        if array is None or array.dtype != np.float64 or array.ndim != ndim:
            raise Refused(name, f"it must be an array of {ndim} dimensions of float64")
        if not np.isfinite(array).all():
            raise Refused(name, "it has entries that are NaN or infinite")
    (n, d), m, r = found["X"].shape, len(found["hidden_weights"]), found["basis"].shape[1]
    for name, shape in {
        "y": (n,), "nu": (n,), "hidden_weights": (m, d), "output_weights": (m,), "basis": (d, r),
    }.items():  # fmt: skip
        if found[name].shape != shape:
            raise Refused(name, f"its shape is {found[name].shape}, and must be {shape}")
    if not 2 <= r <= MAX_RANK or n == 0:
        raise Refused("basis", f"it has {r} columns, and this checker can do 2 to {MAX_RANK}")
    if found["beta"] <= 0:
        raise Refused("beta", "it must be positive")
    if str(found.get("loss")) not in ("squared", "logistic"):
        raise Refused("loss", f"it is {found.get('loss')}, and must be squared or logistic")
    if str(found["loss"]) == "logistic" and (np.abs(found["y"]) != 1).any():
        raise Refused("y", "labels of the logistic loss must be -1 or 1")
    splits = found.get("splits")
    if splits is None or splits.dtype != np.uint8 or splits.ndim != 1:
        raise Refused("splits", "it must be a vector of bytes")
    return found


def digest(X, y):
    """SHA-256 of the data."""
    head = f"{X.shape} {y.shape} ".encode()
    return hashlib.sha256(
        head + np.ascontiguousarray(X, "<f8").tobytes() + np.ascontiguousarray(y, "<f8").tobytes()
    ).hexdigest()


# --------------------------------------------------------------------------- the two objectives


def objective(file):
    """An interval (low, high) that holds P of the stored network."""
    X, y, W, a = (file[name] for name in ("X", "y", "hidden_weights", "output_weights"))
    step = max(1_000_000 // max(len(W), 1), 1)
    blocks = [np.maximum(X[k : k + step] @ W.T, 0.0) @ a for k in range(0, len(X), step)]
    outputs = np.concatenate(blocks)
    size = np.linalg.norm(X, axis=1) * float(np.abs(a) @ np.linalg.norm(W, axis=1))
    error = SAFE * gamma(X.shape[1] + len(a) + 4) * size + TINY
    if str(file["loss"]) == "squared":
        off = np.abs(outputs - y)
        error = error + 2 * U * off
        low, high = 0.5 * np.maximum(off - error, 0.0) ** 2, 0.5 * (off + error) ** 2
    else:  # log(1 + exp(-y f)) moves by no more than f does
        loss = np.logaddexp(0.0, -y * outputs)
        low, high = loss - error, loss + error
    penalty = 0.5 * float(file["beta"]) * math.fsum(np.concatenate([W.ravel() ** 2, a**2]))
    return (1 - 32 * U) * (math.fsum(low) + penalty), (1 + 32 * U) * (math.fsum(high) + penalty)


def dual_value(y, nu, loss):
    """A number that -F*(-nu) is not below."""
    if loss == "squared":
        size = math.fsum(np.abs(nu) * (np.abs(y) + np.abs(nu)))
        return math.fsum(nu * (y - 0.5 * nu)) - SAFE * 8 * U * size - TINY
    p = nu * y  # exact: y is -1 or 1
    if p.min() < 0 or p.max() > 1:
        raise Refused("nu", "nu y must be probabilities for the logistic loss")
    inside = p[(p > 0) & (p < 1)]
    return (1 - 32 * U) * math.fsum(-inside * np.log(inside) - (1 - inside) * np.log1p(-inside))


# ------------------------------------------------------------- |nu.(Xu)_+| on the unit sphere


def height(X, nu, basis, splits, beta):
    """An upper bound of |nu.(Xu)_+| over unit vectors u, and the tree of cones that shows it.

    It is at most beta, or Refused is raised. In coordinates x_i = B z_i + (a remainder of length
    <= e_i), so that with z = B'u

        |nu.(Xu)_+| <= |nu.(Zz)_+| + sum |nu_i| e_i,    ||z|| <= ||B||.
    """
    Z, r, norm = X @ basis, basis.shape[1], np.linalg.norm
    away = norm(X - Z @ basis.T, axis=1)
    away = away + gamma(r + len(basis) + 4) * (norm(X, axis=1) + norm(basis) * norm(Z, axis=1))
    charge = SAFE * math.fsum(np.abs(nu) * away) + TINY
    gram = np.abs(basis.T @ basis) + gamma(len(basis) + 4) * (np.abs(basis.T) @ np.abs(basis))
    stretch = (1 + 4 * U) * math.sqrt(gram.sum(axis=1).max() * (1 + gamma(r + 4)))
    if r == 2:
        top, tree = plane(Z, nu), []
    else:
        enough = (beta - charge) / stretch if stretch > 0 else math.inf
        top, tree = cones(Z, nu, splits, (1 - 16 * U) * enough)
    top = (1 + 4 * U) * (stretch * top + charge)
    if not top <= beta:
        off = top / beta - 1
        raise Refused(
            "nu", f"|nu.(Xu)_+| <= beta is not proven: it may be {off:.1e} above, relative"
        )
    return top, tree


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
    padded = np.zeros((block, block, 2))
    padded.reshape(-1, 2)[: len(at)] = change
    within = np.cumsum(padded, axis=1)
    blocks = np.cumsum(within[:, -1], axis=0) - within[:, -1]
    a = (start + blocks[:, None] + within).reshape(-1, 2)[: len(at)]
    at = at / np.abs(at).max(axis=1, keepdims=True)
    end, length = np.roll(at, -1, axis=0), np.hypot(a[:, 0], a[:, 1])
    ends = [np.abs((a * side).sum(axis=1)) / np.hypot(side[:, 0], side[:, 1]) for side in (at, end)]
    left = at[:, 0] * a[:, 1] - at[:, 1] * a[:, 0]
    right = a[:, 0] * end[:, 1] - a[:, 1] * end[:, 0]
    near = 32 * U * length  # flagged as inside when in doubt
    inside = ((left >= -near) & (right >= -near)) | ((left <= near) & (right <= near))
    top = np.where(inside, length, np.maximum(*ends)).max()
    return float(top) + SAFE * (2 * gamma(3 * block + 16) + 128 * U) * size + TINY


class Cells(NamedTuple):
    """Cones with vertices v_k, and for each the rows that change sign on it.

    Attributes
    ----------
    vertices : (c, r, r) ndarray
        Of absolute values that sum to one: the midpoint (v_i + v_j) / 2 is another, and exact.
    linear : (c, r) ndarray
        sum nu_i z_i.v_k over the rows that are active on the whole cone.
    node, depth : (c,) ndarray
        Place in the file's tree, -1 beyond it, and number of halvings.
    products : (m, r) ndarray
        |nu_i| z_i.v_k, of the rows that change sign, cone after cone.
    sign, owner : (m,) ndarray
        Sign of nu_i, and index of the cone.
    """

    vertices: np.ndarray
    linear: np.ndarray
    node: np.ndarray
    depth: np.ndarray
    products: np.ndarray
    sign: np.ndarray
    owner: np.ndarray


def cones(Z, nu, codes, enough):
    """An upper bound of |nu.(Zu)_+| over unit vectors u, at most `enough`, and the tree used.

    `codes` (N,) are the nodes of the file's tree, level by level from the 2^r orthants: 0 is a cone
    to be bounded, k is one to be halved at its k-th edge into two cones of the next level. The tree
    used is a list of nodes, codes and pairs of children; nodes beyond the file's have higher numbers.
    """
    r = Z.shape[1]
    used = Z.any(axis=1) & (nu != 0)
    rows, sign = np.abs(nu[used])[:, None] * Z[used], np.sign(nu[used])
    size = math.fsum(np.abs(rows).max(axis=1, initial=0.0))
    # A value b_k is a sum of at most n products, each halved and rounded once a level; and a row
    # may be taken for one of a single sign that is not, by as much. For ||u|| <= 1 the coefficients
    # of u = sum_k c_k v_k sum to ||u||_1 <= sqrt(r).
    reach = math.sqrt(r) * (1 + 4 * U)
    rounding = gamma(len(rows) + 5 * MOST_HALVINGS + 8 * r + 64) * size + TINY
    allowance = SAFE * reach * rounding
    enough = enough - allowance
    edges = np.array(list(itertools.combinations(range(r), 2)))
    if len(codes) != 2**r + 2 * np.count_nonzero(codes) or codes.max() > len(edges):
        raise Refused(
            "splits", "the cones do not cover the space: one is left out, or one too many"
        )
    table, first = np.append(codes, 0), 2**r + 2 * (np.cumsum(codes > 0) - 1)
    fresh, top, count, tree = len(codes), 0.0, 0, []
    orthants = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=r)])
    ids, products = np.arange(2**r), np.concatenate([rows @ orthant for orthant in orthants])
    owner, sign = np.repeat(ids, len(rows)), np.tile(sign, 2**r)
    stack = [_settled(Cells(orthants, np.zeros((2**r, r)), ids, 0 * ids, products, sign, owner))]
    while stack:
        cells = stack.pop()
        # Depth first needs little memory, and large batches little time.
        while stack and len(cells.owner) + len(stack[-1].owner) < ROWS and len(cells.node) < CONES:
            cells = _joined(cells, stack.pop())
        code = table[np.minimum(cells.node, len(codes))]
        leaf = np.flatnonzero(code == 0)
        bound = _bounds(_some(cells, leaf), enough, reach)
        wide = leaf[bound > enough]
        top, count = max(top, bound[bound <= enough].max(initial=0.0)), count + len(leaf)
        if count > MOST_CONES or (cells.depth[wide] >= MOST_HALVINGS).any() or enough <= 0:
            off = bound.max(initial=0.0) / enough - 1 if enough > 0 else math.inf
            raise Refused(
                "nu", f"|nu.(Xu)_+| <= beta is not proven: {count:,} cones, off by {off:.1e}"
            )
        children = np.where(code > 0, first[np.minimum(cells.node, len(codes) - 1)], 0)
        children[wide] = fresh + 2 * np.arange(len(wide))
        fresh += 2 * len(wide)
        code[wide] = 1 + _edge(_some(cells, wide), edges)
        tree.append((cells.node, code, children))
        halved = np.flatnonzero(code)
        if len(halved):
            i, j = edges[code[halved] - 1].T
            stack += _halves(_some(cells, halved), i, j, children[halved])
    return top + allowance, tree


def _bounds(cells, enough, reach):
    """Upper bounds (c,) of |nu.(Zu)_+| over unit vectors u of each cone.

    A row of sign +1 is at most its interpolation from the vertices (it is sublinear); one of sign
    -1 is -(t)_+ <= -alpha t, and alpha is 1 if t > 0 at the centroid, else 0. That makes a linear
    function with values b_k at the vertices. If p.v_k >= b_k - s for all k, it is at most p.u +
    s sum_k c_k <= ||p|| + s reach, whatever p is; so p need not be right, only good.
    """
    V, r = cells.vertices, cells.vertices.shape[1]
    top = np.zeros(len(V))
    active = cells.products.sum(axis=1) > 0
    for side in (1.0, -1.0):
        relaxed = np.where(active[:, None], -cells.products, 0.0)
        convex = cells.sign == side
        relaxed[convex] = np.maximum(cells.products[convex], 0.0)
        b = side * cells.linear + _sums(relaxed, cells.owner, len(V))
        middle = V.mean(axis=1)
        factor = (b / np.maximum((V * middle[:, None]).sum(axis=2), 1e-3 / r)).max(axis=1)
        bound = _bound_with(V, b, np.maximum(factor, 0.0)[:, None] * middle, reach)
        for k in range(r, 0, -1):
            for face in itertools.combinations(range(r), k):
                left = np.flatnonzero(bound > enough)
                if len(left):
                    p = _least(V[left][:, face], b[left][:, face])
                    bound[left] = np.minimum(bound[left], _bound_with(V[left], b[left], p, reach))
        top = np.maximum(top, bound)
    return top


def _bound_with(V, b, p, reach):
    length = np.sqrt((p * p).sum(axis=1)) * (1 + (16 + 16 * len(p.T)) * U)
    bound = length + reach * np.maximum((b - (V * p[:, None]).sum(axis=2)).max(axis=1), 0.0)
    return np.where(np.isfinite(bound), bound, np.inf)


def _least(V, b):
    """The shortest p (c, r) with V p = b, V (c, k, r)."""
    Q, R = np.linalg.qr(V.mT)
    p = np.zeros(b.shape)
    for i in range(len(b.T)):  # forward substitution, R' p = b
        with np.errstate(all="ignore"):
            p[:, i] = (b[:, i] - (R[:, :i, i] * p[:, :i]).sum(axis=1)) / R[:, i, i]
    return (Q * p[:, None]).sum(axis=2)


def _edge(cells, edges):
    """The edge of each cone on which the rows bend most, among the long ones; at times the longest."""
    i, j = edges.T
    V, P = cells.vertices, cells.products
    length = ((V[:, i] - V[:, j]) ** 2).sum(axis=2)
    if len(V) == 0:
        return np.zeros(0, dtype=int)
    bend = [
        np.where(s * t < 0, np.minimum(abs(s), abs(t)), 0.0)
        for s, t in zip(P.T[i], P.T[j], strict=True)
    ]
    bend = _sums(np.array(bend).T, cells.owner, len(V))
    longest = length.max(axis=1, keepdims=True)
    least = np.where(cells.depth % V.shape[1] == 0, 1.0, LONG_ENOUGH**2)[:, None]
    return np.where(length >= least * longest, bend, -1.0).argmax(axis=1)


def _halves(cells, i, j, children):
    """Batches of cones: each with vertex i, and each with vertex j, moved to their midpoint."""
    cone, row = np.arange(len(i)), np.arange(len(cells.owner))
    a, b = cells.vertices[cone, i], cells.vertices[cone, j]
    total = a + b
    if (((total - a) != b) | ((total - b) != a)).any():
        raise Refused("splits", "a cone is too thin for its vertices to be exact")
    at = i[cells.owner], j[cells.owner]
    level = 0.5 * (cells.linear[cone, i] + cells.linear[cone, j])
    product = 0.5 * (cells.products[row, at[0]] + cells.products[row, at[1]])
    batches = []
    for side, (k, rows_k) in enumerate(zip((i, j), at, strict=True)):
        V, linear, P = (x.copy() for x in (cells.vertices, cells.linear, cells.products))
        V[cone, k], linear[cone, k], P[row, rows_k] = 0.5 * total, level, product
        half = Cells(V, linear, children + side, cells.depth + 1, P, cells.sign, cells.owner)
        half = _settled(half)
        parts = min(-(-len(half.owner) // ROWS), len(V)) or 1
        batches += [_some(half, part) for part in np.array_split(cone, parts)]
    return batches


def _settled(cells):
    """Rows of one sign on their cone become part of `linear`, or are dropped."""
    low, high = cells.products.min(axis=1), cells.products.max(axis=1)
    on = low >= 0
    active = cells.sign[on, None] * cells.products[on]
    linear = cells.linear + _sums(active, cells.owner[on], len(cells.linear))
    rest = (low < 0) & (high > 0)
    rows = (array[rest] for array in (cells.products, cells.sign, cells.owner))
    return Cells(cells.vertices, linear, cells.node, cells.depth, *rows)


def _some(cells, chosen):
    """A batch of some of the cones."""
    number = np.full(len(cells.node), -1)
    number[chosen] = np.arange(len(chosen))
    rows = number[cells.owner] >= 0
    owner = number[cells.owner[rows]]
    return Cells(*(x[chosen] for x in cells[:4]), cells.products[rows], cells.sign[rows], owner)


def _joined(one, other):
    """Two batches as one."""
    other = other._replace(owner=other.owner + len(one.node))
    return Cells(*map(np.concatenate, zip(one, other, strict=True)))


def _sums(values, owner, count):
    """Sums (count, r) of the rows of each cone."""
    sums = [np.bincount(owner, column, minlength=count) for column in values.T]
    return np.array(sums).T


# ---------------------------------------------------------------------------------- the verdict


def verify(path, data=None):
    """What a file proves, in one sentence; raises Refused, with the name of what does not hold."""
    file = read(path, data)
    beta, loss = float(file["beta"]), str(file["loss"])
    low, high = objective(file)
    claim, bound = float(file["objective"]), float(file["lower_bound"])
    leeway = (high - low) + gamma(file["X"].size + file["hidden_weights"].size) * high
    if not low - leeway <= claim <= high + leeway:
        raise Refused("objective", f"{claim:.17g} is claimed, and the network has {high:.17g}")
    value = dual_value(file["y"], file["nu"], loss)
    if not bound <= value:
        raise Refused("lower_bound", f"{bound:.17g} is claimed, and nu proves at most {value:.17g}")
    if bound > high:
        raise Refused("lower_bound", f"{bound:.17g} is above the network's objective {high:.17g}")
    height(file["X"], file["nu"], file["basis"], file["splits"], beta)
    n, d = file["X"].shape
    gap = (high - bound) / high if high > 0 else 0.0
    return (
        f"Proven, rounding included: no two-layer ReLU network of any width on these {n:,} samples "
        f"in R^{d} has an objective below {bound:.8g}; the stored network has {high:.8g}, so it is "
        f"within {gap:.1e}, relative, of the global optimum."
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--data", help="an .npz file with X and y, for files that hold their hash")
    given = parser.parse_args(arguments)
    status = 0
    for path in given.files:
        try:
            data = None
            if given.data is not None:
                with np.load(given.data, allow_pickle=False) as archive:
                    data = archive["X"], archive["y"]
            print(f"{path}: {verify(path, data)}")
        except (Refused, OSError, KeyError, ValueError) as refusal:
            print(f"{path}: REFUSED, {refusal}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
