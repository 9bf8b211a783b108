"""Chambers: Cover's counts, brute force by linear programming, and the group of symmetries."""

import pickle
import tracemalloc
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from conftest import gaussian
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hidden_convexity.geometry import chambers
from hidden_convexity.geometry.arrangement import Arrangement, TooManyChambers, count_chambers


def patterns_by_linear_programming(X):
    """Every chamber's pattern, one row at a time: a chamber is cut if both of its sides exist.

    A side exists if some u in the unit cube has s_i x_i . u >= t for every row and a t > 0; a
    linear program finds the largest t. Zero rows cut nothing and are never active.
    """
    X = np.asarray(X, dtype=float)
    norms = np.linalg.norm(X, axis=1)
    rows = [i for i in range(len(X)) if norms[i] > 0]
    chambers = [[]]
    for k in range(1, len(rows) + 1):
        unit = X[rows[:k]] / norms[rows[:k], None]
        chambers = [
            [*signs, side]
            for signs in chambers
            for side in (1, -1)
            if largest_margin(unit * np.array([*signs, side])[:, None]) > 1e-9
        ]
    found = set()
    for signs in chambers:
        pattern = np.zeros(len(X), dtype=bool)
        pattern[rows] = np.array(signs) > 0
        found.add(tuple(pattern.tolist()))
    return found


def largest_margin(A):
    """max t such that A u >= t for some u in the unit cube."""
    n, d = A.shape
    solution = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.column_stack([-A, np.ones(n)]),
        b_ub=np.zeros(n),
        bounds=[(-1, 1)] * d + [(None, 1)],
    )
    return solution.x[-1]


def exact_count(X):
    """Number of chambers by deletion and restriction (Zaslavsky), in rational arithmetic."""
    return count_of_lines(distinct([[Fraction(float(entry)) for entry in row] for row in X]))


def count_of_lines(lines):
    if not lines:
        return 1
    *rest, last = lines
    k = next(j for j, entry in enumerate(last) if entry)
    within = [[row[j] - row[k] * last[j] for j in range(len(last)) if j != k] for row in rest]
    return count_of_lines(rest) + count_of_lines(distinct(within))


def distinct(rows):
    """Non-zero rows scaled to leading entry 1, each once."""
    leading = [next((entry for entry in row if entry), 0) for row in rows]
    scaled = (
        tuple(e / first for e in row) for row, first in zip(rows, leading, strict=True) if first
    )
    return sorted(set(scaled))


def as_set(arrangement):
    return set(map(tuple, arrangement.patterns.T.tolist()))


def assert_sound(arrangement, X, margin=1e-12):
    """No duplicates; every gate is a unit vector strictly inside the chamber of its pattern."""
    X = np.asarray(X, dtype=float)
    patterns, gates = arrangement.patterns, arrangement.gates
    n, d = X.shape
    assert patterns.dtype == bool and patterns.shape == (n, len(arrangement))
    assert gates.shape == (d, len(arrangement))
    assert len(as_set(arrangement)) == len(arrangement)
    np.testing.assert_allclose(np.linalg.norm(gates, axis=0), 1, atol=1e-12)
    norms = np.linalg.norm(X, axis=1)
    nonzero = norms > 0
    products = (X[nonzero] / norms[nonzero, None]) @ gates
    np.testing.assert_array_equal(products > 0, patterns[nonzero])
    assert not patterns[~nonzero].any()
    assert products.size == 0 or np.abs(products).min() > margin


GENERIC = gaussian(4, 3, seed=3)
REPEATED = np.vstack([GENERIC[0], GENERIC[0], -2 * GENERIC[0], GENERIC[1:]])
COPLANAR = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]])


# Counts


@pytest.mark.parametrize(
    ("X", "count"),
    [
        (REPEATED, 14),
        (gaussian(6, 4, rank=2), 12),
        (COPLANAR, 26),
        (gaussian(6, 3), 32),
        (gaussian(5, 1), 2),
        (gaussian(1, 3), 2),
        (gaussian(3, 7), 8),
        (np.zeros((3, 2)), 1),
        (np.zeros((2, 1)), 1),
        (np.vstack([np.zeros((2, 3)), COPLANAR]), 26),
    ],
    ids=[
        "one repeated, one opposite row",
        "rank 2 in four dimensions",
        "six rows not in general position",
        "general position",
        "d = 1",
        "n = 1",
        "n < d",
        "zero rows only",
        "zero rows only, d = 1",
        "zero rows change nothing",
    ],
)
def test_known_counts(X, count):
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == count
    assert_sound(arrangement, X)


@pytest.mark.proves("cover-count")
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12])
def test_general_position_has_covers_number_of_chambers(n, d):
    X = gaussian(n, d, seed=n * d)
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == 2 * sum(comb(n - 1, k) for k in range(min(n, d)))
    assert len(arrangement) == count_chambers(n, min(n, d))
    assert arrangement.rank == min(n, d)
    assert arrangement.complete
    assert_sound(arrangement, X)


def test_covers_number_counts_what_it_should():
    assert count_chambers(6, 3) == 32
    assert count_chambers(6, 2) == 12
    assert count_chambers(7, 1) == 2
    assert [count_chambers(n, n) for n in range(1, 8)] == [2**n for n in range(1, 8)]
    # More dimensions than hyperplanes: every sign vector occurs, no more than that.
    assert count_chambers(3, 9) == 8


def test_covers_number_obeys_its_recursion():
    # A new hyperplane cuts as many chambers as the old ones have on it, one dimension down.
    for n in range(2, 12):
        for rank in range(2, 8):
            one_less = count_chambers(n - 1, rank) + count_chambers(n - 1, rank - 1)
            assert count_chambers(n, rank) == one_less


def test_covers_number_is_exact_beyond_floating_point():
    assert count_chambers(100_000, 10) == 2 * sum(comb(99_999, k) for k in range(10))


def test_a_larger_arrangement_in_the_plane():
    X = gaussian(2_000, 2)
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == 4_000
    assert_sound(arrangement, X, margin=0)


def test_a_larger_arrangement_in_space():
    X = gaussian(60, 3)
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == count_chambers(60, 3)
    assert_sound(arrangement, X, margin=0)


# Brute force


@pytest.mark.slow
@pytest.mark.parametrize(
    "X",
    [
        REPEATED,
        COPLANAR,
        gaussian(7, 3),
        gaussian(6, 4),
        gaussian(6, 5, rank=3),
        gaussian(3, 5),
        np.vstack([np.eye(4), np.ones((1, 4)), -np.ones((1, 4))]),
        np.column_stack([np.arange(-3, 4), np.ones(7)]),
        np.array([[1, 1, 0], [-1, 1, 0], [0, 1, 1], [0, -1, 1], [1, 0, 1], [-1, 0, 1]]),
    ],
    ids=[
        "repeated and opposite rows",
        "coplanar triples",
        "general position in three dimensions",
        "general position in four dimensions",
        "rank 3 in five dimensions",
        "n < d",
        "a row that is the sum of the others",
        "points on a line and a bias",
        "roots of the cube",
    ],
)
def test_enumerate_agrees_with_linear_programming(X):
    arrangement = Arrangement.enumerate(X)
    assert as_set(arrangement) == patterns_by_linear_programming(X)
    assert_sound(arrangement, X)


@st.composite
def integer_matrices(draw):
    """Small integers: zero rows, repeated, opposite and coplanar rows and low rank abound."""
    n, d = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    row = st.lists(st.integers(-2, 2), min_size=d, max_size=d)
    return np.array(draw(st.lists(row, min_size=n, max_size=n)))


BRUTE_FORCE = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.mark.slow
@BRUTE_FORCE
@given(integer_matrices())
def test_enumerate_agrees_with_linear_programming_on_ties(X):
    arrangement = Arrangement.enumerate(X)
    assert as_set(arrangement) == patterns_by_linear_programming(X)
    assert arrangement.rank == np.linalg.matrix_rank(X)
    assert_sound(arrangement, X)


@pytest.mark.proves("cover-count")
@pytest.mark.parametrize(
    ("n", "d", "largest"), [(40, 3, 2), (60, 3, 9), (25, 4, 2), (14, 5, 1), (11, 6, 1)]
)
def test_degenerate_rows_have_zaslavskys_number_of_chambers(n, d, largest):
    rng = np.random.default_rng(n)
    X = rng.integers(-largest, largest + 1, size=(n, d))
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    count = exact_count(X)
    assert count < count_chambers(len(np.unique(X, axis=0)), d)
    factors = 10.0 ** rng.integers(-6, 7, size=(n, 1))
    gates = Arrangement.enumerate(X).gates
    for rows, same in ((X, gates), (X @ rotation, rotation.T @ gates), (factors * X, gates)):
        arrangement = Arrangement.enumerate(rows)
        assert len(arrangement) == count
        assert_sound(arrangement, rows)
        np.testing.assert_allclose(arrangement.gates, same, atol=1e-9)


@st.composite
def nearly_degenerate_matrices(draw, smallest):
    """Integers moved by one small power of two, so that ties of all sorts are nearly there."""
    n, d = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    row = st.lists(st.integers(-1, 1), min_size=d, max_size=d)
    rows = st.lists(row, min_size=n, max_size=n)
    size = 2.0 ** draw(st.integers(smallest, -3))
    return np.array(draw(rows), dtype=float) + size * np.array(draw(rows))


NEARLY_DEGENERATE = settings(max_examples=60, deadline=None, derandomize=True)


@NEARLY_DEGENERATE
@given(nearly_degenerate_matrices(smallest=-12))
def test_thin_chambers_are_all_found(X):
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == exact_count(X)
    assert_sound(arrangement, X, margin=0)


@NEARLY_DEGENERATE
@given(nearly_degenerate_matrices(smallest=-50))
def test_chambers_that_exist_only_by_rounding_are_not_listed(X):
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) <= exact_count(X)
    assert_sound(arrangement, X, margin=1e-15)


def test_chambers_a_hundred_times_wider_than_rounding_are_listed():
    X = COPLANAR + 1e-12 * gaussian(6, 3, seed=7)
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == 32
    assert_sound(arrangement, X, margin=0)


def test_a_chamber_as_thin_as_rounding_is_not_listed():
    ties = np.array([[1, 1, -1], [-1, 0, 0], [-1, 1, -1], [-1, 0, 0], [1, -1, 1]])
    nearly = np.array([[1, -1, 1], [-1, 1, 1], [1, 1, 0], [-1, -1, 0], [-1, 0, -1]])
    X = ties + 2.0**-26 * nearly
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) < exact_count(X)
    np.testing.assert_array_equal(X @ arrangement.gates > 0, arrangement.patterns)


# Packed bits


def assert_packed_equals_unpacked(arrangement, X):
    nonzero, count = X.any(axis=1), len(arrangement)
    active = arrangement.patterns
    np.testing.assert_array_equal(active[nonzero], X[nonzero] @ arrangement.gates > 0)
    assert not active[~nonzero].any()
    blocks = [arrangement.unpack(slice(k, k + 3)) for k in range(0, count, 3)]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), active)
    backwards = np.arange(count)[::-1]
    np.testing.assert_array_equal(arrangement.unpack(backwards), active[:, ::-1])


@BRUTE_FORCE
@given(integer_matrices())
def test_packed_patterns_equal_unpacked_ones_on_ties(X):
    assert_packed_equals_unpacked(Arrangement.enumerate(X), X)


@pytest.mark.parametrize("n", [7, 8, 9, 31, 64, 65])
def test_packed_patterns_equal_unpacked_ones_whatever_the_padding(n):
    X = gaussian(n, 3, seed=n)
    assert_packed_equals_unpacked(Arrangement.enumerate(X), X)


@pytest.mark.parametrize(
    "X", [gaussian(9, 4), gaussian(30, 3), COPLANAR, np.array(list(np.ndindex(3, 3, 3, 3))) - 1]
)
def test_the_list_does_not_depend_on_hashes_or_chunks(X, monkeypatch):
    expected = Arrangement.enumerate(X)
    monkeypatch.setattr(chambers, "CHUNK", 1)
    in_chunks = Arrangement.enumerate(X)
    start = chambers._Table.__init__

    def start_with_equal_hashes(table, m, r):
        start(table, m, r)
        table.line_keys[:] = 0

    monkeypatch.setattr(chambers._Table, "__init__", start_with_equal_hashes)
    for other in (in_chunks, Arrangement.enumerate(X)):
        np.testing.assert_array_equal(other.patterns, expected.patterns)
        np.testing.assert_allclose(other.gates, expected.gates, atol=1e-12)


@pytest.mark.slow
def test_a_list_of_many_chambers():
    X = gaussian(300, 3)
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == count_chambers(300, 3) == 89_702
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    seen = set()
    for start in range(0, len(arrangement), 10_000):
        block = slice(start, start + 10_000)
        active = arrangement.unpack(block)
        products = unit @ arrangement.gates[:, block]
        np.testing.assert_array_equal(products > 0, active)
        assert np.abs(products).min() > 1e-15
        seen.update(map(bytes, np.packbits(active, axis=0).T))
    assert len(seen) == len(arrangement)


# Symmetries


@st.composite
def matrices_with_ties(draw):
    n, d = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    row = st.lists(st.integers(-2, 2), min_size=d, max_size=d)
    return np.array(draw(st.lists(row, min_size=n, max_size=n)), dtype=float)


SYMMETRIES = settings(max_examples=60, deadline=None, derandomize=True)


@SYMMETRIES
@given(matrices_with_ties())
def test_opposite_of_a_chamber_is_a_chamber(X):
    nonzero = X.any(axis=1)
    opposite = Arrangement.enumerate(X).patterns.copy()
    opposite[nonzero] ^= True
    assert set(map(tuple, opposite.T.tolist())) == as_set(Arrangement.enumerate(X))


@SYMMETRIES
@given(matrices_with_ties(), st.integers(0, 2**32 - 1))
def test_scaling_rows_by_positive_factors_changes_nothing(X, seed):
    factors = 10 ** np.random.default_rng(seed).uniform(-6, 6, len(X))
    assert as_set(Arrangement.enumerate(factors[:, None] * X)) == as_set(Arrangement.enumerate(X))


@SYMMETRIES
@given(matrices_with_ties(), st.integers(0, 2**32 - 1))
def test_permuting_rows_permutes_patterns(X, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    permuted = Arrangement.enumerate(X).patterns[order]
    assert as_set(Arrangement.enumerate(X[order])) == set(map(tuple, permuted.T.tolist()))


@SYMMETRIES
@given(matrices_with_ties(), st.integers(0, 2**32 - 1))
def test_flipping_rows_flips_patterns(X, seed):
    flipped = np.random.default_rng(seed).random(len(X)) < 0.5
    signs = np.where(flipped, -1.0, 1.0)
    expected = Arrangement.enumerate(X).patterns.copy()
    expected[flipped & X.any(axis=1)] ^= True
    actual = as_set(Arrangement.enumerate(signs[:, None] * X))
    assert actual == set(map(tuple, expected.T.tolist()))


@SYMMETRIES
@given(matrices_with_ties(), st.integers(0, 2**32 - 1))
def test_rotating_weight_space_changes_nothing(X, seed):
    d = X.shape[1]
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))
    rotated = Arrangement.enumerate(X @ rotation)
    assert as_set(rotated) == as_set(Arrangement.enumerate(X))
    assert_sound(rotated, X @ rotation)


@SYMMETRIES
@given(matrices_with_ties())
def test_embedding_in_more_dimensions_changes_nothing(X):
    embedded = np.column_stack([X, np.zeros(len(X)), X[:, 0]])
    arrangement = Arrangement.enumerate(embedded)
    assert as_set(arrangement) == as_set(Arrangement.enumerate(X))
    assert_sound(arrangement, embedded)


# Floating point


@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("opposite", [1, -1])
@pytest.mark.parametrize("d", [2, 3, 4])
def test_nearly_parallel_rows_are_told_apart(angle, opposite, d):
    X = gaussian(5, d, seed=11)
    first = X[0] / np.linalg.norm(X[0])
    across = gaussian(1, d, seed=12)[0]
    across -= (across @ first) * first
    across /= np.linalg.norm(across)
    near = opposite * (np.cos(angle) * first + np.sin(angle) * across)
    X = np.vstack([X, near])
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == count_chambers(6, d)
    assert_sound(arrangement, X, margin=0)


@pytest.mark.parametrize("angle", [1e-6, 1e-8])
def test_many_nearly_parallel_rows_are_told_apart(angle):
    X = np.column_stack([np.ones(8), angle * np.arange(8)])
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == 16
    assert_sound(arrangement, X, margin=0)


@pytest.mark.parametrize("size", [1e-4, 1e-6, 1e-8])
def test_a_small_perturbation_opens_the_chambers_that_ties_had_closed(size):
    X = COPLANAR + size * gaussian(6, 3, seed=7)
    arrangement = Arrangement.enumerate(X)
    assert len(arrangement) == 32
    assert_sound(arrangement, X, margin=0)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_the_unit_of_the_data_does_not_matter(scale):
    assert as_set(Arrangement.enumerate(scale * COPLANAR)) == as_set(
        Arrangement.enumerate(COPLANAR)
    )


def test_rounded_multiples_of_a_row_are_one_hyperplane():
    row = np.array([0.1, 0.2, 0.7])
    X = np.vstack([row, row / 3, -row * 7.1, row * 1e-5])
    assert len(Arrangement.enumerate(X)) == 2


def test_gates_lie_in_the_row_space():
    X = gaussian(6, 5, rank=2)
    gates = Arrangement.enumerate(X).gates
    row_space = np.linalg.svd(X)[2][:2]
    np.testing.assert_allclose(row_space.T @ (row_space @ gates), gates, atol=1e-12)


# Too many


@pytest.mark.parametrize(("n", "d"), [(10_000, 6), (10_000, 3)])
def test_too_many_chambers_is_raised_before_memory_is_spent(n, d):
    X = gaussian(n, d)
    tracemalloc.start()
    with pytest.raises(TooManyChambers) as caught:
        Arrangement.enumerate(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.count == count_chambers(n, d)
    assert peak < 20 * X.nbytes


def test_too_many_chambers_says_what_to_do_next():
    with pytest.raises(TooManyChambers, match=r"32.*31.*sample") as caught:
        Arrangement.enumerate(gaussian(6, 3), max_chambers=31)
    assert isinstance(caught.value, ValueError)
    assert caught.value.count == 32
    assert len(Arrangement.enumerate(gaussian(6, 3), max_chambers=32)) == 32


def test_repeated_rows_do_not_count_as_too_many():
    X = np.repeat(gaussian(6, 3), 1_000, axis=0)
    assert len(Arrangement.enumerate(X, max_chambers=32)) == 32


# Sampling


@pytest.mark.parametrize(
    "X",
    [COPLANAR, REPEATED, gaussian(6, 4, rank=2), np.zeros((2, 2))],
    ids=["coplanar triples", "repeated and opposite rows", "rank 2", "zero rows only"],
)
def test_sampled_chambers_are_chambers(X):
    sample = Arrangement.sample(X, 50, rng=1)
    assert as_set(sample) <= as_set(Arrangement.enumerate(X))
    assert 1 <= len(sample) <= 50
    assert not sample.complete
    assert_sound(sample, X, margin=0)


def test_sampling_long_enough_meets_every_chamber():
    assert as_set(Arrangement.sample(COPLANAR, 5_000)) == as_set(Arrangement.enumerate(COPLANAR))


def test_sampling_is_reproducible():
    X = gaussian(30, 4)
    one, same, other = (Arrangement.sample(X, 20, rng=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.patterns, same.patterns)
    np.testing.assert_array_equal(one.gates, same.gates)
    assert as_set(one) != as_set(other)


def test_sampling_takes_a_generator_and_advances_it():
    X = gaussian(30, 4)
    rng = np.random.default_rng(5)
    first, second = Arrangement.sample(X, 20, rng=rng), Arrangement.sample(X, 20, rng=rng)
    np.testing.assert_array_equal(first.gates, Arrangement.sample(X, 20, rng=5).gates)
    assert as_set(first) != as_set(second)


def test_given_gates_meet_their_own_chambers():
    X = np.vstack([COPLANAR, np.zeros((1, 3))])
    every = Arrangement.enumerate(X)
    chosen = every.gates[:, [7, 3, 7, 12]]
    given = Arrangement.from_gates(X, [5, 1, 0.1, 2] * chosen)
    np.testing.assert_array_equal(given.patterns, every.patterns[:, [7, 3, 12]])
    np.testing.assert_allclose(given.gates, every.gates[:, [7, 3, 12]])
    assert not given.complete and given.rank == 3
    assert_sound(given, X)
    assert as_set(Arrangement.from_gates(X, every.gates)) == as_set(every)


def test_sampled_gates_meet_the_sampled_chambers():
    X = gaussian(30, 4)
    sample = Arrangement.sample(X, 20)
    np.testing.assert_array_equal(Arrangement.from_gates(X, sample.gates).patterns, sample.patterns)


def test_arrangements_print_as_one_line():
    assert repr(Arrangement.enumerate(COPLANAR)) == "Arrangement(n=6, rank=3, 26 chambers)"
    sample = Arrangement.sample(gaussian(40, 3), 20)
    assert repr(sample) == f"Arrangement(n=40, rank=3, {len(sample)} sampled chambers)"


def test_enumerate_leaves_the_data_alone():
    X = COPLANAR.astype(float)
    before = X.copy()
    Arrangement.enumerate(X)
    np.testing.assert_array_equal(X, before)


def test_too_many_chambers_gets_through_a_pickle():
    """From a process pool it came as a TypeError of its own constructor, and broke the pool."""
    with pytest.raises(TooManyChambers) as caught:
        Arrangement.enumerate(gaussian(6, 3), max_chambers=31)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is TooManyChambers and str(again) == str(caught.value)
    assert (again.count, again.max_chambers) == (32, 31)
