"""Gates of several kinds: each strictly inside a chamber, by one rule for samples on a gate."""

from itertools import combinations, product

import numpy as np
import pytest

from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.geometry.hyperplanes import ROUNDING, active, unit_rows

KINDS = ("gaussian", "wedge", "sparse", "patch")
RNG = np.random.default_rng(0)
DATA = {
    "generic": RNG.normal(size=(30, 4)),
    "repeated and opposite": np.repeat(RNG.normal(size=(6, 3)), 3, axis=0)
    * np.tile([1.0, 1e6, -2.0], 6)[:, None],
    "grid": np.array(list(product([0.0, 1.0, 2.0], repeat=3))),
    "rank 2 of 5": RNG.normal(size=(12, 2)) @ RNG.normal(size=(2, 5)),
    "many columns": RNG.normal(size=(20, 60)),
    "background": np.maximum(RNG.normal(size=(25, 16)), 0) * (np.arange(16) % 4 > 1),
    "plane": RNG.normal(size=(9, 2)),
    "line": RNG.normal(size=(5, 1)),
}


@pytest.mark.parametrize("X", DATA.values(), ids=DATA)
@pytest.mark.parametrize("kind", KINDS)
def test_gates_of_every_kind_are_strictly_inside_chambers(kind, X):
    """On a wall, rounding chose the pattern: `from_gates` takes all of them, so none is on one."""
    found = Arrangement.sample(X, 40, rng=1, kind=kind)
    assert 1 <= len(found) <= 40 and not found.complete
    heights = unit_rows(X) @ found.gates
    assert (np.abs(heights[X.any(axis=1)]) > ROUNDING).all()
    np.testing.assert_array_equal(found.patterns, heights > 0)
    np.testing.assert_array_equal(found.patterns, active(X, found.gates))
    again = Arrangement.from_gates(X, found.gates)
    np.testing.assert_array_equal(again.patterns, found.patterns)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_gates_and_units_do_not_matter(kind):
    X = DATA["generic"]
    one, other = (Arrangement.sample(X, 30, rng=seed, kind=kind) for seed in (3, 4))
    for same in (Arrangement.sample(X, 30, np.random.default_rng(3), kind=kind),):
        np.testing.assert_array_equal(one.gates, same.gates)
    assert one.patterns.shape != other.patterns.shape or (one.patterns != other.patterns).any()
    scaled = X * np.geomspace(1e-8, 1e8, len(X))[:, None]
    rescaled = Arrangement.sample(scaled, 30, rng=3, kind=kind)
    np.testing.assert_array_equal(one.patterns, rescaled.patterns)


def test_a_wedge_gate_is_next_to_a_vertex_whose_samples_are_off():
    """All four sides of its two samples occur around the vertex, and the gate has both off."""
    X = np.random.default_rng(2).normal(size=(12, 3))
    every = {tuple(pattern) for pattern in Arrangement.enumerate(X).patterns.T}
    for pattern in Arrangement.sample(X, 50, kind="wedge").patterns.T:
        assert any(all_sides(pattern, pair) <= every for pair in combinations(range(12), 2))


def all_sides(pattern, pair):
    """The patterns with a pair of samples, which must be off in it, on and off; or none at all."""
    if pattern[list(pair)].any():
        return {None}
    around = set()
    for sides in product([False, True], repeat=2):
        turned = pattern.copy()
        turned[list(pair)] = sides
        around.add(tuple(turned))
    return around


def test_sparse_gates_see_few_features():
    X = np.random.default_rng(0).normal(size=(40, 25))
    assert (np.count_nonzero(Arrangement.sample(X, 60, kind="sparse").gates, axis=0) == 5).all()
    two = Arrangement.sample(X, 60, kind="sparse", size=2).gates
    assert (np.count_nonzero(two, axis=0) == 2).all()
    assert two.any(axis=1).all()


def test_patch_gates_see_a_patch_and_the_bias():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 30)), np.ones(40)])
    gates = Arrangement.sample(X, 80, kind="patch", size=2, shape=(5, 6)).gates
    assert gates[-1].all()
    for gate in gates[:-1].T:
        rows, columns = np.nonzero(gate.reshape(5, 6))
        assert len(rows) == 4
        assert np.ptp(rows) == np.ptp(columns) == 1
    assert gates[:-1].any(axis=1).all()
    signal = Arrangement.sample(X, 80, kind="patch").gates
    assert all(np.ptp(np.flatnonzero(gate)) == 2 for gate in signal.T)


def test_of_opposite_samples_on_a_gate_the_first_is_off():
    """Asked to be off together, no cross product of mirrored data had a chamber."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 3))
    doubled = np.concatenate([X, -2 * X])
    wedge, plain = (Arrangement.sample(data, 400, kind="wedge") for data in (doubled, X))
    assert {tuple(p) for p in wedge.patterns[:8].T} == {tuple(p) for p in plain.patterns.T}
    np.testing.assert_array_equal(wedge.patterns[8:], ~wedge.patterns[:8])


def test_dependent_samples_on_all_gates_have_no_chamber():
    """Three that add up to zero are never off together."""
    three = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    X = np.block([[three, np.zeros((3, 2))], [np.zeros((3, 2)), three]])
    with pytest.raises(ValueError, match="no chamber in which the samples on a gate are off"):
        Arrangement.sample(X, 20, kind="sparse", size=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "dense"}, "kind must be one of 'gaussian', 'wedge', 'sparse', 'patch'"),
        ({"kind": None}, "kind must be one of"),
        ({"size": 2}, "size goes with kinds other than"),
        ({"kind": "sparse", "size": 0}, "size"),
        ({"kind": "sparse", "size": 5}, "size must be at most 4"),
        ({"kind": "wedge", "size": 1.5}, "size"),
        ({"kind": "sparse", "shape": (2, 2)}, "shape goes with kind='patch' only"),
        ({"kind": "patch", "shape": 4}, "shape must be a tuple"),
        ({"kind": "patch", "shape": (3, 2)}, "shape .* has 6 entries, X has 4 columns"),
        ({"kind": "patch", "shape": (2, 2), "size": 3}, "size must be at most 2"),
    ],
)
def test_what_cannot_be_drawn(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Arrangement.sample(DATA["generic"], 5, **options)


def test_there_are_no_cross_products_of_nothing():
    with pytest.raises(ValueError, match="X must have a nonzero row"):
        Arrangement.sample(np.zeros((3, 2)), 5, kind="wedge")
