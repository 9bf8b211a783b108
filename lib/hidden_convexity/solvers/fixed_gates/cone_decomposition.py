"""From a gated network to a ReLU network with the same outputs on the data.

A gated neuron D_g X w is a difference of two ReLU neurons, (X u)_+ - (X v)_+, if w = u - v with u
and v in the cone K_g of its gate, where D_g X u = (X u)_+. K_g has an interior, so there always are
such u and v; the ones of least ||u|| + ||v|| make the cheapest network.
"""

import clarabel
import numpy as np
from array_api_compat import is_array_api_obj, is_numpy_array
from scipy import sparse

from hidden_convexity.foundations import conic_program
from hidden_convexity.foundations.validation import data_matrix
from hidden_convexity.geometry.hyperplanes import active, unit_rows
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.solvers.fixed_gates.program import host

# Of lengths in units of ||w||: what is shorter is a solver's zero.
VANISHED = 1e-7


def cone_decomposition(solution, X):
    """The ReLU network of a gated one: two neurons, at most, for each gate and output it uses.

    Parameters
    ----------
    solution : GatedSolution
        Weights (G, d) or (G, d, c) and gates (d, G).
    X : (n, d) array
        Training data: the outputs are kept there, not elsewhere.

    Returns
    -------
    ReLUNetwork
        In NumPy. Its P(W, a) is the loss plus beta sum (||u|| + ||v||), which is not less than the
        gated objective: the difference is what the cones cost. With c outputs each neuron has one
        output weight that is not zero. The best network of this kind, with neurons in these
        chambers, is what `train` finds over `Arrangement.from_gates(X, gates)`.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite real (n, d) array.
    RuntimeError
        If Clarabel does not find a decomposition.

    References
    ----------
    Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331, cone decompositions.
    """
    if is_array_api_obj(X) and not is_numpy_array(X):
        X = host(X)
    X = data_matrix(X)
    gates, weights = host(solution.gates), host(solution.weights)
    if X.shape[1] != len(gates):
        raise ValueError(f"X must have {len(gates)} columns, one per input, got shape {X.shape}")
    vector = weights.ndim == 2
    weights = weights[:, :, None] if vector else weights
    rows = unit_rows(X)
    rows = rows[rows.any(axis=1)]
    hidden, output = [], []
    for gate in np.flatnonzero(weights.any(axis=(1, 2))):
        inward = np.where(active(rows, gates[:, [gate]]), 1.0, -1.0) * rows
        for column in np.flatnonzero(weights[gate].any(axis=0)):
            parts = _decompose(weights[gate, :, column], inward, gates[:, gate])
            for sign, part in zip((1.0, -1.0), parts, strict=True):
                if part.any():
                    root = np.sqrt(np.linalg.norm(part))
                    hidden.append(part / root)
                    output.append(sign * root * np.eye(weights.shape[2])[column])
    hidden = np.reshape(hidden, (-1, X.shape[1]))
    output = np.reshape(output, (-1, weights.shape[2]))
    constant = None if solution.intercept is None else host(solution.intercept)
    return ReLUNetwork(hidden, output[:, 0] if vector else output, intercept=constant)


def _decompose(w, inward, gate):
    """u and v of least ||u|| + ||v|| with u - v = w, inward u >= 0 and inward v >= 0."""
    size = np.linalg.norm(w)
    w = w / size
    products = inward @ w
    d, n = len(w), len(inward)
    if products.min(initial=0.0) >= 0:
        return size * w, 0.0 * w
    if products.max(initial=0.0) <= 0:
        return 0.0 * w, -size * w
    # Variables v, s, t with ||v|| <= s, ||v + w|| <= t; v and v + w in the cone is one bound a row.
    constraints = np.zeros((n + 2 * (1 + d), d + 2))
    constraints[:n, :d] = -inward
    right = np.concatenate([-np.maximum(-products, 0.0), [0.0], 0.0 * w, [0.0], w])
    for start, length in ((n, d), (n + 1 + d, d + 1)):
        constraints[start, length] = -1.0
        constraints[start + 1 : start + 1 + d, :d] = -np.eye(d)
    cones = [clarabel.NonnegativeConeT(n), *[clarabel.SecondOrderConeT(1 + d)] * 2]
    cost = np.concatenate([0.0 * w, [1.0, 1.0]])
    result = conic_program.solve(None, cost, sparse.csc_matrix(constraints), right, cones)
    conic_program.demand_solved(result, "scale the columns of X to similar sizes")
    v = np.array(result.x[:d])
    # An interior point may end just outside. The gate points inside the cone.
    heights, room = inward @ v - np.maximum(-products, 0.0), inward @ gate
    inside = room > 0
    v = v + gate * np.maximum(-heights[inside] / room[inside], 0.0).max(initial=0.0)
    u = v + w
    lengths = np.linalg.norm(u), np.linalg.norm(v)
    return tuple(
        size * part if length > VANISHED else 0.0 * w
        for part, length in zip((u, v), lengths, strict=True)
    )
