"""Conic programs given to Clarabel directly: a solution by hand, and a status that is an error."""

import clarabel
import numpy as np
import pytest
from scipy import sparse

from hidden_convexity.foundations import conic_program


def test_the_nearest_point_of_a_half_line_is_found_by_hand():
    # min 1/2 x^2 - 3 x over x <= 2.
    quadratic, constraint = sparse.csc_array([[1.0]]), sparse.csc_array([[1.0]])
    cones = [clarabel.NonnegativeConeT(1)]
    found = conic_program.solve(
        quadratic, np.array([-3.0]), constraint, np.array([2.0]), cones, 1e-10
    )
    assert found.x == pytest.approx([2.0]) and found.z == pytest.approx([1.0])
    conic_program.demand_solved(found, "nothing to do")


def test_a_program_without_a_solution_is_an_error_with_its_status_and_a_remedy():
    # x <= -1 and x >= 0.
    constraints = sparse.csc_array([[1.0], [-1.0]])
    cones = [clarabel.NonnegativeConeT(2)]
    found = conic_program.solve(None, np.zeros(1), constraints, np.array([-1.0, 0.0]), cones)
    with pytest.raises(RuntimeError, match=r"PrimalInfeasible; give another"):
        conic_program.demand_solved(found, "give another")
