"""What the judges say of the library, the cases that once failed, and the judges themselves."""

import json
from dataclasses import replace
from fractions import Fraction

import exact
import fuzz
import judge
import numpy as np
import pytest
import trouble

from hidden_convexity.oracle.several_outputs import VectorBranchAndBound

SAVED = sorted(fuzz.CASES.glob("*.json"))


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_what_once_failed_does_not_fail_again(path):
    """Each file says in `fault` what was wrong."""
    assert fuzz.judged(json.loads(path.read_text())).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
def test_in_the_plane_no_bound_is_below_the_exact_maximum(kind):
    for seed in range(30):
        case = trouble.case(seed, kind)
        assert judge.judge_plane(case.X, case.y).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("columns", [2, 3, 4])
def test_no_oracle_has_a_bound_below_the_exact_maximum(kind, columns):
    case = trouble.case(100 + columns, kind, (columns, columns), most_rows=5)
    assert judge.judge_oracles(case.X, case.y).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("columns", [2, 3, 4])
def test_nor_has_one_of_several_outputs(kind, columns):
    case = trouble.case(100 + columns, kind, (columns, columns), most_rows=5)
    assert judge.judge_outputs(case.X, case.y).complaints == []


def test_a_bound_of_several_outputs_that_is_a_little_too_low_is_caught(monkeypatch):
    oracle, case = VectorBranchAndBound, trouble.case(0, "gaussian", (3, 3), most_rows=5)
    call = oracle.__call__

    def lowered(self, N, tolerance):
        found = call(self, N, 1e-6)
        return replace(found, value=0.9 * found.value, bound=(1 - 1e-5) * found.bound)

    monkeypatch.setattr(oracle, "__call__", lowered)
    told = judge.judge_outputs(case.X, case.y).complaints
    assert any("N of rank one: bound" in one and "is below" in one for one in told)


@pytest.mark.parametrize("kind", trouble.KINDS)
def test_with_more_rows_no_oracle_is_below_what_some_directions_attain(kind):
    rng = np.random.default_rng(0)
    case = trouble.case(200, kind, (3, 3), most_rows=12)
    orders = [list(rng.permutation(len(case.X))) for _ in range(40)]
    assert judge.judge_oracles(case.X, case.y, orders).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("columns", [2, 3, 4])
def test_the_checker_has_no_bound_below_the_exact_maximum(kind, columns):
    case = trouble.case(100 + columns, kind, (columns, columns), most_rows=5)
    assert judge.judge_checker(case.X, case.y).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
def test_a_point_of_the_softmax_loss_is_as_near_to_free_terms_as_the_checker_says(kind):
    for seed in range(8):
        made = trouble.case(900 + seed, kind, (2, 3), weighted=bool(seed % 2))
        case = fuzz.near_free_terms(made, np.random.default_rng(seed))
        assert judge.judge_free_terms(**case).complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("loss", fuzz.LOSSES)
def test_no_search_ends_below_a_global_bound(kind, loss):
    made = trouble.case(300, kind, (2, 3), most_rows=5, losses=(loss,))
    beta = fuzz.weight_decay(made)
    assert judge.judge_training(made.X, made.y, beta, loss).complaints == []


@pytest.mark.parametrize("kind", ["gaussian", "grid", "repeated", "bias_grid"])
def test_the_reference_agrees_with_training(kind):
    made = trouble.case(400, kind, (2, 2), most_rows=5)
    beta = fuzz.weight_decay(made)
    verdict = judge.judge_training(made.X, made.y, beta, solver="cvxpy")
    assert verdict.complaints == []


@pytest.mark.parametrize("kind", ["turned_lines", "low_rank", "grid", "mirrored", "jittered"])
@pytest.mark.parametrize("loss", fuzz.LOSSES)
def test_no_network_of_a_path_is_below_a_bound_of_it(kind, loss):
    made = trouble.case(500, kind, (2, 3), most_rows=5, losses=(loss,))
    beta = fuzz.weight_decay(made)
    verdict = judge.judge_path(made.X, made.y, [beta, 0.3 * beta, 0.1 * beta], loss)
    assert verdict.complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
def test_splines_and_mirrors_have_bounds_below_the_lasso_of_the_exact_dictionary(kind):
    made = trouble.case(600, kind, (2, 2), most_rows=6)
    assert judge.judge_line(made.line, made.y, made.share).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("name", trouble.ROWS)
def test_the_dual_point_of_a_row_is_feasible_and_proves_its_bound(kind, name):
    """Bounds took M(nu) as it was computed, and close samples of thresholds for one."""
    assert judge.judge_row(**trouble.row_case(900, kind, name)).complaints == []


@pytest.mark.parametrize("kind", ["gaussian", "grid", "tenths", "bias_grid", "columns_apart"])
@pytest.mark.parametrize("columns", [2, 3])
def test_the_dual_point_of_a_least_norm_is_feasible_and_proves_its_bound(kind, columns):
    rng = np.random.default_rng(0)
    for seed in range(3):
        X = trouble.case(950 + seed, kind, (columns, columns), most_rows=5).X
        W, a = rng.standard_normal((2, columns)), rng.standard_normal(2)
        assert judge.judge_least_norm(X, W, a).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("loss", fuzz.LOSSES)
def test_a_dual_point_proves_no_more_than_duality(kind, loss):
    made = trouble.case(700, kind, (2, 3), most_rows=5, losses=(loss,))
    rng = np.random.default_rng(0)
    beta = fuzz.weight_decay(made)
    for _ in range(5):
        nu = rng.uniform(-0.1, 1.0, size=len(made.y)) * np.where(made.y == 0, 1.0, made.y)
        assert judge.judge_dual_bound(made.X, made.y, beta, loss, nu).complaints == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("loss", fuzz.LOSSES)
def test_a_dual_point_of_weighted_samples_proves_no_more_than_duality(kind, loss):
    made = trouble.case(750, kind, (2, 3), most_rows=5, losses=(loss,))
    rng = np.random.default_rng(0)
    weights = 10.0 ** rng.uniform(-6, 6, size=len(made.y))
    beta = fuzz.weight_decay(replace(made, sample_weight=weights))
    for _ in range(5):
        share = rng.uniform(-0.1, 1.0, size=len(made.y))
        nu = weights * share * np.where(made.y == 0, 1.0, made.y)
        told = judge.judge_dual_bound(made.X, made.y, beta, loss, nu, weights).complaints
        assert told == []


@pytest.mark.parametrize("kind", trouble.KINDS)
@pytest.mark.parametrize("columns", [2, 3])
def test_order_sign_and_units_change_a_bound_by_rounding_only(kind, columns):
    rng = np.random.default_rng(1)
    case = trouble.case(800, kind, (columns, columns), most_rows=6)
    X, nu = case.X, case.y
    order, unit = rng.permutation(len(X)), 2.0 ** rng.integers(-30, 30)
    others = [(X[order], nu[order], 1.0), (X, -nu, 1.0), (X * unit, nu / 8, unit / 8)]
    allowed = judge.PAID * judge.total_size(X, nu)
    tolerance = 1e-6
    for k, (oracle, promise) in enumerate(judge.oracles(X)):
        if promise == "valid":
            continue
        bound = oracle(nu, tolerance).bound
        for changed_X, changed_nu, factor in others:
            again = list(judge.oracles(changed_X))[k][0](changed_nu, tolerance).bound / factor
            assert again == pytest.approx(bound, rel=2 * tolerance, abs=2 * allowed)


@pytest.mark.slow
def test_a_short_fuzz_is_silent():
    assert fuzz.run(seed=0, most=300, saving=False) == 0


@pytest.mark.parametrize("n, d", [(1, 2), (4, 2), (7, 2), (2, 3), (5, 3), (5, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_exact_maximum_is_that_of_dense_directions(n, d, seed):
    """Samples on the sphere, and again around the best one, ever closer."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) if seed else rng.integers(-2, 3, size=(n, d)).astype(float)
    nu = rng.standard_normal(n)
    most = judge.sqrt_of(exact.maximum_squared(X, nu))

    def highest(directions):
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        heights = np.abs(np.maximum(directions @ X.T, 0) @ nu)
        return heights.max(), directions[heights.argmax()]

    best, where = highest(rng.standard_normal((100_000, d)))
    for width in 10.0 ** -np.arange(0.0, 8.0, 0.25):
        nearby = np.vstack([where, where + width * rng.standard_normal((2_000, d))])
        best, where = highest(nearby)
    assert best <= most * (1 + 1e-14)
    assert best >= most * (1 - 1e-5)


def test_the_exact_objective_is_the_one_by_hand():
    X, y, W, a = [[1.0, 2.0], [-1.0, 0.5]], [1.0, -1.0], [[0.5, 0.25], [-1.0, 0.0]], [2.0, -0.5]
    penalty = Fraction(3, 2) / 2 * (Fraction(1, 4) + Fraction(1, 16) + 1 + 4 + Fraction(1, 4))
    assert exact.objective(X, y, 1.5, W, a) == Fraction(1, 2) * (1 + Fraction(1, 4)) + penalty
    logistic = exact.objective(X, y, 1.5, W, a, "logistic") - penalty
    assert float(logistic) == pytest.approx(
        np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-0.5)), rel=1e-15
    )
    assert exact.objective(X, y, 1.5, W, a, "hinge") == Fraction(1, 2) + penalty
    weights = [3.0, 0.25]
    weighted = exact.objective(X, y, 1.5, W, a, "squared", weights) - penalty
    assert weighted == Fraction(1, 2) * (3 + Fraction(1, 16))
    assert exact.objective(X, y, 1.5, W, a, "hinge", weights) == Fraction(1, 8) + penalty


def test_a_case_is_made_again_from_its_seed():
    assert [fuzz.data_set(3, k) for k in range(50)] == [fuzz.data_set(3, k) for k in range(50)]
