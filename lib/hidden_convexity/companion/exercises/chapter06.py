"""Checks of the exercises of notebook 06: one dimension."""

import numpy as np
from scipy.optimize import linprog

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.line import mirrors
from hidden_convexity.problem.parallel_network import ParallelNetwork

# Largest relative duality gap of an answer that counts as optimal: general solvers stop below it,
# and another problem's solution, or one with another constant, is far above.
OPTIMAL = 1e-3
# Outputs of a general solver are right to about the square root of its gap.
SAME_OUTPUT = 1e-2


@exercise("06.1")
def branches(answer, rng):
    for n in (3, 4, 7):
        x = np.sort(rng.uniform(0, 10, size=n))
        columns, listed = (
            mirrors.dictionary(x, layers=3)[0].shape[1],
            len(mirrors.reflections(x, 3)),
        )
        given = answer.count(n)
        require(
            given != listed,
            f"for n = {n} there are {listed} such branches, but some agree at all samples: "
            f"{columns} can be needed",
        )
        require(
            given == columns,
            f"for n = {n} there are {columns} branches that can be needed, and you count {given}",
        )


@exercise("06.2")
def charge(answer, rng):
    for count in (0, 1, 4):
        kinks = rng.normal(size=count)
        steep = 1 + np.abs(kinks).sum()
        for slope in (0.0, rng.normal(), steep, -steep):
            knots = np.concatenate([[0.0], np.cumsum(rng.uniform(0.5, 1.5, size=count + 1))])
            cheapest = _cheapest(knots, slope, kinks)
            given = answer.number(slope, kinks)
            spline = f"with first slope {slope:.2f} and kinks {kinks.round(2)}, "
            require(
                given <= cheapest + 1e-6,
                spline + f"a network charges {cheapest:.2f}, less than {given:.2f}",
            )
            require(
                given >= cheapest - 1e-6,
                spline + f"no network charges less than {cheapest:.2f}; you say {given:.2f}",
            )


@exercise("06.3")
def with_free_slope(answer, rng):
    even = np.arange(25.0)
    y, beta = np.sin(even / 3), 0.5
    level, tilted = (answer.array(even, y + slope * even, beta, shape=(25,)) for slope in (0, 2))
    follows = np.abs(tilted - level - 2 * even).max() < SAME_OUTPUT
    require(follows, "a line added to y is not added to your outputs: is its slope free?")
    t = np.cumsum(rng.uniform(0.2, 1.8, size=25))
    ramps = np.maximum(t[:, None] - t, 0)
    lines = np.linalg.qr(np.column_stack([np.ones(25), t]))[0]
    y = np.sin(t / 3) + 0.2 * rng.normal(size=25)
    detrended = y - lines @ (lines.T @ y)
    beta = 0.1 * np.abs(detrended @ ramps).max()
    f = answer.array(t, y, beta, shape=(25,))
    for slope in (2.0, -5.0):
        tilted = answer.array(t, y + slope * t, beta, shape=(25,))
        follows = np.abs(tilted - f - slope * t).max() < SAME_OUTPUT
        require(
            follows,
            "your slope is free at even times and not at uneven ones: are differences of outputs "
            "divided by those of the times?",
        )
    slopes = np.diff(f) / np.diff(t)
    value = 0.5 * np.sum((f - y) ** 2) + beta * np.abs(np.diff(slopes)).sum()
    nu = y - f
    nu -= lines @ (lines.T @ nu)
    bound = _dual_value(nu, y, beta, np.abs(nu @ ramps).max())
    require(
        value - bound <= OPTIMAL * value,
        "your outputs are not optimal: the dual bound of their residual is below their value",
    )


@exercise("06.4")
def lower_bound(answer, rng):
    for layers, n in ((2, 8), (3, 6), (4, 4)):
        x, y = np.sort(rng.uniform(0, 10, size=n)), 5 + rng.normal(size=n)
        beta = 0.1 * mirrors.beta_max(x, y, layers)
        optimal = mirrors.train(x, y, beta, layers)
        features, _ = mirrors.dictionary(x, layers)
        tried = [
            ParallelNetwork.from_features(np.zeros(1), np.zeros((1, layers - 1)), 0.0),
            ParallelNetwork.from_features(
                rng.normal(size=3), rng.uniform(0, 10, size=(3, layers - 1)), 5.0
            ),
            optimal.network,
        ]
        if layers > 2:  # the best network of one layer less, and a layer that does nothing
            shallow = mirrors.train(x, y, beta, layers - 1).network
            shifts = np.column_stack([shallow.shifts, np.zeros(len(shallow))])
            features_of = shallow.coefficients, shifts, shallow.constant
            tried.insert(0, ParallelNetwork.from_features(*features_of))
        for network in tried:
            given = answer.number(network, x, y, beta)
            require(
                given <= optimal.objective * (1 + 1e-6),
                f"your bound for {layers} layers is above the objective of a network of {layers} "
                "layers",
            )
            nu = y - network(x)
            nu -= nu.mean()
            proven = _dual_value(nu, y, beta, np.abs(nu @ features).max())
            require(
                given >= proven - OPTIMAL * optimal.objective,
                f"for {layers} layers, the residual scaled until it is feasible proves more",
            )


def _cheapest(knots, slope, kinks):
    """Least sum of |z| over ramps at the knots, to either side, that add up to a spline."""
    slopes = slope + np.concatenate([[0.0], np.cumsum(kinks)])
    values = np.concatenate([[0.0], np.cumsum(slopes * np.diff(knots))])
    right = np.maximum(knots[:, None] - knots[:-1], 0)
    left = np.maximum(knots[1:] - knots[:, None], 0)
    ramps = np.hstack([right, left])
    columns = np.hstack([ramps, -ramps, np.ones((len(knots), 1)), -np.ones((len(knots), 1))])
    price = np.append(np.ones(2 * ramps.shape[1]), [0.0, 0.0])
    return linprog(price, A_eq=columns, b_eq=values).fun


def _dual_value(nu, y, beta, largest):
    """Value of the dual at nu, shrunk until its largest correlation is beta."""
    s = min(1.0, beta / max(largest, beta))
    return s * (nu @ y) - s**2 * (nu @ nu) / 2
