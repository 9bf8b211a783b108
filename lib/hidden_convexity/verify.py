"""Check certificates of global optimality without trusting the library that wrote them.

    python -m hidden_convexity.verify FILE [FILE ...]     (or: python verify.py FILE)

This needs NumPy only, and runs none of the code that trains and proves. To be proven is that no
two-layer ReLU network of any width has an objective

    P = F(f) + beta/2 sum_j (||w_j||^2 + a_j^2),    f = sum_j a_j (X w_j)_+,

below the file's bound. If |nu.(Xu)_+| <= beta for all unit vectors u, weak duality says so of the
number -F*(-nu), which is nu.y - ||nu||^2 / 2 for the squared loss. So there is to compute what the
stored network has (`objective`), what nu proves if it may (`dual_value`), and that it may
(`height`). The last is the work. In the plane a sort of directions does it (`plane`). Otherwise
cones cover the space (`cones`): first the orthants, and each is either bounded or halved. The file
says where to halve; a cone whose bound is too large is halved further here.

Rounding. U is the unit roundoff: an operation errs by at most U times its result, and a sum of k
terms, in any order, by gamma(k) times the sum of their absolute values. NumPy's exp, log and log1p
are taken to err by at most 4 U. What a bound may be wrong by is computed from that and added to it,
enlarged by SAFE, which is more than the rounding of the allowance itself.
"""

import decimal
import hashlib
import itertools
import math
import sys
from typing import NamedTuple

import numpy as np

VERSION, U, SAFE = 1, 2.0**-53, 1.01
TINY = 2.0**-1000  # what underflow may cost in all
MAX_RANK, MOST_CONES, MOST_HALVINGS = 8, 4_000_000, 200
ROWS, CONES = 200_000, 4_000  # of a batch
LONG_ENOUGH = 0.3  # part of the longest edge: halving shorter ones would make needles
SHAPES = {
    "X": "nd", "y": "n", "nu": "n", "hidden_weights": "md", "output_weights": "m", "basis": "dr",
    "beta": "", "objective": "", "lower_bound": "",
}  # fmt: skip


class Refused(ValueError):
    """What of a file does not hold: its name, and a sentence."""

    def __init__(self, name, sentence):
        super().__init__(f"{name}: {sentence}")
        self.name = name


def content(path, data=None):
    """The arrays of a file; `data` is a pair X, y where the file holds only their hash."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged archive makes NumPy raise all kinds
        raise Refused("file", f"it cannot be read ({type(error).__name__}: {error})") from error
    if str(found.get("version")) != str(VERSION):
        raise Refused("version", f"it is {found.get('version')}, and this reads {VERSION}")
    if data is not None:
        found["X"], found["y"] = (np.asarray(array, dtype=float) for array in data)
    if not {"X", "y"} <= found.keys():
        raise Refused("data", "the file holds only their hash, so X and y must be given too")
    if {found["X"].dtype, found["y"].dtype} != {np.dtype(float)}:
        raise Refused("data", "X and y must be of type float64")
    if str(found.get("sha256")) != digest(found["X"], found["y"]):
        raise Refused("sha256", "X and y are not the data that the file was written for")
    return found


def digest(X, y):
    """SHA-256 of the data."""
    arrays = (np.ascontiguousarray(array, "<f8").tobytes() for array in (X, y))
    return hashlib.sha256(f"{X.shape} {y.shape} ".encode() + b"".join(arrays)).hexdigest()


def read(path, data=None):
    """The arrays of a file that claims a global bound, complete, finite and of fitting shapes."""
    found, sizes = content(path, data), {}
    scope, loss, splits = (found.get(name, np.array(None)) for name in ("scope", "loss", "splits"))
    if str(scope) != "global":
        raise Refused("scope", f'it is "{scope}": nothing global is claimed or proven')
    for name, letters in SHAPES.items():
        array = found.get(name, splits)
        if array.dtype != np.float64 or array.ndim != len(letters) or not np.isfinite(array).all():
            raise Refused(name, f"it must be finite, of type float64, in {len(letters)} dimensions")
        if any(sizes.setdefault(*pair) != pair[1] for pair in zip(letters, array.shape)):  # noqa: B905
            raise Refused(name, f"its shape is {array.shape}, and other arrays have {sizes}")
    if not 2 <= sizes["r"] <= MAX_RANK or sizes["n"] == 0:
        raise Refused("basis", f"it has {sizes['r']} columns, and 2 to {MAX_RANK} can be checked")
    if not found["beta"] > 0 or splits.dtype != np.uint8 or splits.ndim != 1:
        raise Refused("splits" if found["beta"] > 0 else "beta", "it must be positive, or bytes")
    if str(loss) not in ("squared", "logistic"):
        raise Refused("loss", f"it is {loss}, and must be squared or logistic")
    if str(loss) == "logistic" and (np.abs(found["y"]) != 1).any():
        raise Refused("y", "labels of the logistic loss must be -1 or 1")
    return found


def gamma(k):
    return k * U / (1.0 - k * U)


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
    penalty = 0.5 * float(file["beta"]) * math.fsum([*(W.ravel() ** 2), *(a**2)])
    return (1 - 32 * U) * (math.fsum(low) + penalty), (1 + 32 * U) * (math.fsum(high) + penalty)


def dual_value(y, nu, loss):
    """A number that -F*(-nu) is not below."""
    if loss == "squared":
        size = math.fsum(np.abs(nu) * (np.abs(y) + np.abs(nu)))
        return math.fsum(nu * (y - 0.5 * nu)) - SAFE * 8 * U * size - TINY
    p = nu * y  # exact: y is -1 or 1
    if p.min() < 0 or p.max() > 1:
        raise Refused("nu", "nu y must be probabilities for the logistic loss")
    p = p[(p > 0) & (p < 1)]
    return (1 - 32 * U) * math.fsum(-p * np.log(p) - (1 - p) * np.log1p(-p))


def height(X, nu, basis, splits, beta):
    """An upper bound of |nu.(Xu)_+| over unit u, at most beta or Refused, and the tree of cones.

    In coordinates: x_i = B z_i + (a remainder of length <= e_i), so that with z = B'u
    |nu.(Xu)_+| <= |nu.(Zz)_+| + sum |nu_i| e_i and ||z|| <= ||B||.
    """
    Z, r, norm = X @ basis, basis.shape[1], np.linalg.norm
    away = norm(X - Z @ basis.T, axis=1)
    away = away + gamma(r + len(basis) + 4) * (norm(X, axis=1) + norm(basis) * norm(Z, axis=1))
    charge = SAFE * math.fsum(np.abs(nu) * away) + TINY
    gram = np.abs(basis.T @ basis) + gamma(len(basis) + 4) * (np.abs(basis.T) @ np.abs(basis))
    stretch = (1 + 4 * U) * math.sqrt(gram.sum(axis=1).max() * (1 + gamma(r + 4))) + TINY
    enough = (1 - 16 * U) * (beta - charge) / stretch
    top, tree = (plane(Z, nu), []) if r == 2 else cones(Z, nu, splits, enough)
    top = (1 + 4 * U) * (stretch * top + charge)
    if not top <= beta:
        raise Refused("nu", f"|nu.(Xu)_+| <= beta is not proven: {top / beta - 1:.1e} above it")
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
    padded = np.concatenate([change, np.zeros((block**2 - len(at), 2))]).reshape(block, block, 2)
    within = np.cumsum(padded, axis=1)
    blocks = np.cumsum(within[:, -1], axis=0) - within[:, -1]
    a = (start + blocks[:, None] + within).reshape(-1, 2)[: len(at)]
    at = at / np.abs(at).max(axis=1, keepdims=True)
    end, length = np.roll(at, -1, axis=0), np.hypot(*a.T)
    ends = [np.abs((a * side).sum(axis=1)) / np.hypot(*side.T) for side in (at, end)]
    left = at[:, 0] * a[:, 1] - at[:, 1] * a[:, 0]
    right = a[:, 0] * end[:, 1] - a[:, 1] * end[:, 0]
    near = 32 * U * length  # in doubt, a is inside
    inside = ((left >= -near) & (right >= -near)) | ((left <= near) & (right <= near))
    top = float(np.where(inside, length, np.maximum(*ends)).max())
    return top + SAFE * (2 * gamma(3 * block + 16) + 128 * U) * size + TINY


class Cells(NamedTuple):
    """Cones of vertices v_k, whose absolute values sum to one, and the rows that change sign there.

    `linear` is sum nu_i z_i.v_k over the rows active on the whole cone, `products` are |nu_i|
    z_i.v_k of the others, cone after cone, of which `owner` is the number and `sign` that of nu_i.
    """

    vertices: np.ndarray  # (c, r, r)
    linear: np.ndarray  # (c, r)
    node: np.ndarray  # (c,) place in the tree
    depth: np.ndarray  # (c,) halvings
    products: np.ndarray  # (m, r)
    sign: np.ndarray  # (m,)
    owner: np.ndarray  # (m,)

    def only(self, chosen):
        """Some of the cones."""
        number = np.full(len(self.node), -1)
        number[chosen] = np.arange(len(chosen))
        rows = number[self.owner] >= 0
        cones = (array[chosen] for array in self[:4])
        return Cells(*cones, self.products[rows], self.sign[rows], number[self.owner[rows]])

    def settled(self):
        """The same, with rows of one sign made part of `linear`, or dropped."""
        low, high = self.products.min(axis=1), self.products.max(axis=1)
        on, rows = low >= 0, (low < 0) & (high > 0)
        active = sums(self.sign[on, None] * self.products[on], self.owner[on], len(self.node))
        rest = self._replace(linear=self.linear + active)
        return Cells(*rest[:4], *(array[rows] for array in rest[4:]))


def sums(values, owner, count):
    """Sums (count, r) of the rows of each cone."""
    return np.array([np.bincount(owner, column, minlength=count) for column in values.T]).T


def cones(Z, nu, codes, enough):
    """An upper bound of |nu.(Zu)_+| over unit vectors u, at most `enough`, and the tree used.

    `codes` are the nodes of the file's tree, level by level from the 2^r orthants: 0 is a cone to
    be bounded, k is one to be halved at its k-th edge into two cones of the next level. The tree
    used is a list of nodes, codes and first children; nodes beyond the file's have higher numbers.
    """
    r = Z.shape[1]
    used = Z.any(axis=1) & (nu != 0)
    rows, sign = np.abs(nu[used])[:, None] * Z[used], np.sign(nu[used])
    size = math.fsum(np.abs(rows).max(axis=1, initial=0.0))
    # A value b_k is a sum of at most n products, each halved and rounded once a level; and a row
    # may be taken for one of a single sign that is not, by as much. For ||u|| <= 1 the coefficients
    # of u = sum_k c_k v_k sum to ||u||_1 <= sqrt(r).
    reach = math.sqrt(r) * (1 + 4 * U)
    allowance = reach * (gamma(len(rows) + 5 * MOST_HALVINGS + 8 * r + 64) * size + TINY) * SAFE
    enough = enough - allowance
    edges = np.array(list(itertools.combinations(range(r), 2)))
    if len(codes) != 2**r + 2 * np.count_nonzero(codes) or codes.max() > len(edges):
        raise Refused("splits", "the cones do not cover the space: one is left out or one too many")
    table, first = np.append(codes, 0), 2**r + 2 * (np.cumsum(np.append(codes, 0) > 0) - 1)
    fresh, top, count, tree = len(codes), 0.0, 0, []
    orthants = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=r)])
    ids, products = np.arange(2**r), np.concatenate([rows @ orthant for orthant in orthants])
    owner, sign = np.repeat(ids, len(rows)), np.tile(sign, 2**r)
    stack = [Cells(orthants, np.zeros((2**r, r)), ids, 0 * ids, products, sign, owner).settled()]
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
    """Upper bounds (c,) of |nu.(Zu)_+| over unit vectors u of each cone.

    A row of sign +1 is at most its interpolation from the vertices (it is sublinear); one of sign
    -1 is -(t)_+ <= -alpha t, and alpha is 1 if t > 0 at the centroid, else 0. That makes a linear
    function with values b_k at the vertices. If p.v_k >= b_k - s for all k, it is at most p.u +
    s sum_k c_k <= ||p|| + s reach. So p need not be right, only good: the shortest vector that has
    the values b_k at the vertices of some face, for one of the faces.
    """
    V, r, top = cells.vertices, cells.vertices.shape[1], 0.0
    active = cells.products.sum(axis=1, keepdims=True) > 0
    for side in (1.0, -1.0):
        convex = (cells.sign == side)[:, None]
        relaxed = np.where(convex, np.maximum(cells.products, 0.0), -(active * cells.products))
        b = side * cells.linear + sums(relaxed, cells.owner, len(V))
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
                    new = np.sqrt((p * p).sum(axis=1)) * (1 + 32 * r * U) + reach * short
                bound[left] = np.fmin(bound[left], new)
        top = np.maximum(top, bound)
    return top


def edge_to_halve(cells, edges, enough):
    """The edge of each cone on which rows bend most, among the long ones; at times the longest."""
    V, P, (i, j) = cells.vertices, cells.products, edges.T
    at = cells.linear + sums(cells.sign[:, None] * np.maximum(P, 0.0), cells.owner, len(V))
    excess = (np.abs(at) / np.linalg.norm(V, axis=2)).max() / enough - 1 if enough > 0 else 1.0
    if excess > 0:  # no halving will help
        raise Refused("nu", f"|nu.(Xu)_+| <= beta fails in a direction, by {excess:.1e}, relative")
    bend = np.where(P[:, i] * P[:, j] < 0, np.minimum(np.abs(P[:, i]), np.abs(P[:, j])), 0.0)
    length = ((V[:, i] - V[:, j]) ** 2).sum(axis=2)
    least = np.where(cells.depth % V.shape[1] == 0, 1.0, LONG_ENOUGH**2) * length.max(axis=1)
    return np.where(length >= least[:, None], sums(bend, cells.owner, len(V)), -1.0).argmax(axis=1)


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


def verify(path, data=None):
    """What a file proves, in one sentence; raises Refused, with the name of what does not hold."""
    file = read(path, data)
    low, high = objective(file)
    claim, bound, beta = (float(file[name]) for name in ("objective", "lower_bound", "beta"))
    leeway = (high - low) + gamma(file["X"].size + file["hidden_weights"].size) * high
    if not low - leeway <= claim <= high + leeway:
        raise Refused("objective", f"{claim:.17g} is claimed, and the network has {high:.17g}")
    value = dual_value(file["y"], file["nu"], str(file["loss"]))
    if not bound <= min(value, high):
        raise Refused("lower_bound", f"{bound:.17g} is claimed, and nu proves at most {value:.17g}")
    height(file["X"], file["nu"], file["basis"], file["splits"], beta)
    (n, d), gap = file["X"].shape, (high - bound) / high if high > 0 else 0.0
    bound, high = (
        decimal.Context(8, rounding).create_decimal_from_float(value)
        for value, rounding in ((bound, decimal.ROUND_FLOOR), (high, decimal.ROUND_CEILING))
    )
    return (
        f"Proven, rounding included: no two-layer ReLU network of any width on these {n:,} samples "
        f"in R^{d} has an objective below {bound}; the stored network has {high}, so it is "
        f"within {gap:.1e}, relative, of the global optimum."
    )


def main(paths):
    """Print the verdict on each file; return the exit status, 0 if all are proven."""
    status = 0 if paths else 2
    for path in paths:
        try:
            print(f"{path}: {verify(path)}")
        except (ValueError, ArithmeticError, MemoryError) as refusal:
            print(f"{path}: REFUSED, {refusal or type(refusal).__name__}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else __doc__.split("\n\n")[1])
