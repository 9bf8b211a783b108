"""Answers to the exercises of notebook 01 that are wrong, and words of the verdict on each."""

import numpy as np
import scipy


def two_sided(A, y, beta, z):
    nu = y - A @ z
    s = beta / max(np.abs(A.T @ nu).max(), beta)
    return s * (nu @ y) - s**2 * (nu @ nu) / 2


def unguarded(A, y, beta, z):
    nu = y - A @ z
    s = min(1, beta / (A.T @ nu).max())  # negative, where all correlations are
    return s * (nu @ y) - s**2 * (nu @ nu) / 2


def unscaled(A, y, beta, z):
    nu = y - A @ z
    return nu @ y - nu @ nu / 2


def primal(A, y, beta, z):
    return np.sum((A @ z - y) ** 2) / 2 + beta * z.sum()


def shortest(A, z):
    on = z != 0
    return on, np.linalg.lstsq(A[:, on].T, np.sign(z[on]))[0]


def without_rank(A, z):
    on, nu = shortest(A, z)
    return (np.abs(A[:, ~on].T @ nu) < 1).all()


def one_sided(A, z):
    on, nu = shortest(A, z)
    return (A[:, ~on].T @ nu < 1).all() and np.linalg.matrix_rank(A[:, on]) == on.sum()


def with_values_for_signs(A, z):
    on = z != 0
    nu = np.linalg.lstsq(A[:, on].T, z[on])[0]
    return (np.abs(A[:, ~on].T @ nu) < 1).all() and np.linalg.matrix_rank(A[:, on]) == on.sum()


def strict_on_the_support_too(A, z):
    return (np.abs(A.T @ shortest(A, z)[1]) < 1 - 1e-9).all()


def recovered(A, z):
    program = scipy.optimize.linprog(np.ones(2 * len(z)), A_eq=np.hstack([A, -A]), b_eq=A @ z)
    return np.allclose(program.x[: len(z)] - program.x[len(z) :], z)


WRONG = {
    "01.1": [
        (lambda A, y, beta: np.count_nonzero(A.T @ y > beta), "orthonormal atoms uses"),
        (lambda A, y, beta: np.count_nonzero(np.abs(A.T @ y) > beta / 2), "orthonormal atoms uses"),
        (lambda A, y, beta: np.count_nonzero(np.abs(y) > beta), "orthonormal atoms uses"),
        (lambda A, y, beta: np.abs(A.T @ y) > beta, "must return a number"),
    ],
    "01.2": [
        (lambda A, Y: np.abs(A.T @ Y).max(), "2 columns, just above your number"),
        (lambda A, Y: np.abs(A.T @ Y).sum(axis=1).max(), "2 columns, just below your number"),
        (lambda A, Y: np.linalg.norm(A.T @ Y), "just below your number"),
        (lambda A, Y: (A.T @ Y).max(), "just above your number"),
    ],
    "01.3": [
        (two_sided, "correlations below -beta"),
        (unguarded, "where all correlations are negative nu is feasible as it is"),
        (unscaled, "for another z your bound is above the optimum"),
        (primal, "for another z your bound is above the optimum"),
        (lambda A, y, beta, z: 0.0, "for the optimal z your bound is below the optimum"),
    ],
    "01.4": [
        (lambda a, b, c: min(b * c / a, a), "nuclear norm is not smallest"),
        (lambda a, b, c: b * c / a, "nuclear norm is not smallest"),
        (lambda a, b, c: np.clip(b * c / a, -a, a), "nuclear norm is not smallest"),
        (lambda a, b, c: np.clip(b * c / a, -abs(a), abs(a)), "ZeroDivisionError"),
    ],
    "01.5": [
        (without_rank, "the active atoms are dependent"),
        (one_sided, "is beyond the limit"),
        (with_values_for_signs, "you return False"),
        (strict_on_the_support_too, "you return False"),
        (recovered, "is beyond the limit"),
        (lambda A, z: False, "you return False"),
    ],
    "01.6": [
        (lambda A, y, sigma: 2 * sigma * np.sqrt(2 * np.log(len(y))), "closer to the truth"),
        (lambda A, y, sigma: 1e-6, "closer to the truth"),
        (lambda A, y, sigma: 0.0, "not positive"),
        (lambda A, y, sigma: np.abs(A.T @ y).max(), "closer to the truth"),
    ],
}
