"""Checks of the exercises of notebook 02: hyperplane arrangements."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.foundations.wording import counted
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.problem.data import with_bias

# A gate this far from each hyperplane, relative to the sample's length, is inside its chamber and
# not on a wall up to rounding.
INSIDE = 1e-9


@exercise("02.1")
def chambers_with_bias(answer, rng):
    for n, d in [(5, 2), (4, 1), (7, 3), (3, 4), (9, 2)]:
        listed = len(Arrangement.enumerate(with_bias(rng.normal(size=(n, d)))))
        given = answer.count(n, d)
        require(
            given == listed,
            f"for {counted(n, 'sample')} with {counted(d, 'feature')} and a constant you count "
            f"{counted(given, 'chamber')}, and the list has {listed}",
        )


@exercise("02.2")
def fraction_missed(answer, rng):
    lines = 5000
    walls = np.sort(rng.uniform(0, np.pi, lines))
    # A wedge and its opposite have the same share, so one half of the circle is enough.
    share = np.diff(walls, append=walls[0] + np.pi) / (2 * np.pi)
    wedges = 2 * lines
    for directions in (0, 2_000, 10_000, 50_000, 200_000):
        missed = np.mean((1 - share) ** directions)
        given = answer.number(directions, wedges)
        # The mean of 5000 numbers between 0 and 1 is known to about half of this.
        require(
            abs(given - missed) < 0.015,
            f"of {wedges} wedges between random lines, {directions} directions miss a share of "
            f"{missed:.2f}, not {given:.2f}",
        )


@exercise("02.3")
def gates_in_the_plane(answer, rng):
    generic = rng.normal(size=(7, 2))
    repeated = np.vstack([generic, 2 * generic[1], -generic[3]])
    for X, what in [
        (generic, "generic rows"),
        (repeated, "rows of which some are parallel or opposite"),
        (np.vstack([generic[:3], np.zeros(2)]), "rows of which one is zero"),
        (generic[:1], "one row"),
    ]:
        gates = answer.array(X, shape=(2, None))
        nonzero = X[X.any(axis=1)]
        lengths = np.linalg.norm(nonzero, axis=1)[:, None] * np.linalg.norm(gates, axis=0)
        inside = np.abs(nonzero @ gates) > INSIDE * lengths
        require(inside.all(), f"for {what}, a gate lies on a hyperplane and in no chamber")
        patterns = (X @ gates > 0).T
        different = len(np.unique(patterns, axis=0))
        require(different == len(patterns), f"for {what}, two gates lie in the same chamber")
        chambers = len(Arrangement.enumerate(X))
        require(
            different == chambers,
            f"for {what}, your gates lie in {different} of the {chambers} chambers",
        )


@exercise("02.4")
def shares(answer, rng):
    rows = rng.normal(size=(8, 3))
    patterns = Arrangement.enumerate(rows).patterns
    given = answer.array(rows, patterns, rng.integers(1000), shape=(patterns.shape[1],))
    require((given >= 0).all(), "a share is negative")
    require(abs(given.sum() - 1) < 1e-9, "the shares do not add up to 1")
    for scale, name in [((1, 1, 1), "orthogonal rows"), ((1, 5, 0.2), "rows of other lengths")]:
        axes = np.diag(scale) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        octants = Arrangement.enumerate(axes).patterns
        given = answer.array(axes, octants, rng.integers(1000), shape=(8,))
        # 10,000 directions leave a standard deviation of 0.0033.
        near = np.abs(given - 1 / 8).max() < 0.02
        require(near, f"three {name} cut the sphere into eight equal chambers; yours are not equal")
    # Two planes that enclose an angle of 60 degrees, in an order of the chambers that is not ours.
    wedge = np.array([[1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0]])
    both = np.array([[True, False, True, False], [True, False, False, True]])
    given = answer.array(wedge, both, rng.integers(1000), shape=(4,))
    near = np.abs(given - [1 / 3, 1 / 3, 1 / 6, 1 / 6]).max() < 0.02
    require(near, "of two planes at 60 degrees, the shares are not in the order of the patterns")
    # Planes at 30 degrees around the direction (1, 1, 0), to which directions drawn uniformly from
    # a cube are drawn: they give the two narrow chambers 0.21 instead of a sixth.
    narrow = np.array([[-0.5, np.sqrt(0.75), 0.0], [np.sqrt(0.75), -0.5, 0.0]])
    given = answer.array(narrow, both, rng.integers(1000), shape=(4,))
    near = abs(given[:2].sum() - 1 / 6) < 0.02
    require(near, "of two planes at 30 degrees, the narrow chambers have a sixth in all positions")


@exercise("02.5")
def useful_directions(answer, rng):
    X = with_bias(rng.normal(size=(30, 2)))
    y = rng.normal(size=30)
    drawn = answer.array(X, y, 20, 0, shape=(3, 20))
    require(drawn.any(axis=0).all(), "a direction is zero")
    again = answer.array(X, y, 20, 0, shape=(3, 20))
    require(np.array_equal(drawn, again), "the same seed gives other directions")
    other = answer.array(X, y, 20, 1, shape=(3, 20))
    require(not np.array_equal(drawn, other), "another seed gives the same directions")
    lengths = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(drawn, axis=0)
    off = (np.abs(X @ drawn) > INSIDE * lengths).all()
    require(off, "a direction lies on a hyperplane, where roundoff chooses the pattern")
