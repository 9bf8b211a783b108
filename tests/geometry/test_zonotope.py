"""Zonotopes: counts, support functions, normal cones, distances and volumes, by second routes."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import ConvexHull

import hidden_convexity as hc

ICOSAHEDRON = (1 + np.sqrt(5)) / 2 * np.array(
    [[0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]
) + np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
# Rows 1 to 3 on one line, one of them opposite; four rows in a plane; a zero row.
DEGENERATE = np.array(
    [[1, 0, 0], [2, 0, 0], [-1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1]]
)


def gaussian(n, d, seed=0, rank=None):
    rng = np.random.default_rng([seed, n, d])
    X = rng.normal(size=(n, d))
    return X if rank is None else rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d))


def corners(X):
    """The sums of all 2^n subsets of rows."""
    return np.array(list(product([0, 1], repeat=len(X)))) @ X


def split(X, nu):
    return [hc.Zonotope(np.maximum(part, 0)[:, None] * X) for part in (nu, -nu)]


def contains_by_linear_program(X, p):
    """Whether coefficients 0 <= t <= 1 with X^T t = p exist, up to 1e-9 in each coordinate."""
    d = X.shape[1]
    return linprog(
        np.zeros(len(X)),
        A_ub=np.vstack([X.T, -X.T]),
        b_ub=np.concatenate([p, -p]) + np.full(2 * d, 1e-9),
        bounds=(0, 1),
    ).success


@st.composite
def integer_matrices(draw, most_rows=7, most_columns=4):
    """Small integers, so that zero, repeated, opposite and dependent rows are common."""
    n, d = draw(st.integers(1, most_rows)), draw(st.integers(1, most_columns))
    entries = draw(st.lists(st.integers(-2, 2), min_size=n * d, max_size=n * d))
    return np.array(entries, dtype=float).reshape(n, d)


SHAPES = [(1, 1), (5, 1), (1, 3), (2, 2), (7, 2), (3, 3), (6, 3), (11, 3), (7, 4), (3, 5), (7, 5)]
each_shape = pytest.mark.parametrize(("n", "d"), SHAPES)


# Counts


@each_shape
def test_generic_zonotopes_have_zaslavskys_number_of_faces(n, d):
    """A k-face is a set of k rows and a chamber of the others seen orthogonally to them."""
    Z, r = hc.Zonotope(gaussian(n, d)), min(n, d)
    assert Z.rank == r
    assert len(Z) == len(Z.vertices) == hc.count_chambers(n, r)
    # In one dimension all rows are on one line: they count as a single, longer row.
    lines = 1 if d == 1 else n
    assert len(Z.edges) == lines * hc.count_chambers(lines - 1, r - 1)
    assert len(Z.facet_normals) == comb(lines, r - 1) * hc.count_chambers(lines - r + 1, 1)
    if r == 3:
        assert len(Z.faces) == comb(n, 2) * hc.count_chambers(n - 2, 1)


@pytest.mark.parametrize(
    "X",
    [gaussian(3, 3), gaussian(9, 3), gaussian(6, 5, rank=3), DEGENERATE, ICOSAHEDRON],
    ids=["a parallelepiped", "generic", "rank 3 in five dimensions", "degenerate", "icosahedron"],
)
def test_eulers_relation_holds_in_space(X):
    Z = hc.Zonotope(X)
    assert len(Z.vertices) - len(Z.edges) + len(Z.faces) == 2
    sides = [frozenset(pair) for f in Z.faces for pair in zip(f, np.roll(f, -1), strict=True)]
    assert {frozenset(edge) for edge in Z.edges.tolist()} == set(sides)
    assert len(sides) == 2 * len(Z.edges)  # each edge bounds two faces


def test_the_icosahedrons_diagonals_span_the_rhombic_triacontahedron():
    Z = hc.Zonotope(ICOSAHEDRON)
    assert (len(Z.vertices), len(Z.edges), len(Z.faces)) == (32, 60, 30)
    angles = []
    for a, b, _, d in (Z.vertices[face] for face in Z.faces):
        assert np.isclose(np.linalg.norm(b - a), np.linalg.norm(d - a))
        angles.append(abs((b - a) @ (d - a)) / ((b - a) @ (b - a)))
    assert np.ptp(angles) < 1e-12


def test_coplanar_rows_make_faces_with_more_than_four_sides():
    """Three lines in the plane z = 0, three in y = 0, two in each of two other planes."""
    sizes = [len(face) for face in hc.Zonotope(DEGENERATE).faces]
    assert sorted(sizes) == [4] * 8 + [6] * 4


@given(integer_matrices())
@settings(max_examples=60, deadline=None)
def test_edges_are_parallel_to_rows_and_vertices_are_all_corners_of_the_hull(X):
    Z = hc.Zonotope(X)
    assert len(Z) == len(hc.Arrangement.enumerate(X))
    assert np.array_equal(Z.vertices, Z.patterns.T @ X)
    for k, z in enumerate(Z.vertices):  # the gate of its chamber singles each vertex out
        reach = Z.vertices @ Z.arrangement.gates[:, k]
        assert (np.delete(reach, k) < reach[k] - 1e-9).all(), z
    for first, second in Z.edges:
        changed = Z.patterns[:, first] != Z.patterns[:, second]
        assert changed.any() and np.linalg.matrix_rank(X[changed]) == 1
        step = np.abs(X[changed]).sum(axis=0)  # rows on one line add up whatever their signs
        assert np.allclose(np.abs(Z.vertices[first] - Z.vertices[second]), step)


# Support function and normal cones


@pytest.mark.proves("zonotope-vertices")
@given(integer_matrices(), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_support_function_is_the_maximum_over_all_corners(X, seed):
    Z = hc.Zonotope(X)
    U = np.random.default_rng(seed).normal(size=(20, X.shape[1]))
    U[0] = 0
    expected = (U @ corners(X).T).max(axis=1)
    assert np.allclose(Z.support(U), expected, atol=1e-12)
    assert np.allclose((U @ Z.vertices.T).max(axis=1), expected, atol=1e-12)
    assert isinstance(Z.support(U[1]), float) and np.isclose(Z.support(U[1]), expected[1])


@pytest.mark.proves("zonotope-vertices")
@pytest.mark.parametrize(("n", "d"), [(5, 1), (6, 2), (7, 3), (6, 4), (2, 3)])
def test_normal_cones_partition_space_and_are_those_of_the_farthest_vertex(n, d):
    """A direction is in a simplicial cone where its coefficients on the rays are positive."""
    X = gaussian(n, d)
    Z, r = hc.Zonotope(X), min(n, d)
    # Directions in the span of the rows: what is orthogonal to it belongs to every cone.
    U = np.random.default_rng(1).normal(size=(500, n)) @ X
    inside = np.zeros((len(Z), len(U)), dtype=bool)
    for k in range(len(Z)):
        rays = Z.normal_cone(k)
        assert np.allclose(np.linalg.norm(rays, axis=1), 1)
        assert np.linalg.matrix_rank(rays) == r
        # A cone is covered by the simplicial cones of r of its rays.
        for simplex in combinations(rays, r):
            if np.linalg.matrix_rank(simplex) == r:
                coefficients = np.linalg.pinv(np.transpose(simplex)) @ U.T
                inside[k] |= (coefficients > 0).all(axis=0)
    farthest = (Z.vertices @ U.T).argmax(axis=0)
    # On the borders between the simplices of one cone, a set of measure zero, nothing is drawn.
    assert (inside.sum(axis=0) == 1).all()
    assert np.array_equal(inside.argmax(axis=0), farthest)
    assert np.array_equal(Z.patterns[:, farthest], X @ U.T > 0)


@pytest.mark.proves("extreme-rays")
@given(integer_matrices())
@settings(max_examples=60, deadline=None)
def test_rays_of_a_normal_cone_touch_its_vertex_and_span_it(X):
    Z = hc.Zonotope(X)
    for k in range(len(Z)):
        rays = Z.normal_cone(k)
        assert np.allclose(rays @ Z.vertices[k], Z.support(rays), atol=1e-9)
        if Z.rank:
            assert np.linalg.matrix_rank(rays) == Z.rank
            inside = hc.Zonotope(rays).support(-Z.arrangement.gates[:, k])
            assert inside < np.abs(rays @ Z.arrangement.gates[:, k]).sum()
        off = np.any(np.abs(rays @ Z.vertices.T - Z.support(rays)[:, None]) > 1e-9, axis=0)
        assert off.sum() == len(Z) - 1  # no other vertex is on all of these facets


# Membership, projection and distance


@pytest.mark.slow
@given(integer_matrices(), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_membership_agrees_with_a_linear_program(X, seed):
    rng = np.random.default_rng(seed)
    Z = hc.Zonotope(X)
    near = rng.integers(-6, 7, size=(8, X.shape[1])) / 2.0  # half-integers: often on a facet
    within = rng.random((8, len(X))) @ X
    points = np.concatenate([near, within, Z.vertices[:4], [Z.centre]])
    expected = [contains_by_linear_program(X, p) for p in points]
    assert np.array_equal(Z.contains(points), expected)
    assert Z.contains(Z.centre) is True


@given(integer_matrices(), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_projections_are_inside_and_leave_a_normal(X, seed):
    """The variational inequality: q is nearest to p if no z has (p - q).z > (p - q).q."""
    Z = hc.Zonotope(X)
    points = np.random.default_rng(seed).integers(-20, 21, size=(6, X.shape[1])) / 2.0
    nearest = Z.project(points)
    assert Z.contains(nearest).all()
    normals = points - nearest
    assert np.allclose((normals * nearest).sum(axis=1), Z.support(normals), atol=1e-10)
    assert np.allclose(Z.project(points[0]), nearest[0], atol=1e-12)


@pytest.mark.proves("hausdorff")
@pytest.mark.parametrize(
    ("n", "d"), [(1, 1), (6, 1), (6, 2), (25, 2), (3, 3), (9, 3), (14, 3), (8, 4), (7, 5)]
)
def test_the_dual_constraint_is_a_hausdorff_distance(n, d):
    """M(nu) = d_H(Z+, Z-): the oracles maximise over directions, the distance projects vertices."""
    X, nu = gaussian(n, d), gaussian(n, 1, seed=7)[:, 0]
    plus, minus = split(X, nu)
    distance = plus.hausdorff(minus)
    assert distance == pytest.approx(hc.beta_max(X, nu), rel=1e-9)
    assert distance == pytest.approx(minus.hausdorff(plus), rel=1e-12)


@given(integer_matrices(most_rows=6, most_columns=3), st.data())
@settings(max_examples=40, deadline=None)
def test_the_identity_holds_with_ties(X, data):
    nu = np.array(data.draw(st.lists(st.integers(-2, 2), min_size=len(X), max_size=len(X))), float)
    plus, minus = split(X, nu)
    assert plus.hausdorff(minus) == pytest.approx(hc.beta_max(X, nu), rel=1e-9, abs=1e-9)


def test_at_the_optimum_the_zonotopes_are_beta_apart_in_the_neurons_directions():
    X, y = gaussian(12, 2), gaussian(12, 1, seed=3)[:, 0]
    problem = hc.TrainingProblem(X, y, 0.2 * hc.beta_max(X, y))
    network = hc.train(problem, tol=1e-9).network
    plus, minus = split(X, problem.residual(network))
    assert plus.hausdorff(minus) == pytest.approx(problem.beta, rel=1e-6)
    for w, a in zip(network.hidden_weights, network.output_weights, strict=True):
        u = w / np.linalg.norm(w)
        one, two = (plus, minus) if a > 0 else (minus, plus)
        steps = one.vertices - two.project(one.vertices)
        assert np.linalg.norm(steps - problem.beta * u, axis=1).min() < 1e-5 * problem.beta


def test_scaling_prices_scales_the_distance():
    X, nu = gaussian(8, 3), gaussian(8, 1, seed=1)[:, 0]
    one, three = (plus.hausdorff(minus) for plus, minus in (split(X, nu), split(X, 3 * nu)))
    assert three == pytest.approx(3 * one, rel=1e-12)


# Volume and sums


@pytest.mark.parametrize(("n", "d"), [(2, 2), (8, 2), (3, 3), (9, 3), (6, 4), (6, 5)])
def test_the_volume_is_that_of_the_convex_hull(n, d):
    Z = hc.Zonotope(gaussian(n, d))
    assert Z.volume == pytest.approx(ConvexHull(Z.vertices).volume, rel=1e-9)


def test_the_volume_is_the_share_of_points_inside_a_box():
    Z = hc.Zonotope(gaussian(6, 3))
    low, high = Z.vertices.min(axis=0), Z.vertices.max(axis=0)
    points = np.random.default_rng(0).uniform(low, high, size=(40_000, 3))
    share, box = Z.contains(points).mean(), np.prod(high - low)
    error = np.sqrt(share * (1 - share) / len(points))
    assert abs(share - Z.volume / box) < 4 * error


@given(integer_matrices(most_columns=3))
@settings(max_examples=60, deadline=None)
def test_the_volume_is_the_sum_over_all_subsets_of_rows(X):
    n, d = X.shape
    subsets = combinations(range(n), d)
    expected = sum(abs(np.linalg.det(X[list(subset)])) for subset in subsets)
    assert hc.Zonotope(X).volume == pytest.approx(expected, abs=1e-9)


def test_the_minkowski_sum_adds_support_functions_and_contains_sums_of_points():
    Z, W = hc.Zonotope(gaussian(5, 3)), hc.Zonotope(gaussian(4, 3, seed=1))
    U = gaussian(50, 3, seed=2)
    assert np.allclose((Z + W).support(U), Z.support(U) + W.support(U))
    assert (Z + W).contains((Z.vertices[:, None] + W.vertices).reshape(-1, 3)).all()
    assert len(Z + W) == hc.count_chambers(9, 3)
    with pytest.raises(TypeError):
        Z + 1


# Degenerate rows


@pytest.mark.parametrize(
    ("X", "rank", "vertices", "edges"),
    [
        (np.zeros((3, 2)), 0, 1, 0),
        (np.array([[2.0], [-1.0], [0.0]]), 1, 2, 1),
        (np.array([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]]), 1, 2, 1),
        (gaussian(6, 4, rank=2), 2, 12, 12),
        (np.vstack([np.eye(3), np.eye(3), -np.eye(3)]), 3, 8, 12),
        (np.eye(4)[:2], 2, 4, 4),
    ],
    ids=["zero rows", "d = 1", "one line", "a polygon in R^4", "a box, three times", "n < d"],
)
def test_degenerate_rows(X, rank, vertices, edges):
    Z = hc.Zonotope(X)
    assert (Z.rank, len(Z), len(Z.edges)) == (rank, vertices, edges)
    assert np.allclose(sorted(Z.vertices.tolist()), sorted((2 * Z.centre - Z.vertices).tolist()))
    assert Z.contains(corners(X)).all()
    beyond = Z.vertices[0] + 1e-6 * (Z.vertices[0] - Z.centre) if rank else Z.centre + 1e-6
    assert not Z.contains(beyond)
    assert len(Z.faces) == {0: 0, 1: 0, 2: 1, 3: 6}[rank]
    assert (Z.volume > 0) == (rank == X.shape[1])


def test_opposite_rows_only_move_the_zonotope():
    X = gaussian(6, 3)
    flipped = X * np.array([1, -1, 1, -1, -1, 1])[:, None]
    shift = np.where((flipped == -X), flipped, 0).sum(axis=0)
    moved = hc.Zonotope(X).vertices + shift
    order = np.lexsort(moved.round(9).T)
    other = hc.Zonotope(flipped).vertices
    assert np.allclose(moved[order], other[np.lexsort(other.round(9).T)])


def test_polygons_run_counter_clockwise():
    polygon = hc.Zonotope(gaussian(7, 2))
    x, y = polygon.vertices[polygon.faces[0]].T
    area = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
    assert area == pytest.approx(polygon.volume)
    solid = hc.Zonotope(gaussian(7, 3))
    for face, normal in zip(solid.faces, solid.facet_normals, strict=True):
        a, b, c = solid.vertices[face[:3]]
        assert np.cross(b - a, c - b) @ normal > 0
        assert np.allclose(solid.vertices[face] @ normal, solid.support(normal))


def test_its_repr_is_one_informative_line():
    assert repr(hc.Zonotope(gaussian(6, 3))) == "Zonotope(n=6, rank=3, 32 vertices)"
    assert repr(hc.Zonotope(np.zeros((2, 2)))) == "Zonotope(n=2, rank=0, 1 vertex)"


def test_too_many_vertices_are_refused_before_they_are_listed():
    with pytest.raises(hc.TooManyChambers, match="max_chambers"):
        hc.Zonotope(gaussian(400, 3))
    with pytest.raises(hc.TooManyChambers):
        hc.Zonotope(gaussian(6, 3), max_chambers=31)


def test_faces_of_higher_rank_are_no_polygons():
    with pytest.raises(ValueError, match="rank 4"):
        _ = hc.Zonotope(gaussian(6, 4)).faces
