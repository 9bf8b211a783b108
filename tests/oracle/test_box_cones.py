"""The bound on one box's cone, and that boxes cover the sphere."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from hidden_convexity.oracle.boxes import explore, local_values, seed
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.least_distance import majorise
from hidden_convexity.oracle.majorant import at_corners, corners_of, upper_bound, workspace
from hidden_convexity.oracle.search import _simplices
from hidden_convexity.oracle.several_outputs import cells, majorant

slow = pytest.mark.slow


def box_of(centre, halves, axis, side):
    """A box (2, d) on a face of the cube, of dyadic numbers."""
    box = np.array([centre, halves], dtype=float)
    box[:, axis] = side, 0.0
    return box


@st.composite
def boxes(draw, max_d=5):
    """Boxes of the tree: halves of the faces, down to slivers."""
    d = draw(st.integers(2, max_d))
    axis, side = draw(st.integers(0, d - 1)), draw(st.sampled_from([1.0, -1.0]))
    depth = draw(arrays(np.int64, d, elements=st.integers(0, 12)))
    place = draw(arrays(np.float64, d, elements=st.floats(0, 1, exclude_max=True)))
    halves = 2.0**-depth
    return box_of((2 * np.floor(place * 2.0**depth) + 1) * halves - 1, halves, axis, side), axis


def on_cone(box, axis):
    """Its corners, the largest sum of coefficients, and the workspace."""
    space = workspace(box.shape[1], 50)
    reach = corners_of(box, axis, space[0])
    return space[0], reach, space


def least_distance(V, b):
    """min ||p|| with Vp >= b by scipy's non-negative least squares (Lawson and Hanson, 23.27)."""
    size = np.abs(b).max(initial=0.0)
    if not (b > 0).any():
        return 0.0
    E = np.vstack([V.T, b / size])
    target = np.append(np.zeros(V.shape[1]), 1.0)
    rest = E @ nnls(E, target, maxiter=1000)[0] - target
    return size * np.linalg.norm(rest[:-1]) / -rest[-1]


@pytest.mark.proves("cell-bound")
@settings(deadline=None, max_examples=200)
@given(boxes(), st.integers(0, 10**6), st.booleans())
def test_the_shortest_majorant_is_scipys(instance, seed, tied):
    box, axis = instance
    V, reach, space = on_cone(box, axis)
    rng = np.random.default_rng(seed)
    b = rng.integers(-2, 4, len(V)).astype(float) if tied else rng.standard_normal(len(V)) + 0.5
    p = np.empty(box.shape[1])
    shortest, count = least_distance(V, b), 0
    for values in (b + rng.standard_normal(len(V)), b):  # the second from where the first ended
        bound, count = majorise(V, values, reach, p, count, space[-1])
    assert bound >= shortest * (1 - 1e-9)
    # Opposite values at the corners of a sliver are no bound of anything: any majorant is long.
    if box[1][box[1] > 0].min() > 0.05:
        assert bound <= shortest * (1 + 1e-6)


@settings(deadline=None, max_examples=100)
@given(boxes(), st.integers(0, 10**6))
def test_no_point_of_the_unit_ball_needs_larger_coefficients(instance, seed):
    box, axis = instance
    V, reach, _ = on_cone(box, axis)
    z = np.random.default_rng(seed).dirichlet(np.full(len(V), 0.3), 50)
    assert (1 <= reach * np.linalg.norm(z @ V, axis=1) * (1 + 1e-12)).all()
    assert len(np.unique(V, axis=0)) == 2 ** (box.shape[1] - 1)


@settings(deadline=None, max_examples=100)
@given(boxes(), st.integers(0, 10**6))
def test_values_at_corners_are_those_of_the_corners(instance, seed):
    box, axis = instance
    V, _, _ = on_cone(box, axis)
    a = np.random.default_rng(seed).standard_normal(box.shape[1])
    values = np.empty(len(V))
    at_corners(np.ascontiguousarray(local_values(a[:, None], box, axis)[:, 0]), values)
    np.testing.assert_allclose(values, V @ a, atol=1e-13)


def highest_on(V, rows, signs, a, points):
    """The largest sum sign (row.u)_+ + a.u at unit vectors u of the cone: corners and others."""
    rng = np.random.default_rng(0)
    inside = np.vstack([V, V.sum(axis=0), rng.dirichlet(np.full(len(V), 0.3), points) @ V])
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    return (np.maximum(inside @ rows.T, 0) @ signs + inside @ a).max()


@pytest.mark.proves("cell-bound")
@settings(deadline=None, max_examples=150)
@given(boxes(4), st.integers(0, 10**6), st.booleans())
def test_no_point_of_a_cone_is_above_its_bound_where_rows_tie_too(instance, seed, tied):
    """Rows through corners, repeated and opposite rows, of both signs."""
    box, axis = instance
    V, reach, space = on_cone(box, axis)
    rng = np.random.default_rng(seed)
    d, n = box.shape[1], 12
    rows = rng.integers(-2, 3, (n, d)).astype(float) if tied else rng.standard_normal((n, d))
    rows -= np.outer(rows @ box[0], box[0]) / (box[0] @ box[0]) * rng.integers(0, 2, n)[:, None]
    signs, a = rng.choice([-1.0, 1.0], n), rng.integers(-1, 2, d).astype(float)
    up, down, linear = (
        local_values(np.ascontiguousarray(part.T), box, axis)
        for part in (rows[signs > 0], rows[signs < 0], a[None])
    )
    for side, first, second in [(1.0, up, down), (-1.0, down, up)]:
        linear_part = np.ascontiguousarray(linear[:, 0])
        highest = highest_on(V, rows, side * signs, side * a, 300)
        # So low a goal that all choices of activities are tried.
        enough = max(highest, 0.0)
        bound = upper_bound(first, second, linear_part, side, box, axis, reach, enough, space)
        assert highest <= bound + 1e-12 * np.abs(rows).sum()


@pytest.mark.proves("cell-bound-outputs")
@settings(deadline=None, max_examples=300)
@given(boxes(4), st.integers(1, 3), st.integers(0, 10**6), st.booleans(), st.floats(0, 2))
def test_of_several_outputs_neither(instance, c, seed, tied, goal):
    """At goals below the maximum on the cone, at it, and above: each way of bounding has a turn."""
    box, axis = instance
    V = on_cone(box, axis)[0]
    rng = np.random.default_rng(seed)
    d, n = box.shape[1], 12
    rows, N = rng.standard_normal((n, d)), rng.standard_normal((n, c))
    if tied:
        rows, N = rng.integers(-2, 3, (n, d)).astype(float), rng.integers(-1, 2, (n, c)) + 0.25
    rows -= np.outer(rows @ box[0], box[0]) / (box[0] @ box[0]) * rng.integers(0, 2, n)[:, None]
    L = rng.integers(-1, 2, (d, c)).astype(float)
    inside = np.vstack([V, V.sum(axis=0), rng.dirichlet(np.full(len(V), 0.3), 300) @ V])
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    highest = np.linalg.norm(np.maximum(inside @ rows.T, 0) @ N + inside @ L, axis=1).max()
    sizes = np.linalg.norm(N, axis=1)
    weighted, units = np.ascontiguousarray((sizes[:, None] * rows).T), N / sizes[:, None]
    rounding = 1e-12 * (np.abs(weighted).sum() + np.abs(L).sum())
    bounds = cells.seed(weighted, units, box, L, goal * highest)[2]
    assert highest <= bounds[0, 0] + rounding


def test_an_eigenvalue_is_bounded_closely_and_never_from_below():
    for c, rank in itertools.product([1, 2, 10], [1, 3]):
        rows = np.random.default_rng(c).standard_normal((rank, c)) * 1e-3
        S = rows.T @ rows
        square, largest = np.stack([S, S]), np.linalg.eigvalsh(S)[-1]
        top = majorant.largest_eigenvalue(square, np.trace(S), rank)
        assert largest <= top <= 1.04 * largest
    assert majorant.largest_eigenvalue(np.zeros((2, 2, 2)), 0.0, 5) == 0.0


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_the_simplices_of_a_box_fill_it(d):
    box = box_of(np.full(d, 0.25), 0.5 ** np.arange(d), 1, -1.0)
    simplices = _simplices(box)
    assert simplices.shape == (math.factorial(d - 1), d, d)
    volumes = np.abs(np.linalg.det(simplices)) / math.factorial(d - 1)
    assert volumes.sum() == pytest.approx(np.prod(2 * box[1][box[1] > 0]))
    for one, other in itertools.combinations(simplices, 2):
        middle = one.mean(axis=0)
        assert np.linalg.solve(other.T, middle).min() < 0


def explored(box, enough):
    """What becomes of 30 rows of positive weight from one face on, and them."""
    rows = np.ascontiguousarray(np.random.default_rng(0).standard_normal((30, 3)).T)
    stack = seed(rows, np.empty((3, 0)), box, np.zeros(3), enough)
    return explore(*stack, enough, 10**6, 10**12, np.empty((0, 2, 3)), np.empty(0)), rows


def test_a_direction_above_the_goal_ends_the_exploration():
    """Cells around it were halved until their sides underflowed, and a width was divided by."""
    face = box_of(np.zeros(3), np.ones(3), 0, 1.0)
    (*_, bounds, _, _, _, cells, peak, height, _), rows = explored(face, 1e-3)
    assert height == pytest.approx(np.maximum(peak @ rows, 0).sum()) and height > 1e-3
    assert cells <= 2 and bounds.max() >= height


@pytest.mark.parametrize("most", [0, 1, 2, 10, 100, 10_000])
@pytest.mark.parametrize("seed_of_rows", range(6))
def test_every_direction_is_bounded_by_its_open_cell_or_by_those_closed(seed_of_rows, most):
    """Wherever an exploration ends: halves whose bounds are left out keep that of their cell."""
    rng, d = np.random.default_rng(seed_of_rows), 4
    rows = rng.integers(-2, 3, (40, d)) + (seed_of_rows % 2) * 0.3 * rng.standard_normal((40, d))
    up, down = (np.ascontiguousarray(part.T) for part in (rows[:25], rows[25:]))
    face = box_of(np.zeros(d), np.ones(d), 0, 1.0)
    U = np.column_stack([np.ones(5_000), rng.uniform(-1, 1, (5_000, d - 1))])
    h = np.maximum(U @ up, 0).sum(axis=1) - np.maximum(U @ down, 0).sum(axis=1)
    h /= np.linalg.norm(U, axis=1)
    enough = 1.05 * np.abs(h).max()
    stack = seed(up, down, face, np.zeros(d), enough)
    found = explore(*stack, enough, most, 10**12, np.empty((0, 2, d)), np.empty(0))
    (centres, halves), bounds, closed = found[0].transpose(1, 0, 2), found[2], found[5]
    within = (np.abs(U[:, None] - centres) <= halves + 1e-12).all(axis=2)
    above = np.where(within[:, :, None], bounds, -np.inf).max(axis=1, initial=-np.inf)
    is_open = within.any(axis=1)[:, None]
    reached = np.column_stack([h, -h])
    assert (reached <= np.where(is_open, above, closed) + 1e-12 * np.abs(rows).sum()).all()
    assert is_open.all() if most == 0 else most < 10_000 or not is_open.any()


def test_a_cell_that_is_a_point_to_rounding_is_not_halved():
    point = box_of(np.full(3, 0.25), np.full(3, 2.0**-60), 0, 1.0)
    (*_, bounds, _, _, closed, cells, _, _, _), rows = explored(point, 1e-3)
    height = np.maximum(point[0] @ rows, 0).sum() / np.linalg.norm(point[0])
    assert cells == len(bounds) == 0 and closed == pytest.approx(height)


@slow
def test_rank_eight_is_within_reach():
    """Simplicial cones ended by the budget with a bound five times the maximum, at rank 7."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((500, 7)), np.ones(500)])
    y = np.sin(2 * X[:, 0]) * X[:, 1]
    found = BranchAndBound(X, max_cells=50_000)(y, tolerance=1e-2)
    assert found.bound <= (1 + 1e-2) * found.value * (1 + 1e-9)
