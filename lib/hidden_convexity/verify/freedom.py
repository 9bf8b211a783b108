"""What free terms, a linear term X b and a constant without weight decay, ask of a dual point.

With Z their columns on the data, Z'nu = 0 is needed exactly, as b is any vector; the stored nu has
it up to rounding. The bound is therefore that of a point near nu that is orthogonal to Z. For a
square matrix T let G = Z T and H >= 0 be weights of the samples. If ||G'HG - I|| <= 1/2 then T is
regular, G spans what Z spans, and nu - H G e with e = (G'HG)^-1 G'nu is that point, with
||e|| <= 2 ||G'nu||. So entry i moves by at most H_i theta_i, theta_i = 2 ||G'nu|| ||G_i||.

With several outputs each column of nu has its own e. As the way H G (G'HG)^-1 G' is the same for
all of them, rows that add up to 0 before do so after.
"""

import math

import numpy as np

from .line import lacking
from .rounding import SAFE, TINY, Refused, U, gamma, lengths


def used(file):
    """Which columns, of X and then the constant, the claim is about: rows of T that are not 0."""
    columns = file["free"].any(axis=1)
    if columns.sum() != file["free"].shape[1]:
        raise Refused("free", "it must have as many columns as rows that are not zero")
    if np.concatenate([file["skip"], file["intercept"][None]])[~columns].any():
        raise Refused("skip", "the network has free weights that the claim leaves out")
    return columns


def moved(file):
    """How far rows of nu are from those of a feasible point (n,), and what its value may lack.

    With weights w of the samples, H = w for the squared loss, and in the norm sum nu_i^2 / w_i the
    point is a projection, no longer than nu, so the value changes by that of nu.y at most. For the
    logistic loss H = w p (1 - p) with p = nu y / w. If theta <= 1/2, p keeps half of its distances
    to 0 and 1, between which the slope of the entropy is at most |log(p / 2)| + |log((1 - p) / 2)|.
    Where w is not 1, p is rounded, and 1 - p may be half as large or half as large again as it
    is: theta <= 1/4 and a slope that is larger by one make up for that.
    """
    if str(file["network"]) == "one variable":
        return np.zeros(len(file["X"])), lacking(file["y"], file["nu"])
    y, nu, w, loss = (file[name] for name in ("y", "nu", "sample_weight", "loss"))
    n, free = len(nu), used(file).any() and nu.any()
    if str(loss) == "softmax":
        return of_probabilities(file) if free else balanced(nu, w)
    if not free:
        return np.zeros(n), 0.0
    if str(loss) == "squared":
        outputs = np.atleast_2d(nu.T)
        ways = SAFE * np.transpose([w * distances(file, one, w, np.zeros(n)) for one in outputs])
        cost = (ways * np.abs(y.reshape(n, -1))).sum()
        return SAFE * lengths(ways), SAFE * (1 + gamma(nu.size + 8)) * float(cost)
    if str(loss) == "hinge":
        raise Refused("free", "nothing is proven of free terms with the hinge loss")
    p, rounded = nu * y / w, w != 1
    H = w * (p * (1.0 - p))
    theta = near(distances(file, nu, H, np.zeros(n)), np.where(rounded, 0.25, 0.5))
    way, inside = H * theta, (p > 0) & (p < 1)
    slope = rounded[inside] - np.log(0.5 * p[inside]) - np.log(0.5 * (1.0 - p[inside]))
    return SAFE * way, SAFE * (1 + gamma(n + 8)) * float(way[inside] @ slope)


def of_probabilities(file):
    """The same for the softmax loss: y - nu / w are to stay probabilities p, and add up to 1.

    First the rows are made to add up, see `balanced`. Then H = w min p, over the outputs, and
    theta <= 1/4: as p is rounded, and may be half as large or half as large again as it is, a
    quarter of it is left at least, above which the slope of the entropy is at most 1 - log(p / 4).
    """
    y, nu, w = (file[name] for name in ("y", "nu", "sample_weight"))
    way, cost = balanced(nu, w)
    p = y - nu / w[:, None]
    H = w * p.min(axis=1)
    H = np.where(H > TINY, H, 0.0)
    thetas = np.transpose([distances(file, one, H, way) for one in nu.T])
    ways, inside = H[:, None] * near(thetas, 0.25), H > 0
    more = (ways[inside] * (1.0 - np.log(0.25 * p[inside]))).sum()
    return SAFE * (way + lengths(ways)), SAFE * (cost + (1 + gamma(nu.size + 8)) * float(more))


def distances(file, nu, H, wrong):
    """theta (n,) of one output's nu (n,), whose entries are wrong by at most `wrong` (n,)."""
    X, chosen = file["X"], used(file)
    n, K, q, norm = len(X), (1 if X.ndim == 2 else X.shape[1]), chosen.sum(), np.linalg.norm
    T = file["free"][chosen]
    Z, sizes = (  # sums over patches: K times the averages
        np.column_stack([data.reshape(n, K, -1).sum(axis=1), np.ones(n)])[:, chosen]
        for data in (X, np.abs(X))
    )
    with np.errstate(all="ignore"):
        G = Z @ T
        values, vectors = np.linalg.eigh(np.nan_to_num(G.T @ (H[:, None] * G)))
        T = T @ (vectors / np.sqrt(values))  # any T will do, and this one makes G'HG close to I
        G = Z @ T
        error = SAFE * gamma(q + K + 2) * (sizes @ np.abs(T))
        length, shift = norm(np.abs(G) + error, axis=1), norm(error, axis=1)
        skew = norm(G.T @ (H[:, None] * G) - np.eye(q))
        skew += gamma(n + q + 8) * (H @ length**2) + 2 * (H @ (length * shift))
        along = np.array([math.fsum(nu * z) for z in Z.T])
        off = gamma(K + 4) * (np.abs(nu) @ sizes + np.abs(along)) + wrong @ sizes + TINY
        size = lengths(np.abs(T.T @ along) + np.abs(T.T) @ (off + gamma(q + 2) * np.abs(along)))
        theta = SAFE * 2 * size * length
    if not SAFE * skew <= 0.5 or not np.isfinite(theta).all():
        raise Refused("free", "no point near nu is shown to be orthogonal to the free columns")
    return theta


def near(theta, most):
    """Relative distances, all below those at which probabilities may end as none, or Refused."""
    if not (theta < most).all():
        raise Refused(
            "free", "near nu, no probabilities are shown to be orthogonal to the free columns"
        )
    return theta


def balanced(nu, w):
    """The same for the softmax loss without free terms: the rows of y - nu / w are to add up to 1.

    The largest of c probabilities, at least 1 / c but for rounding, takes what is missing. If that
    is less than 1 / (4 c), the slope of the entropy on the way is at most 1 + log(2 c).
    """
    way = (1 + 4 * U) * np.abs([math.fsum(row) for row in nu])
    if (way / w).max() > 0.25 / nu.shape[1]:
        raise Refused(
            "nu", "the rows of y - nu / w must be probabilities, and add up to something else"
        )
    return way, SAFE * math.fsum(way) * (1 + math.log(2 * nu.shape[1]))
