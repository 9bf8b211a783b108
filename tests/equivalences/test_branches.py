"""Branches of three layers: their pieces, and the search for the best of them."""

import numpy as np
import pytest
from scipy.optimize import nnls

from hidden_convexity.equivalences.branches import BranchProgram, BranchSearch, Piece, branch
from hidden_convexity.equivalences.three_layers import layered_patterns
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.problem.training_problem import TrainingProblem


@pytest.mark.parametrize("inner", [1.0, -1.0])
def test_a_branch_is_linear_on_its_piece_which_its_walls_bound(inner):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9, 3))
    for z in rng.normal(size=(20, 6)):
        piece = Piece.of(X, z, inner)
        walls = piece.walls(unit_rows(X))
        for other in z + 0.3 * rng.normal(size=(20, 6)):
            inside = (walls @ other >= 0).all()
            assert inside == (piece_key(Piece.of(X, other, inner)) == piece_key(piece))
            if inside:
                assert piece.linear(X) @ other == pytest.approx(branch(X, other, inner), abs=1e-12)


@pytest.mark.parametrize("inner", [1.0, -1.0])
def test_across_a_wall_is_the_piece_on_its_other_side(inner):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(7, 2))
    for z in rng.normal(size=(20, 4)):
        piece = Piece.of(X, z, inner)
        walls = piece.walls(unit_rows(X))
        heights = np.where(walls.any(axis=1), walls @ z, np.inf)
        wall = int(heights.argmin())
        # A step through the nearest wall, and no further than to the next one.
        foot = z - heights[wall] * walls[wall]
        beyond = foot - 1e-9 * walls[wall]
        if (np.delete(np.where(walls.any(axis=1), walls @ foot, 1.0), wall) > 1e-6).all():
            assert piece_key(piece.across(wall)) == piece_key(Piece.of(X, beyond, inner))


def piece_key(piece):
    return piece.first.tobytes(), piece.second.tobytes(), piece.outer.tobytes()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tied", [False, True])
def test_the_search_finds_the_best_branch_of_all_patterns(seed, tied):
    """A local maximum that only both signs or a crossed wall reach must not be missed."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=4), np.ones(4)])
    if tied:
        X[3] = -2 * X[0]
    nu = rng.normal(size=4)
    found = BranchSearch(X, 64)(nu)
    assert found.value == pytest.approx(best_of_all_patterns(X, nu), rel=1e-9)
    for value, z, (outer, inner) in zip(found.values, found.directions, found.signs, strict=True):
        assert nu @ branch(X, z, inner) == pytest.approx(value, abs=1e-12)
        assert np.sign(value) == outer
        assert np.linalg.norm(z) == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_close_branches_are_one_where_both_of_their_signs_agree(count):
    """Signs were compared as if each branch had a single one, and trainings ended in an error."""
    rng = np.random.default_rng(2)
    X, z = rng.normal(size=(6, 2)), rng.normal(size=4)
    program = BranchProgram(TrainingProblem(X, X[:, 0], 0.1), X)
    signs = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)][:count]
    branches = [program.along(length * z, sign) for length in (2.0, 1.0) for sign in signs]
    grouped = program.grouped(branches, 1e-6)
    assert [one.sign for one in grouped] == signs
    np.testing.assert_allclose([one.weights for one in grouped], [3.0 * z] * count, rtol=1e-12)
    assert len(program.grouped(branches[:count], 1e-6)) == count


def best_of_all_patterns(X, nu):
    """max |nu.branch| by projecting the gradient of each group of the convex program."""
    first, second, signs, outers = layered_patterns(Arrangement.enumerate(X).patterns)
    best = 0.0
    for one, other, sign, outer in zip(first.T, second.T, signs, outers.T, strict=True):
        linear = np.hstack([one[:, None] * X, sign * other[:, None] * X])
        sides = [np.where(pattern, 1.0, -1.0)[:, None] for pattern in (one, other, outer)]
        none = np.zeros_like(X)
        walls = [
            sides[0] * np.hstack([X, none]),
            sides[1] * np.hstack([none, X]),
            sides[2] * linear,
        ]
        for gradient in (nu @ (outer[:, None] * linear), -nu @ (outer[:, None] * linear)):
            best = max(best, nnls(np.concatenate(walls).T, -gradient)[1])
    return best
