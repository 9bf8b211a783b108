"""The method behind programs over cones: bases of flats, and how many Newton steps it takes."""

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.geometry.cones import flat_bases
from hidden_convexity.geometry.hyperplanes import unit_rows
from hidden_convexity.oracle import Exhaustive
from hidden_convexity.solvers.fixed_gates.flats import FlatProgram


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("count", [0, 1, 4, 6])
def test_the_basis_of_a_flat_is_orthonormal_and_begins_where_it_is_told(count, repeated):
    rng = np.random.default_rng(count)
    unit = unit_rows(rng.normal(size=(20, 7)))
    tight = np.arange(7)[None, :].copy()
    if repeated:  # a row that depends on the others takes no dimension
        tight[0, count] = 0
    rows = unit[tight[0, :count]]
    inside = rng.normal(size=7)
    inside -= np.linalg.pinv(rows) @ (rows @ inside) if count else 0.0
    first = (inside / np.linalg.norm(inside))[None, :]
    out = np.zeros((1, 7, 7))
    counts = np.array([count + (repeated and count > 0)])
    (size,) = flat_bases(unit, tight, counts, first, out)
    basis = out[0, :size]
    assert size == 7 - count
    assert basis[0] == pytest.approx(first[0], abs=1e-12)
    assert basis @ basis.T == pytest.approx(np.eye(size), abs=1e-12)
    assert np.abs(basis @ rows.T).max(initial=0.0) < 1e-12


@pytest.mark.slow
def test_little_weight_decay_takes_hundreds_of_newton_steps_and_not_thousands(monkeypatch):
    """Norms that were unknowns of their own, each step a program, took 2,400 at this size."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((200, 10)), np.ones(200)])
    y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.1 * rng.standard_normal(200)
    arrangement, steps = hc.Arrangement.sample(X, 100), []
    factor = FlatProgram.factor

    def counted(self, *arguments):
        steps.append(1)
        return factor(self, *arguments)

    monkeypatch.setattr(FlatProgram, "factor", counted)
    problem = hc.TrainingProblem(X, y, 1e-3 * Exhaustive(arrangement)(y).value)
    solution = hc.train(problem, patterns=arrangement, tol=1e-4)
    assert solution.gap <= 1e-4 and len(steps) < 1_000
