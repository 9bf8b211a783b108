"""Every row of the table of architectures: its convex program has the value of its network.

One test proves a row, and finds new rows by itself. What remains are statements of single rows
that their files make, and bad input.
"""

import sys
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity import equivalences
from hidden_convexity.equivalences import descent, parts

ROWS = equivalences.rows()
SEEDS = range(2)


def instance(name, seed=0):
    """A row, a random instance of it, and its program, solved."""
    row = ROWS[name]
    X, y, beta = row.instance(np.random.default_rng(seed))
    program = row.convex_program(X, y, beta)
    program.solve()
    return row, X, y, beta, program


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_one_value_on_both_sides(name, seed):
    """value(convex) = objective(decode); no descent gets below it, and one gets near it."""
    row, X, y, beta, program = instance(name, seed)
    decoded = row.objective(row.decode(program), X, y, beta)
    assert decoded == pytest.approx(program.value, rel=1e-6)
    found = equivalences.check(row, np.random.default_rng(seed), starts=3)
    assert found.convex == pytest.approx(program.value, rel=1e-6)
    assert len(found.trained) >= 3
    assert found.trained.min() >= program.value * (1 - 1e-6)
    assert found.trained.min() <= program.value * (1 + 1e-3)
    assert found.holds


@pytest.mark.parametrize("name", ROWS)
def test_random_networks_are_never_below_the_convex_value(name):
    """Noise on the optimal network, small and large: another way than descent to get below it."""
    row, X, y, beta, program = instance(name)
    best, rng = row.decode(program), np.random.default_rng(0)
    for size in np.repeat([1e-6, 1e-4, 1e-2, 1.0], 10):
        weights = {
            field: value + size * rng.normal(size=value.shape)
            for field, value in best._asdict().items()
            if isinstance(value, np.ndarray) and field not in ("gates", "directions")
        }
        near = row.objective(best._replace(**weights), X, y, beta)
        assert near >= program.value * (1 - 1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_a_batch_of_networks_has_the_values_of_its_members(name):
    row, X, y, beta, program = instance(name)
    network, rng = row.decode(program), np.random.default_rng(0)
    fixed = [field for field in ("gates", "directions") if field in network._fields]
    weights, build = descent.flattened(network, fixed)
    batch = weights + 1e-7 * rng.normal(size=(3, len(weights)))
    together = row.objective(build(batch), X, y, beta)
    alone = [float(row.objective(build(one), X, y, beta)) for one in batch]
    assert together == pytest.approx(alone, rel=1e-12)


# The table


def test_a_new_file_is_a_new_row(tmp_path, monkeypatch):
    """The one thing that adding a row takes."""
    source = (Path(equivalences.__path__[0]) / "relu.py").read_text(encoding="utf-8")
    (tmp_path / "brand_new.py").write_text(source.replace("ReLU, two layers", "brand new"))
    monkeypatch.setattr(equivalences, "__path__", [*equivalences.__path__, str(tmp_path)])
    try:
        rows = equivalences.rows()
        assert set(rows) == {*ROWS, "brand_new"}
        found = equivalences.check(rows["brand_new"], np.random.default_rng(0), starts=1)
        assert "| brand new (" in equivalences.markdown_table([found])
    finally:
        sys.modules.pop("hidden_convexity.equivalences.brand_new", None)


def test_rows_of_one_model_stand_together():
    models = [row.table_row.signal.partition(",")[0] for row in ROWS.values()]
    assert next(iter(ROWS)) == "relu"
    assert len([key for key, _ in groupby(models)]) == len(set(models))


@pytest.mark.parametrize("wrong", ["decoded", "below", "far"])
def test_a_row_that_fails_is_not_in_the_table(wrong):
    found = equivalences.check(ROWS["linear_vector"], np.random.default_rng(0), starts=1)
    value = found.convex
    change = {
        "decoded": {"decoded": value * (1 + 1e-5)},
        "below": {"trained": np.append(found.trained, value * (1 - 1e-5))},
        "far": {"trained": np.array([value * 1.01])},
    }[wrong]
    failed = replace(found, **change)
    assert found.holds and not failed.holds
    with pytest.raises(ValueError, match="checks"):
        equivalences.markdown_table([found, failed])


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.29, "< 0.3"), (0.31, "< 3"), (29.0, "< 30"), (31.0, "> 30")]
)
def test_a_training_in_the_table(seconds, told):
    """Times tell their order only, or the table would be another in each run."""
    row, X, y, beta, _ = instance("quadratic")
    solution = row.train(X, y, beta, tol=1e-7)
    table = equivalences.training_table([equivalences.Training(row, "noise", solution, seconds)])
    assert table.splitlines()[-1] == (
        f"| {row.table_row.name} | any size | noise | gap < 1e-6, global | "
        f"{solution.network.width} | {told} |"
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_where_its_training_is_proven(name):
    assert ROWS[name].table_row.proven


# What the files of single rows state


def test_the_first_row_is_what_the_library_trains():
    _, X, y, beta, program = instance("relu")
    assert hc.train(hc.TrainingProblem(X, y, beta)).objective == pytest.approx(program.value)


def test_the_mirror_row_is_what_the_library_trains():
    _, X, y, beta, program = instance("mirrors")
    assert hc.mirrors.train(X[:, 0], y, beta, layers=3).objective == pytest.approx(program.value)


def test_minimum_norm_is_the_limit_of_small_weight_decay():
    _, X, y, _, program = instance("minimum_norm")
    trained = hc.train(hc.TrainingProblem(X, y, 1e-6))
    assert trained.objective / 1e-6 == pytest.approx(program.value, rel=1e-4)


def test_one_output_is_a_special_case_of_several():
    _, X, y, beta, program = instance("relu")
    assert ROWS["relu_vector"].convex_program(X, y[:, None], beta).solve() == pytest.approx(
        program.value
    )


def test_gates_of_all_chambers_relax_the_relu(monkeypatch):
    _, X, y, beta, program = instance("relu")
    monkeypatch.setattr(parts, "GATES", 10_000)
    gated = ROWS["gated_relu"].convex_program(X, y, beta)
    assert len(gated.known["gates"]) == len(hc.Arrangement.enumerate(X))
    assert gated.solve() <= program.value * (1 + 1e-9)


def test_batch_normalisation_does_not_see_affine_maps_of_the_data():
    row, X, y, beta, program = instance("batch_normalisation")
    assert row.convex_program(5.0 - 3.0 * X, y, beta).solve() == pytest.approx(program.value)


def test_a_threshold_network_needs_the_patterns_of_faces():
    """Without them the Lasso has another value, where two samples are opposite."""
    row, X, y, beta, program = instance("threshold")
    directions = hc.Arrangement.enumerate(X).gates.T
    chambers = row.patterns(X, directions)
    every = row.patterns(X, program.known["directions"])
    assert {tuple(column) for column in chambers.T} < {tuple(column) for column in every.T}
    rng = np.random.default_rng(0)
    drawn = row.patterns(X, rng.normal(size=(10_000, 2)))
    assert {tuple(column) for column in drawn.T} == {tuple(column) for column in chambers.T}
    z = cp.Variable(chambers.shape[1])
    loss = 0.5 * cp.sum_squares(chambers @ z - y) + beta * cp.norm1(z)
    assert cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL) > program.value * (1 + 1e-4)


def test_all_faces_of_three_coordinate_planes():
    """Signs -, 0, + of each coordinate: 27 faces, and 8 patterns x >= 0."""
    directions = ROWS["threshold"].directions_of_all_faces(np.eye(3))
    assert len({tuple(row) for row in np.sign(directions.round(9))}) == 27
    assert np.unique(ROWS["threshold"].patterns(np.eye(3), directions), axis=1).shape[1] == 8


def test_one_filter_is_enough_for_circular_convolution():
    row, _, _, _, program = instance("circular_convolution")
    network, z = row.decode(program), program.weights("z")
    assert len(network.filters) == 1
    assert network(np.eye(len(z))) == pytest.approx(z)


# Bad input


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_is_wrong_with_its_arguments(name):
    row, X, y, beta, program = instance(name)
    network = row.decode(program)
    bad = {
        "X": [np.full_like(X, np.nan), X.astype(str), X[0, 0], None, X * 1j],
        "y": [np.full_like(y, np.inf), y[:-1], y[..., None, None], "targets"],
        "beta": [0.0, -1.0, np.nan, np.inf, None, "0.1", True, [0.1]],
    }
    for argument, values in bad.items():
        for value in values:
            arguments = {"X": X, "y": y, "beta": beta} | {argument: value}
            for call in (row.convex_program, partial(row.objective, network)):
                with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b"):
                    call(**arguments)


@pytest.mark.parametrize(
    ("name", "X"),
    [
        ("relu_vector", np.eye(3)),
        ("relu_vector", np.ones((3, 2))),
        ("mirrors", np.eye(3)),
        ("average_pooling", np.ones((3, 1))),
        ("batch_normalisation", np.ones((3, 2))),
        ("three_layers", np.random.default_rng(0).normal(size=(12, 3))),
    ],
)
def test_data_that_a_row_cannot_take(name, X):
    y = np.ones((len(X), 2)) if name == "relu_vector" else np.ones(len(X))
    with pytest.raises(ValueError, match=r"\bX\b"):
        ROWS[name].convex_program(X, y, 0.1)


def test_a_program_must_be_solved_before_it_is_decoded():
    row, X, y, beta, _ = instance("relu")
    with pytest.raises(ValueError, match="program"):
        row.decode(row.convex_program(X, y, beta))


@pytest.mark.parametrize("starts", [0, -1, 1.5, "3", True, None], ids=repr)
def test_bad_number_of_starts(starts):
    with pytest.raises((TypeError, ValueError), match="starts"):
        equivalences.check(ROWS["relu"], np.random.default_rng(0), starts=starts)


@pytest.mark.parametrize("betas", [[0.1, 0.0], [np.nan], "0.1", None, 0.1], ids=repr)
def test_bad_weight_decays_of_a_path(betas):
    row, X, y, _, _ = instance("relu")
    with pytest.raises((TypeError, ValueError), match="betas"):
        equivalences.sizes_along(row, X, y, betas)
