"""Deep ReLU networks of one input: clipped ramps are all there is, at any depth."""

import cvxpy as cp
import numpy as np
import pytest

from hidden_convexity import equivalences

ROWS = equivalences.rows()


@pytest.mark.parametrize("hidden", [2, 3, 4])
def test_no_deep_branch_correlates_more_than_a_clipped_ramp(hidden):
    """Brute force over branches of any weights and biases, of slope one at most."""
    rng = np.random.default_rng(hidden)
    row = ROWS["deep_relu"]
    for _ in range(20):
        x, nu = rng.normal(size=7), rng.normal(size=7)
        nu -= nu.mean()
        values = x[:, None]
        for layer in range(hidden):
            shift = rng.normal(size=20_000) if layer == 0 else -rng.uniform(-1, 1, size=20_000)
            values = np.maximum(rng.choice([-1.0, 1.0], size=20_000) * (values + shift), 0)
        _, products = row._search(x)(nu)
        most = np.abs(products).max()
        assert np.abs(nu @ values).max() <= most * (1 + 1e-12)
        first, second = np.triu_indices(7, k=1)
        points = np.sort(x)
        listed = row.clipped_ramps(x, np.column_stack([points[first], points[second]]))
        assert np.abs(nu @ listed).max() == pytest.approx(most)
        assert np.abs(nu @ values).max() >= 0.7 * most


@pytest.mark.parametrize("layers", [3, 4, 6])
def test_deep_relu_training_is_a_trend_filter_with_charged_ends(layers):
    """The penalty is beta/2 (|s_1| + sum |s_(k+1) - s_k| + |s_p|) of the slopes, at any depth."""
    row, rng = ROWS["deep_relu"], np.random.default_rng(3)
    for _ in range(5):
        x, y = np.sort(rng.normal(size=12)), rng.normal(size=12)
        f = cp.Variable(12)
        slopes = cp.multiply(cp.diff(f), 1 / np.diff(x))
        charge = cp.abs(slopes[0]) + cp.norm1(cp.diff(slopes)) + cp.abs(slopes[-1])
        problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + 0.05 * charge / 2))
        solution = row.train(x[:, None], y, 0.05, tol=1e-9, layers=layers)
        assert solution.network.weights.shape[1] == layers - 1
        assert solution.objective == pytest.approx(problem.solve(solver=cp.CLARABEL), rel=1e-6)


@pytest.mark.parametrize("layers", [3, 4])
def test_examples_whose_optimum_is_known_by_hand(layers):
    """Data of Zeger et al. 2024: slopes 0, 3/4, 0 cost 3/4 beta, and 0, 3/4, 4 cost 4 beta."""
    row, X = ROWS["deep_relu"], np.array([[0.0], [2.0], [6.0], [7.0]])
    for y, value in [((0, 0, 3, 3), 0.75e-8), ((0, 0, 3, 7), 4e-8)]:
        solution = row.train(X, np.array(y, dtype=float), 1e-8, tol=1e-6, layers=layers)
        assert solution.objective == pytest.approx(value, rel=1e-5)
