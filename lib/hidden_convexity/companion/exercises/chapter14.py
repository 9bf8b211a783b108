"""Checks of the exercises of notebook 14: published settings."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted

# What an exact formula may lose to rounding, relatively.
ROUNDING = 1e-6


@exercise("14.1")
def beta_of(answer, rng):
    for n, factor in [(250, 0.5), (250, 1.0), (40, 2.0), (7, 0.25)]:
        decay = 10 ** rng.uniform(-5, -2)
        given, truth = answer.number(decay, n, factor), n * decay / (2 * factor)
        require(
            abs(given - truth) < ROUNDING * truth,
            f"for {n} samples, the factor {factor:g} and the weight decay {decay:.3g}, beta is "
            f"{truth:.4g}, not {given:.4g}",
        )


@exercise("14.2")
def most_wrong(answer, rng):
    for count, spare in [(0, 0.4), (5, 0.9), (35, 0.1), (194, 0.5)]:
        penalty = rng.uniform(1, 60)
        given = answer.count(penalty + (count + spare) * np.log(2), penalty)
        require(
            given == count,
            f"where the loss alone is {(count + spare) * np.log(2):.3f}, at most "
            f"{counted(count, 'sample')} can be on the wrong side, not {given}",
        )


@exercise("14.3")
def missed(answer, rng):
    for n, d, m, k in [(6, 2, 9, 3), (12, 3, 30, 40), (8, 4, 20, 5), (5, 2, 12, 400)]:
        X = rng.normal(size=(n, d))
        X[:, -1] = 1.0
        W = rng.normal(size=(m, d))
        # Neurons of one pattern, and one that is never active.
        dead = np.append(np.zeros(d - 1), -1.0)
        W = np.vstack([W, 3 * W[: m // 2], dead])
        gates = np.column_stack([rng.normal(size=(d, k)), 2 * W[: m // 4].T])
        own, drawn = (
            {tuple(row) for row in np.asarray(directions @ X.T > 0).tolist()}
            for directions in (W, gates.T)
        )
        truth = sum(any(pattern) and pattern not in drawn for pattern in own)
        given = answer.count(X, W, gates)
        require(
            given == truth,
            f"of {counted(len(W), 'neuron')} beside {counted(gates.shape[1], 'gate')}, "
            f"{counted(truth, 'pattern')} of active neurons are missing, not {given}",
        )
