"""Checks of the exercises of notebook 13: prediction."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted
from hidden_convexity.problem.data import with_bias
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.solvers import train

# What an exact formula and a least-squares solution may lose to rounding, relatively.
ROUNDING = 1e-6
# Two weight decays, in units of beta_max, so far apart that how folds are cut and scaled, and what
# is averaged over them, doesn't decide between them: the errors differ by a factor of 30 and more.
APART = np.array([0.5, 0.0003])


@exercise("13.1")
def linear_error(answer, rng):
    for length, order, horizon in [(200, 2, 1), (151, 3, 4), (83, 1, 12)]:
        # A mean, a drift and correlated noise: the two parts differ in mean and in variance.
        values = 3 + np.linspace(0, 1, length) ** 2 * np.convolve(
            rng.normal(size=length + 4), np.ones(5), mode="valid"
        )
        last = range(order - 1, length - horizon)  # the last samples that windows see
        rows = [np.append(values[t - order + 1 : t + 1], 1.0) for t in last]
        A, y = np.array(rows), np.array([values[t + horizon] for t in last])
        given = answer.number(values, order, horizon)
        # 70 per cent need not be a whole number of windows: either neighbour is right.
        errors = [_error_after(A, y, n) for n in (int(0.7 * len(y)), int(0.7 * len(y)) + 1)]
        near = any(abs(given - error) < ROUNDING * error for error in errors)
        require(
            near,
            f"for {counted(order, 'past sample')}, {horizon} ahead, the error on the last 30% is "
            f"{errors[0]:.3f} of the variance of the last 30%, not {given:.3f}",
        )


@exercise("13.2")
def error_of_training_mean(answer, rng):
    for shift, scale in [(0, 1), (1, 1), (-2, 0.5), (3, 4)]:
        y = rng.normal(5, 1, size=40)
        y_test = rng.normal(5 + shift, scale, size=30)
        truth = sum((y.mean() - target) ** 2 for target in y_test) / sum(
            (y_test.mean() - target) ** 2 for target in y_test
        )
        given = answer.number(y.mean(), y_test.mean(), y_test.var())
        require(
            abs(given - truth) < ROUNDING * truth,
            f"for means {y.mean():.2f} and {y_test.mean():.2f}, and the variance "
            f"{y_test.var():.2f}, the error is {truth:.3f}, not {given:.3f}",
        )


@exercise("13.3")
def choose_decay(answer, rng):
    n = 40
    X, time = rng.normal(size=(n, 1)), np.linspace(-1.5, 1.5, n)[:, None]
    zigzag = np.abs((np.arange(n) + rng.integers(8)) % 8 - 4) / 2 - 1
    cases = [
        ("y is a kink of X", X, np.abs(X[:, 0])),
        ("X is the time and y noise", time, rng.normal(size=n)),
        ("X is the time and y a zigzag", time, zigzag),
    ]
    for what, X, y in cases:
        A = with_bias(X)
        betas = APART
        best, other = sorted(betas, key=lambda beta: _error_on_the_future(A, y, beta))
        given = answer.number(X, y, betas)
        there = np.isclose(given, betas, rtol=ROUNDING, atol=0).any()
        require(there, "you return a number that is not one of the betas")
        which = "larger" if best > other else "smaller"
        require(
            np.isclose(given, best, rtol=ROUNDING, atol=0),
            f"where {what}, the {which} of two betas predicts the future better, "
            "and you choose the other",
        )


def _error_after(A, y, n):
    weights = np.linalg.lstsq(A[:n], y[:n], rcond=None)[0]
    return np.mean((A[n:] @ weights - y[n:]) ** 2) / np.var(y[n:])


def _error_on_the_future(A, y, beta):
    """Mean squared error on each of the last three quarters, by networks of what is before it.

    beta is in units of beta_max, as the estimators take it.
    """
    parts = np.array_split(np.arange(len(y)), 4)
    errors = []
    for part in parts[1:]:
        before = slice(0, part[0])
        decay = beta * beta_max(A[before], y[before])
        network = train(TrainingProblem(A[before], y[before], decay), tol=1e-2).network
        errors.append(np.mean((network(A[part]) - y[part]) ** 2))
    return np.mean(errors)
