"""The program of gated networks, as it is written down for CVXPY."""

import cvxpy as cp
import numpy as np


def optimum(X, Y, gates, beta, loss, constant=False):
    """The optimal value over gates (d, P); with a constant of each output that costs nothing."""
    Y = Y.reshape(len(X), -1)
    masks = (X @ gates > 0).astype(float)
    weights = [cp.Variable((X.shape[1], Y.shape[1])) for _ in range(gates.shape[1])]
    f = sum(mask[:, None] * X @ W for mask, W in zip(masks.T, weights, strict=True))
    if constant:
        f = f + np.ones((len(X), 1)) @ cp.Variable((1, Y.shape[1]))
    if loss == "squared":
        value = 0.5 * cp.sum_squares(f - Y)
    elif loss == "logistic":
        value = cp.sum(cp.logistic(-cp.multiply(Y, f)))
    else:
        value = cp.sum(cp.log_sum_exp(f, axis=1)) - cp.sum(cp.multiply(Y, f))
    penalty = sum(cp.norm(W, "fro") for W in weights)
    return cp.Problem(cp.Minimize(value + beta * penalty)).solve(solver=cp.CLARABEL)
