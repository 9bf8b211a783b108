"""Checks of the exercises of notebook 09: recovery."""

import numpy as np
from scipy.stats import binom

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.solvers.fixed_gates.interpolation import interpolate

# Norms and weights of interior point solutions are right to more digits than this.
SOLVED = 1e-5
# What one linear solve leaves of its equations, on the small well-conditioned matrices here.
ROUNDING = 1e-8
# Instances whose M(nu) is as near to one as this are left out: the certificate is strict.
UNDECIDED = 0.02


@exercise("09.1")
def samples_needed(answer, rng):
    for d in (2, 5, 20, 100):
        for probability in (0.3, 0.9, 0.99):
            given = answer.count(d, probability)
            require(given >= d, f"with n = {given} < d = {d} samples every pattern is a chamber")
            # Wendel: fewer than d heads in n - 1 coins.
            there = binom.cdf(d - 1, np.array([given - 1, given - 2]), 0.5)
            what = f"for d = {d} and the probability {probability}"
            few = 1 - there[0] >= probability
            require(few, f"{what} your number of samples is too small")
            many = 1 - there[1] < probability
            require(many, f"{what} one sample less is enough")


@exercise("09.2")
def lower_bound(answer, rng):
    for n, d in [(4, 2), (6, 2), (7, 3)]:
        X, y = rng.normal(size=(n, d)), rng.normal(size=n)
        least = interpolate(Arrangement.enumerate(X), y)
        draws = [rng.normal(size=n), X @ rng.normal(size=d), y]
        for nu in (least.nu, 3 * least.nu, least.nu / 10, -least.nu, *draws):
            M = beta_max(X, nu)
            given = answer.number(nu, X, y, M)
            above = given > least.norm * (1 + SOLVED)
            require(not above, "your bound is above the norm of a network that interpolates")
            # The largest value among the feasible of some multiples of nu.
            s = np.linspace(-3, 3, 601)
            size = max(M, np.linalg.norm(X.T @ nu))
            best = (s * (nu @ y) / size)[np.abs(s) <= 1 + ROUNDING].max()
            require(given >= best - SOLVED, "another feasible multiple of nu has a larger value")
            require(given <= best + SOLVED, "no feasible multiple of nu has so large a value")


@exercise("09.3")
def dual_vector(answer, rng):
    for n, d in [(10, 2), (16, 3), (30, 4)]:
        X, w = rng.normal(size=(n, d)) / np.sqrt(n), _unit(d, rng)
        while (X @ w > 0).sum() < d:
            w = _unit(d, rng)
        active = X @ w > 0
        nu = answer.array(X, w, shape=(n,))
        off = np.abs(X[active].T @ nu[active] - w).max()
        require(off < ROUNDING * n, "X^T D nu is not the planted neuron")
        # The shortest solution is a combination of the rows of the system.
        rows = (X * active[:, None]).T
        rest = nu - rows.T @ np.linalg.lstsq(rows.T, nu)[0]
        shortest = np.abs(rest).max() < ROUNDING * (1 + np.abs(nu).max())
        require(shortest, "another vector with X^T D nu = w is shorter than yours")


@exercise("09.4")
def least_norm(answer, rng):
    for n, d in [(3, 4), (5, 2), (6, 2)]:
        X = rng.normal(size=(n, d))
        for y in (X @ _unit(d, rng), rng.normal(size=n)):
            w, W, a = answer.arrays(X, y, shapes=[(d,), (None, d), (None,)])
            require(len(W) == len(a), "W and a must have one row or entry for each neuron")
            network = ReLUNetwork(W, a)
            fits = np.abs(X @ w + network(X) - y).max() < SOLVED * np.abs(y).max()
            require(fits, "your network does not interpolate the targets")
            norm = np.linalg.norm(w) + np.abs(a) @ np.linalg.norm(W, axis=1)
            least = interpolate(Arrangement.enumerate(X), y)
            # Proven least by its dual vector; no solver's word is taken for it.
            scale = max(1.0, np.linalg.norm(X.T @ least.nu), beta_max(X, least.nu))
            short = norm <= (least.nu @ y) / scale * (1 + SOLVED)
            require(short, "your network interpolates, and another one does with a smaller norm")


@exercise("09.5")
def proven(answer, rng):
    for n, d in [(4, 2), (6, 3), (8, 3)]:
        left = {True: 2, False: 2}  # of each outcome
        while sum(left.values()):
            X, w = rng.normal(size=(n, d)) / np.sqrt(n), _unit(d, rng)
            nu = X @ np.linalg.solve(X.T @ X, w)
            M = beta_max(X, nu)
            if abs(M - 1) < UNDECIDED or not left[M < 1]:
                continue
            left[M < 1] -= 1
            given = answer.truth(X, w)
            a_neuron = "some neuron beats the skip connection at the shortest nu"
            does = "no neuron reaches one at the shortest nu" if M < 1 else a_neuron
            require(given == (M < 1), f"n = {n}, d = {d}: {does}")


def _unit(d, rng):
    w = rng.normal(size=d)
    return w / np.linalg.norm(w)
