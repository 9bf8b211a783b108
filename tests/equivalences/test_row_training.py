"""What the training of every row promises: the value of the small reference, and a proven gap.

And what it takes, refuses, keeps when it is interrupted, and saves.
"""

import inspect
import signal
import tracemalloc

import numpy as np
import pytest
import trouble

import hidden_convexity as hc
from hidden_convexity import equivalences, verify
from hidden_convexity.equivalences import nuclear_norm
from hidden_convexity.equivalences.gated_maps import GatedMaps
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.problem.restricted.shared import SharedProgram
from hidden_convexity.solvers import lasso

ROWS = equivalences.rows()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ROWS)
def test_training_has_the_value_of_the_reference(name, seed):
    """value(train) = value(CVXPY) = objective(decode); no descent ends below the bound."""
    row, rng = ROWS[name], np.random.default_rng([seed, 7])
    X, y, beta = row.instance(rng)
    program = row.convex_program(X, y, beta)
    value = program.solve()
    solution = row.train(X, y, beta, tol=1e-7)
    assert solution.objective == row.objective(solution.network, X, y, beta)
    assert solution.objective == pytest.approx(value, rel=1e-6)
    assert row.objective(row.decode(program), X, y, beta) == pytest.approx(value, rel=1e-6)
    assert solution.gap <= 1e-7
    assert not solution.interrupted
    assert solution.lower_bound <= value * (1 + 1e-9)
    trained = [row.objective(row.descend(X, y, beta, rng), X, y, beta) for _ in range(2)]
    assert min(trained) >= solution.lower_bound


# What the outputs of a network of these inputs scale with: their power of X.
DEGREES = {"linear_attention": 3, "quadratic": 2, "threshold": 0, "batch_normalisation": 0}


@pytest.mark.parametrize("name", ROWS)
def test_training_is_the_same_in_any_units(name):
    """Descent in the units of the data lost its way where X was large: a gap of 0.4, not 1e-6."""
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(5))
    here = row.train(X, y, beta, tol=1e-6)
    for of_x, of_y in [(1e10, 1.0), (1e-6, 1.0), (1e10, 1e-10), (1.0, 1e8)]:
        unit = of_x ** DEGREES.get(name, 1) * of_y
        there = row.train(of_x * X, of_y * y, unit * beta, tol=1e-6)
        # A least norm has the unit of weights, that of targets over data.
        of_value = of_y / of_x if name == "minimum_norm" else of_y**2
        assert there.objective == pytest.approx(of_value * here.objective, rel=2e-6)
        assert there.gap <= 1e-6


@pytest.mark.parametrize(
    ("kind", "seed"), [("near_parallel", 110), ("near_parallel", 166), ("jittered", 304)]
)
def test_columns_that_nearly_depend_on_each_other_are_normalised_as_they_were_whitened(kind, seed):
    """Whitened data left the span of the centred ones, and bounds were above such networks."""
    case = trouble.case(seed, kind, (2, 2), most_rows=6)
    X = case.X if seed % 2 == 0 else np.column_stack([case.X[:, 0], np.ones(len(case.X))])
    beta = case.share * float(np.abs(case.y).sum() * np.ptp(X[:, 0]))
    solution = ROWS["batch_normalisation"].train(X, case.y, beta)
    assert solution.objective >= solution.equivalent.lower_bound
    assert solution.gap <= 1e-4


def test_variation_too_small_to_be_normalised_and_too_large_to_be_rounding_is_refused():
    """It was left out, and a bound called global was 0.40 where networks that see it reach 0.16."""
    t = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    other = np.array([0.0, 1.0, -1.0, 1.0, 0.0, -2.0])
    y = np.random.default_rng(0).normal(size=6)
    train = ROWS["batch_normalisation"].train
    with pytest.raises(ValueError, match="drop that direction"):
        train(np.column_stack([t, 1e-11 * other]), y, 0.05)
    # In every other size it is seen.
    values = [train(np.column_stack([t, e * other]), y, 0.05, 1e-6).objective for e in (1e-8, 1.0)]
    assert values[0] == pytest.approx(values[1], rel=1e-5)


@pytest.mark.parametrize("length", [1, 3])
def test_filters_of_any_length_train(length):
    row, rng = ROWS["average_pooling"], np.random.default_rng(0)
    X, y = rng.normal(size=(12, 6)), rng.normal(size=12)
    solution = row.train(X, y, 0.05, tol=1e-6, length=length)
    assert solution.gap <= 1e-6
    assert solution.network.hidden.shape[1] == length
    assert solution.objective == row.objective(solution.network, X, y, 0.05)
    with pytest.raises(ValueError, match="one filter long"):
        row.train(X, y, 0.05, length=7)


@pytest.mark.parametrize("length", [2, 3])
def test_memory_is_linear_in_the_number_of_patches(length):
    """Eight times as many take eight times the memory, give or take a neuron or a cell: not 64."""
    row = ROWS["average_pooling"]

    def peak(patches):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(30, patches + length - 1)).cumsum(axis=1)
        y = np.maximum(np.diff(X, axis=1), 0).mean(axis=1)
        tracemalloc.start()
        try:
            row.train(X, y, 0.05, length=length, tol=1e-3)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20)  # what is loaded and compiled once
    assert peak(4_000) <= 16 * peak(500)


@pytest.mark.parametrize("kind", ["gaussian", "wedge", "sparse", "patch"])
@pytest.mark.parametrize("name", ["gated_relu", "gated_relu_vector"])
def test_gated_networks_train_over_gates_of_any_kind(name, kind):
    """The gap is of the row's own objective, so prediction switches as the program did."""
    row, rng = ROWS[name], np.random.default_rng(0)
    X, y, beta = row.instance(rng)
    gates = hc.Arrangement.sample(X, 30, kind=kind)
    solution = row.train(X, y, beta, tol=1e-6, patterns=gates)
    assert solution.gap <= 1e-6 and solution.scope == "sampled"
    assert solution.objective == row.objective(solution.network, X, y, beta)
    used = {tuple(gate) for gate in solution.network.gates}
    assert used <= {tuple(gate) for gate in gates.gates.T}
    # More gates cannot cost more.
    more = hc.Arrangement.from_gates(X, np.hstack([gates.gates, rng.normal(size=(X.shape[1], 9))]))
    lower = row.train(X, y, beta, tol=1e-6, patterns=more).lower_bound
    assert lower <= solution.objective
    with pytest.raises(ValueError, match="patterns must be an arrangement of X"):
        row.train(2 * X, y, beta, patterns=gates)
    with pytest.raises((TypeError, ValueError), match="patterns"):
        row.train(X, y, beta, patterns="all")


@pytest.mark.parametrize("name", ROWS)
def test_zero_targets_have_an_empty_network(name):
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    solution = row.train(X, 0 * y, beta)
    assert solution.objective == solution.gap == solution.network.width == 0
    assert "width 0" in repr(solution)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_interrupted_keeps_what_it_has(name, monkeypatch):
    """Ctrl-C, and the end of a budget: the network is evaluated and its bound is valid.

    The end of a budget was told as an interruption, which is the user's.
    """
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    optimum = row.train(X, y, beta, tol=1e-9)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def pressed(*given):
        signal.raise_signal(signal.SIGINT)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(nuclear_norm, "_descend", pressed)
            patch.setattr(GatedMaps, "resolvent", pressed)
            patch.setattr(lasso, "_restricted", pressed)
            for program in (RestrictedProgram, SharedProgram):
                patch.setattr(program, "solve", pressed)
            pressed_solution = row.train(X, y, beta, tol=1e-9)
    finally:
        signal.signal(signal.SIGINT, before)
    late_solution = row.train(X, y, beta, tol=1e-9, max_seconds=1e-9)
    assert pressed_solution.interrupted and not pressed_solution.out_of_time
    assert late_solution.out_of_time and not late_solution.interrupted
    for solution in (pressed_solution, late_solution):
        assert solution.objective == row.objective(solution.network, X, y, beta)
        assert 0 <= solution.lower_bound <= optimum.objective
        assert solution.objective >= optimum.lower_bound


SAVED = {
    "relu",
    "leaky_relu",
    "absolute_value",
    "skip_connection",
    "average_pooling",
    "batch_normalisation",
    "relu_vector",
    "mirrors",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_the_checker_knows_is_saved_and_others_say_what_is_missing(name, tmp_path):
    """The problem and the dual point were dropped, and so no row had a file."""
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    solution = row.train(X, y, beta)
    if name not in SAVED:
        with pytest.raises(ValueError, match="the checker knows none for the dual constraint"):
            solution.save(tmp_path / "row.npz")
        return
    assert solution.dual_point.shape == solution.problem.y.shape
    solution.save(tmp_path / "row.npz")
    assert verify.verify(tmp_path / "row.npz").startswith("Proven, rounding included")
    again = hc.load(tmp_path / "row.npz")
    assert again.lower_bound >= 0.999 * solution.lower_bound
    assert again.objective == pytest.approx(solution.objective, rel=1e-9)
    assert again.scope == solution.scope == "global"


@pytest.mark.parametrize("name", ROWS)
def test_every_row_takes_what_all_take(name):
    """Rows without a proof to leave out had no argument for it."""
    row = ROWS[name]
    shared = ["X", "y", "beta", "tol", "max_seconds", "progress", "proof"]
    assert list(inspect.signature(row.train).parameters)[: len(shared)] == shared
    X, y, beta = row.instance(np.random.default_rng(0))
    assert row.train(X, y, beta, proof=False).gap <= 1e-4


@pytest.mark.parametrize("name", ROWS)
def test_training_says_what_is_wrong_with_its_arguments(name):
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(0))
    bad = {
        "X": [np.full_like(X, np.nan), X.astype(str), X[0, 0], None],
        "y": [np.full_like(y, np.inf), y[:-1], y[..., None, None], "targets"],
        "beta": [0.0, np.nan, "0.1", True],
        "tol": [0.0, -1.0, np.inf, None, "1e-4"],
        "max_seconds": [0.0, -1.0, np.nan, "1"],
        "progress": [1, "yes", None],
        "proof": [1, "no", None],
    }
    for argument, values in bad.items():
        for value in values:
            arguments = {"X": X, "y": y, "beta": beta} | {argument: value}
            with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b"):
                row.train(**arguments)
