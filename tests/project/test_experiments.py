"""The recorded experiments are those of the code, obey the bound, and descent is tuned."""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.companion.sweeps import read_sweep
from hidden_convexity.line import mirrors

for _package in ("torch", "sklearn", "statsmodels", "pywt", "wfdb", "mlxtend"):
    pytest.importorskip(_package)
if find_spec("heartpy") is None:
    pytest.skip("HeartPy is not installed", allow_module_level=True)
from benchmarks.experiments import (  # noqa: E402
    branches,
    choice,
    classics,
    classifiers,
    denoising,
    descent,
    digits,
    dimensions,
    equaliser,
    leads,
    mnist,
    prediction,
    problems,
    recovery,
    recovery_cones,
    signals,
    teacher,
    ten_classes,
    training,
)
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

# Whose ladders may end where the best lies: smaller weight decays of certified networks take
# minutes of a fold.
MAY_END = {digits: (), mnist: ("gated",), ten_classes: ("certified",)}


def recorded():
    if not training.PATH.exists():
        pytest.skip(
            "benchmarks/experiments/training.csv is not there: `make experiments` writes it"
        )
    return read_sweep(training.PATH)


def test_recorded_runs_are_those_of_the_sweep():
    names = ("problem", "method", "rate", "width", "seed")
    stored = {tuple(row[name] for name in names) for row in recorded()}
    assert stored == {tuple(point[name] for name in names) for point in training.points()}
    assert all(row["error"] is None for row in recorded())


@pytest.mark.parametrize("name", problems.SERIES)
def test_no_recorded_run_is_below_the_proven_bound(name):
    rows = [row for row in recorded() if row["problem"] == name]
    (certified,) = [row for row in rows if row["method"] == "convex"]
    assert certified["objective"] <= certified["lower_bound"] * (1 + 2 * training.TOLERANCE)
    reached = np.array([row["objective"] for row in rows])
    assert (reached[np.isfinite(reached)] >= certified["lower_bound"]).all()


def median_objectives(name, method, width):
    """Of each rate of the grid, over the seeds; and the test errors."""
    groups = {}
    for row in recorded():
        if (row["problem"], row["method"], row["width"]) == (name, method, width):
            groups.setdefault(row["rate"], []).append((row["objective"], row["test_error"]))
    rates = sorted(groups)
    assert all(len(groups[rate]) == len(training.SEEDS) for rate in rates)
    return np.array([np.median(groups[rate], axis=0) for rate in rates]).T


@pytest.mark.parametrize("name", problems.SERIES)
@pytest.mark.parametrize("method", ["sgd", "adam", "lbfgs"])
def test_tuned_descent_beats_a_linear_model_with_the_same_window(name, method):
    """Tuned: of the grid of rates, the one with the smallest median training objective."""
    objectives, errors = median_objectives(name, method, training.CURVES)
    (line,) = (r for r in recorded() if (r["problem"], r["method"]) == (name, "linear"))
    assert errors[np.argmin(objectives)] < 0.9 * line["test_error"]


def test_the_ecg_of_training_is_tested_on_the_test_part_of_a_fold(monkeypatch):
    """One heartbeat once was all that it was tested on."""
    record = np.random.default_rng(0).normal(size=signals.FOLDS * 5_200)
    monkeypatch.setattr(signals, "whole", lambda *_: record)
    task, A_test, y_test = problems.regression("ecg")
    train, _, test = signals.parts("ecg", problems.FOLD)
    order, horizon = problems.SERIES["ecg"]
    lost = signals.LONGEST + horizon - 1
    assert (task.y == train[lost:]).all() and (y_test == test[lost:]).all()
    assert (A_test[:, order - 1] == test[lost - horizon : -horizon]).all()


def test_the_line_is_recorded_as_the_network_that_it_is(monkeypatch):
    task, A_test, y_test = problems.regression("sunspots")
    row = training.run("sunspots", "linear", 0.0, 0, 0)
    weights = np.linalg.lstsq(task.X, task.y, rcond=None)[0]
    assert row["test_error"] == pytest.approx(signals.error(A_test @ weights, y_test), rel=1e-9)
    # Balanced, the weights of each of the two neurons have half the squares of the line's.
    fitted = np.sum((task.X @ weights - task.y) ** 2) / 2
    penalty = 2 * task.beta * np.linalg.norm(weights)
    assert row["objective"] == pytest.approx(fitted + penalty, rel=1e-9)


def test_the_ecg_of_training_has_the_decay_that_validation_chose_on_the_same_problem():
    """It once was a hundredth that nobody had validated."""
    (proven,) = (row for row in recorded() if (row["problem"], row["method"]) == ("ecg", "convex"))
    names = ("signal", "horizon", "window", "fold", "method")
    past, ahead = problems.SERIES["ecg"]
    asked = ("ecg", ahead, past, problems.FOLD, prediction.NETWORK)
    (chosen,) = (
        row for row in read_sweep(prediction.PATH) if tuple(row[n] for n in names) == asked
    )
    assert problems.SHARES["ecg"] == chosen["share"] and chosen["end"] == choice.INSIDE
    # Two proofs of one optimum.
    assert chosen["lower_bound"] <= proven["objective"]
    assert proven["lower_bound"] <= chosen["objective"]


@pytest.mark.parametrize("name", problems.SERIES)
@pytest.mark.parametrize("method", ["sgd", "adam"])
@pytest.mark.parametrize("width", [width for width in training.WIDTHS if width > 2])
def test_the_best_rate_is_inside_its_grid_or_hardly_better_than_the_next_one(name, method, width):
    """With two neurons a run ends at one of a few levels, and chance decides at which."""
    objectives, _ = median_objectives(name, method, width)
    best, last = int(np.argmin(objectives)), len(objectives) - 1
    inside = objectives[min(max(best, 1), last - 1)]
    assert inside < 1.005 * objectives[best]


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "lbfgs"])
def test_descent_minimises_the_objective_of_the_problem(optimiser, monkeypatch):
    monkeypatch.setitem(descent.STEPS, optimiser, 300)
    task, _, _ = problems.regression("sunspots", share=0.1)
    rate = descent.RATES[optimiser][100][-1]
    curve, W, V = descent.train(task.X, task.y, task.beta, optimiser, rate, 10, 0)
    end = task.objective(hc.ReLUNetwork(W, V[:, 0]))
    assert curve[-1][1] == pytest.approx(end, rel=1e-9)
    optimum = hc.train(task, tol=1e-4)
    assert optimum.lower_bound <= end < min(1.2 * optimum.objective, 0.5 * curve[0][1])


def test_the_reconstruction_sees_the_seen_lead_only_around_the_moment():
    signal = np.arange(100.0)
    X, moments = leads.windows([(signal, signal)], leads.TAPS, 2)
    wide, same = leads.windows([(signal, signal)], leads.WIDE_TAPS, 2)
    assert (moments == same).all() and (X[:, leads.TAPS // 2] == moments).all()
    assert (np.diff(X, axis=1) == 2).all() and wide.shape == (len(moments), leads.WIDE_TAPS)


def test_no_window_of_a_lead_reaches_from_one_part_of_a_split_into_another(monkeypatch):
    """Windows were once cut before the parts, and shared samples across their borders."""
    record = np.arange(8 * 100.0)
    two = np.stack([record, record], axis=1)
    monkeypatch.setattr(signals, "recording", lambda *_: two[:, [0, 1]])
    leads.stretches.cache_clear()
    for split in range(leads.QUARTERS):
        parts = leads.stretches("s0010_re", "v1", split)
        # In units of the record, whose samples are their own numbers.
        first = record[200 * split : 200 * (split + 1)]
        seen = [
            {round(value * first.std() + first.mean()) for run in part for value in run[0]}
            for part in parts
        ]
        assert [len(one) for one in seen] == [200, 200, 400]
        assert not seen[0] & seen[1] and not seen[2] & (seen[0] | seen[1])
        spans = leads.windows(parts[2], leads.WIDE_TAPS, 2)[0]
        np.testing.assert_allclose(np.ptp(spans, axis=1) * first.std(), 2 * (leads.WIDE_TAPS - 1))
    leads.stretches.cache_clear()


def test_recorded_leads_are_proven_and_complete():
    if not leads.PATH.exists():
        pytest.skip("benchmarks/experiments/leads.csv is not there: `make experiments` writes it")
    rows = read_sweep(leads.PATH)
    names = ("record", "lead", "split", "method")
    by_name = {tuple(row[name] for name in names): row for row in rows}
    assert sorted(by_name) == sorted(tuple(point.values()) for point in leads.points())
    for row in rows:
        assert row["error"] is None and row["test_error"] >= 0
        if row["method"] in ("network", leads.OF_ATOMS):
            assert row["scope"] == "global" and row["lower_bound"] <= row["objective"]
        if row["method"] == "network":
            twin = by_name[(*(row[name] for name in names[:3]), "adam")]
            assert twin["share"] == row["share"]
            assert twin["choice"] in {f"rate={rate}" for rate in descent.RATES_BESIDE.rungs}
            assert twin["objective"] >= twin["least_objective"] >= row["lower_bound"]


def test_a_grid_grows_to_a_best_value_beyond_its_end_and_stops_where_it_gains_nothing():
    """Decays once ended where the network won: 29 draws of 30 kept the smallest."""
    powers = choice.Ladder(tuple(range(-9, 10)), low=0, high=2)
    tried = []

    def errors_at(points):
        tried.extend(point["a"] for point in points)
        return [error(point["a"]) for point in points]

    cases = [
        (lambda a: 1 + (a + 6) ** 2, -6, choice.INSIDE),
        (lambda a: 1 + (a - 1) ** 2, 1, choice.INSIDE),
        (lambda a: 1 + (a - 5) ** 2, 5, choice.INSIDE),
        (lambda a: 1 + 1e-3 * a, -1, choice.FLAT_THERE),
        (lambda a: np.exp(a), -9, choice.LAST),
        (lambda a: np.exp(-a), 9, choice.LAST),
    ]
    for error, best, end in cases:
        tried.clear()
        made = choice.choose(errors_at, {"a": powers})
        assert (made.values["a"], made.end) == (best, end)
        assert made.error == error(best) and len(tried) == len(set(tried))
    # At most one rung beyond the best, so a growth costs what it gains.
    assert min(tried) == 0


def test_a_grid_of_two_ladders_grows_along_both_and_kinds_have_no_end():
    axes = {
        "a": choice.Ladder(tuple(range(6)), low=3, high=4),
        "b": choice.Ladder(tuple(range(6)), low=0, high=1),
        "kind": choice.Ladder(("x", "y"), ordered=False),
    }

    def errors_at(points):
        return [1 + (p["a"] - 2) ** 2 + (p["b"] - 3) ** 2 + (p["kind"] == "x") for p in points]

    made = choice.choose(errors_at, axes)
    assert made.values == {"a": 2, "b": 3, "kind": "y"} and made.end == choice.INSIDE
    assert made.facts["choice"] == "a=2 b=3 kind=y"


def test_an_end_with_nothing_beyond_it_is_told_from_one_where_a_ladder_was_cut():
    """One neighbour, than which there are no fewer, once counted as the last of what was tried."""
    rungs = tuple(range(6))
    cut, whole = choice.Ladder(rungs), choice.Ladder(rungs, natural=(0, 5))

    def end(**axes):
        def errors_at(points):
            return [1 + sum(point.values()) for point in points]

        return choice.choose(errors_at, axes).end

    assert (end(a=cut), end(a=whole)) == (choice.LAST, choice.NATURAL)
    # Of two ladders, what could go on is what is said.
    assert end(a=whole, b=whole) == choice.NATURAL
    assert end(a=whole, b=cut) == end(a=cut, b=whole) == choice.LAST
    # A natural end is one of the ladder, and not of the grid to begin with.
    assert end(a=choice.Ladder(rungs, low=2, high=4, natural=(5,))) == choice.LAST
    inside = choice.choose(lambda points: [abs(p["a"] - 2) for p in points], {"a": whole})
    assert (inside.values, inside.end) == ({"a": 2}, choice.INSIDE)


def test_what_is_said_of_a_validated_network_is_of_the_one_that_is_kept():
    A = np.column_stack([np.linspace(-1, 1, 20), np.ones(20)])
    task, loss = (
        hc.TrainingProblem(A, np.abs(A[:, 0]), 1.0),
        lambda one: float(np.abs(one(A)).sum()),
    )
    ladder, most = choice.Ladder((0.01, 0.1)), hc.beta_max(task.X, task.y)

    def kept(proof):
        return choice.network(task, most, 0.3, loss, proof, ladder)

    searched, certified = kept(choice.as_searched), kept(choice.as_it_is)
    trained = kept(choice.trained(1e-6))
    for one in (searched, certified, trained):
        assert one.facts["share"] * most == one.problem.beta
        assert one.facts["objective"] == pytest.approx(one.problem.objective(one.network))
        assert one.facts["validation_error"] == loss(one.network)
    assert certified.facts["objective"] == pytest.approx(searched.facts["objective"])
    # No bound may lie above what is proven to be nearly optimal, nor that far below.
    best, gap = trained.facts["objective"], 1 - 1e-6
    assert certified.facts["scope"] == trained.facts["scope"] == "global"
    assert trained.facts["lower_bound"] >= best * gap >= certified.facts["lower_bound"] * gap


def test_wedge_gates_lie_beside_the_hyperplanes_of_their_rows():
    X = np.random.default_rng(0).normal(size=(30, 4))
    gates = dimensions.wedge_gates(X, 20, np.random.default_rng(1))
    angles = np.abs(X @ gates) / np.linalg.norm(X, axis=1, keepdims=True)
    assert ((angles < 1e-4).sum(axis=0) == 3).all()
    assert len(hc.Arrangement.from_gates(X, gates)) == 20


def test_recorded_dimensions_are_those_of_the_sweep():
    if not dimensions.PATH.exists():
        pytest.skip("benchmarks/experiments/dimensions.csv is not there: see `make experiments`")
    rows = read_sweep(dimensions.PATH)
    asked = [tuple(point.values()) for point in dimensions.points()]
    assert sorted((row["d"], row["method"], row["gates"]) for row in rows) == sorted(asked)
    assert all(row["error"] is None and row["objective"] >= row["lower_bound"] for row in rows)
    for d in dimensions.DIMENSIONS:
        searched, adam = (
            next(row for row in rows if (row["d"], row["method"]) == (d, method))
            for method in ("searched", "adam")
        )
        assert adam["neurons"] > searched["neurons"]
        assert adam["processor_seconds"] >= searched["processor_seconds"]
        # One training problem for all of them.
        betas = [row["beta"] for row in rows if row["d"] == d]
        assert max(betas) == pytest.approx(min(betas), rel=1e-9)


def test_each_digit_is_tested_on_once_and_parts_have_no_digit_in_common():
    tested = []
    for fold in range(problems.FOLDS):
        parts = problems.digits(fold)
        assert [len(A) for A, _ in parts] == [600, 400, 360 if fold < 2 else 359]
        images = [{row.tobytes() for row in A} for A, _ in parts]
        assert not images[0] & images[1] and not images[2] & (images[0] | images[1])
        others, test = problems.fold_of_digits(fold)
        assert sorted([*others, *test]) == list(range(1_797))
        tested.extend(test)
    assert sorted(tested) == list(range(1_797))


def test_choices_take_the_first_of_the_fewest_validation_errors_and_test_it_once():
    wrong = {3: 4, 2: 2, 1: 2, 0: 5}
    part = np.zeros((10, 1)), np.zeros(10, dtype=int)
    asked = []

    def fitted(points):
        def predict(A, k):
            asked.append(k)
            return np.arange(len(A)) < wrong[k]

        return [(partial(predict, k=one["k"]), {"found": one["k"]}) for one in points]

    ladders = {"k": choice.Ladder((3, 2, 1, 0)), "fixed": choice.Ladder((7,), ordered=False)}
    found = choice.tested(fitted, ladders, part, (part[0], 1 - part[1]))
    assert (found["found"], found["validation_error"], found["test_error"]) == (2, 0.2, 0.8)
    assert (found["choice"], found["end"]) == ("k=2 fixed=7", choice.INSIDE)
    assert asked == [3, 2, 1, 0, 2]


@pytest.mark.parametrize("module", [digits, mnist, ten_classes])
def test_recorded_choices_are_of_their_ladders_and_not_at_the_end_of_what_was_tried(module):
    """Grids once ended where the best lay: five folds of five kept MNIST's smallest decay."""
    if not module.PATH.exists():
        pytest.skip(f"{module.PATH.name} is not there: `make experiments` writes it")
    rows, asked = read_sweep(module.PATH), module.points()
    stored = [tuple(row[name] for name in asked[0]) for row in rows]
    assert sorted(stored) == sorted(tuple(point.values()) for point in asked)
    for row in rows:
        assert row["error"] is None
        assert 0 <= row["validation_error"] and 0 < row["test_error"] < 0.5
        chosen = dict(said.split("=") for said in row["choice"].split())
        ladders = module.LADDERS[row["method"]]
        assert chosen.keys() == ladders.keys()
        for name, ladder in ladders.items():
            assert chosen[name] in map(str, ladder.rungs)
        assert row["end"] in choice.ENDS
        assert row["end"] != choice.LAST or row["method"] in MAY_END[module]


@pytest.mark.parametrize("method", digits.NETWORKS)
def test_the_weight_decay_of_digits_is_chosen_without_the_test_part(method, monkeypatch):
    few = {"share": choice.Ladder((0.3, 1e-3)), "rate": choice.Ladder((0.03,))}
    ladders = {name: few[name] for name in digits.LADDERS[method]}
    monkeypatch.setitem(digits.LADDERS, method, ladders)
    monkeypatch.setattr(digits, "STEPS", 50)
    (A, labels), validation, (A_test, labels_test) = problems.digits()
    some = slice(None, 150)
    wrong = [((A[some], labels[some]), validation, (A_test, 9 - labels_test))]
    wrong.append((*wrong[0][:2], (A_test, labels_test)))
    found = []
    for parts in wrong:
        monkeypatch.setattr(problems, "digits", lambda fold, parts=parts: parts)
        found.append(digits.run(method, 10, 0))
    assert found[0]["choice"] == found[1]["choice"]
    assert found[0]["validation_error"] == found[1]["validation_error"]
    assert found[0]["test_error"] > 0.5 > found[1]["test_error"]


@pytest.mark.parametrize("kind", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_boosted_trees_that_go_on_are_those_that_are_grown_at_once(kind):
    """Rounds that are asked for later are added to a forest that has its first ones."""
    A, labels = problems.digits()[0]
    A, labels = A[:150], labels[:150]
    make = classics.forests(kind, learning_rate=0.2, max_bins=classifiers.LEVELS)
    for rounds in (5, 8, 3):
        alone = kind(
            learning_rate=0.2,
            max_iter=rounds,
            max_leaf_nodes=4,
            max_bins=classifiers.LEVELS,
            random_state=0,
        )
        grown = make(rounds=rounds, leaves=4).fit(A, labels)
        np.testing.assert_array_equal(grown.predict(A), alone.fit(A, labels).predict(A))
    # Of other leaves there is another forest.
    assert (make(rounds=3, leaves=2).fit(A, labels).predict(A) != grown.predict(A)).any()


def test_gated_networks_start_from_those_at_the_next_larger_decay(monkeypatch):
    A, labels = problems.digits()[0]
    A, labels, starts = A[:60], labels[:60], []
    train = classifiers.train_gated_path

    def spied(*args, start, **options):
        starts.append(start)
        return train(*args, start=start, **options)

    monkeypatch.setattr(classifiers, "train_gated_path", spied)
    fitted = classifiers.gated(A, labels, digits.gates_of(A, 10, 0), 0.05)
    found = [fitted([{"share": share} for share in shares]) for shares in ((0.3, 0.1), (0.03,))]
    found += [fitted([{"share": 0.5}])]
    assert starts[0] is None and starts[2] is None
    facts = found[0][1][1]
    assert (starts[1].objective, len(starts[1])) == (facts["objective"], facts["neurons"])
    for _, facts in (one for some in found for one in some):
        within = facts["objective"] * (1 - 0.05)
        assert within <= facts["lower_bound"] <= facts["objective"]


def test_recorded_networks_of_ten_classes_are_proven():
    if not ten_classes.PATH.exists():
        pytest.skip("ten_classes.csv is not there: `make experiments` writes it")
    rows = [row for row in read_sweep(ten_classes.PATH) if row["method"] == "certified"]
    assert rows
    for row in rows:
        assert row["scope"] == "global"
        within = row["objective"] * (1 - ten_classes.TOLERANCE)
        assert within <= row["lower_bound"] <= row["objective"]


def test_the_network_of_ten_classes_that_is_tested_is_the_one_whose_bound_is_proven(monkeypatch):
    """The weight decay is a choice among searched networks, and their own bounds are none."""
    some = [(X[:40], labels[:40]) for X, labels in ten_classes.parts(0)]
    monkeypatch.setattr(ten_classes, "parts", lambda fold: some)
    shares = 0.3, 0.2
    few = {"certified": {"share": choice.Ladder(shares)}}
    monkeypatch.setattr(ten_classes, "LADDERS", few)
    row = ten_classes.run("certified", 0)
    most = ten_classes.largest(*some[0])
    share = float(row["choice"].removeprefix("share="))
    decays = [one * most.beta for one in shares]
    path = hc.train_path(most, decays, tol=ten_classes.TOLERANCE, proof=False)
    network = path[shares.index(share)].network
    proof = hc.certify(network, replace(most, beta=share * most.beta))
    assert row["scope"] == proof.scope == "global"
    assert row["objective"] == pytest.approx(proof.objective, rel=1e-12)
    # Rounds that tighten the bound are left out of the sweep.
    assert 0 < row["lower_bound"] <= proof.lower_bound * (1 + 1e-12)
    wrong = np.mean(network(some[2][0]).argmax(axis=1) != some[2][1])
    assert row["test_error"] == wrong


def test_recorded_recovery_is_that_of_the_grid_and_of_the_code():
    if not recovery.PATH.exists():
        pytest.skip("benchmarks/experiments/recovery.csv is not there: see `make experiments`")
    rows = {(row["n"], row["d"]): row for row in read_sweep(recovery.PATH)}
    assert rows.keys() == {(n, d) for n in recovery.SAMPLES for d in recovery.DIMENSIONS}
    assert all(row["error"] is None and row["both"] == 0 for row in rows.values())
    for cell in [(20, 10), (60, 30), (40, 20)]:
        assert recovery.run(*cell).items() <= rows[cell].items()


def test_sgd_on_the_teacher_ends_at_the_objective_of_its_network():
    problem, _, _ = teacher.data(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "EPOCHS", 20)
        network, curve = teacher.descend(problem, teacher.RATE, 0)
    epochs, objectives = len(curve), [P for _, P in curve]
    assert epochs == (teacher.RECORDED <= 20).sum()
    assert objectives[-1] == pytest.approx(problem.objective(network), rel=1e-12)
    assert objectives[-1] < 0.5 * objectives[0]


def test_recorded_teacher_runs_obey_the_bounds_of_their_programs():
    if not teacher.PATH.exists():
        pytest.skip("benchmarks/experiments/teacher.csv is not there: see `make experiments`")
    rows, names = read_sweep(teacher.PATH), ("draw", "method", "width", "rate", "seed")
    asked = {tuple(point.values()) for point in teacher.points()}
    assert {tuple(row[name] for name in names) for row in rows} == asked
    assert all(row["error"] is None for row in rows)
    same = [row for row in rows if (row["draw"], row["rate"]) == (0, teacher.RATE)]
    descents = {row["seed"]: row for row in same if row["method"] == "sgd"}
    for row in rows:
        if row["method"] != "sgd":
            within = row["objective"] * (1 - teacher.TOLERANCE)
            assert within <= row["lower_bound"] <= row["objective"]
        if row["method"] == "visited":  # the network that SGD found is allowed
            assert row["lower_bound"] <= descents[row["seed"]]["objective"]


@pytest.mark.parametrize("module", [prediction, denoising, equaliser])
def test_recorded_folds_are_those_of_the_sweep_and_their_networks_proven(module):
    rows, asked = read_sweep(module.PATH), module.points()
    names = tuple(asked[0])
    stored = [tuple(row[name] for name in names) for row in rows]
    assert sorted(stored) == sorted(tuple(point.values()) for point in asked)
    for row in rows:
        assert row["error"] is None and row["test_error"] >= 0
        if row["scope"] is not None:
            assert row["lower_bound"] <= row["objective"]
            atoms = row["method"].endswith(f"{prediction.ATOMS} atoms")
            proven = row["window"] <= module.PROVEN or atoms
            assert row["scope"] == ("global" if proven else "searched")


@pytest.mark.parametrize("module", [prediction, equaliser])
def test_recorded_adam_has_the_decay_of_the_network_beside_it_and_obeys_its_bound(module):
    """No sweep of one signal once said whether a certified network predicts better than Adam's."""
    if not module.PATH.exists():
        pytest.skip(f"{module.PATH.name} is not there: see `make experiments`")
    rows, names = read_sweep(module.PATH), tuple(module.points()[0])[:-1]
    of = {
        method: {tuple(row[name] for name in names): row for row in rows if row["method"] == method}
        for method in ("adam", "network")
    }
    assert of["adam"] and of["adam"].keys() <= of["network"].keys()
    for place, row in of["adam"].items():
        twin = of["network"][place]
        assert row["share"] == twin["share"] and row["neurons"] == descent.NEURONS
        assert row["objective"] >= row["least_objective"] >= twin["lower_bound"]
        assert row["choice"] in {f"rate={rate}" for rate in descent.RATES_BESIDE.rungs}
        assert row["end"] in choice.ENDS


@pytest.mark.parametrize("best", [1e-3, 0.3, 10.0])
def test_adam_beside_a_network_has_the_rate_and_seed_of_least_validation_error(best, monkeypatch):
    """All its runs once had one rate, where every rival chose what it has to choose."""
    monkeypatch.setattr(descent, "STEPS_BESIDE", 30)
    A = np.column_stack([np.linspace(-1, 1, 20), np.ones(20)])
    task, seen = hc.TrainingProblem(A, np.abs(A[:, 0]), 0.01), []

    def error(network):
        seen.append((network, abs(task.objective(network) - best)))
        return seen[-1][1]

    beside = descent.beside(choice.Validated(task, None, error, {"share": 0.1}))
    rates, left = divmod(len(seen), descent.SEEDS)
    assert not left and rates >= 3
    assert beside.network is min(seen, key=lambda one: one[1])[0]
    objectives = [task.objective(network) for network, _ in seen]
    assert len(set(objectives)) == len(seen)
    assert beside.facts["least_objective"] == min(objectives)
    assert beside.facts["objective"] == task.objective(beside.network)
    assert beside.facts["validation_error"] == min(error for _, error in seen)
    assert beside.facts["share"] == 0.1


def test_recorded_predictions_are_all_chosen_from_grids_that_grow():
    """Those of support vector machines, of trees and of most networks once were fixed."""
    if not prediction.PATH.exists():
        pytest.skip("prediction.csv is not there: see `make experiments`")
    for row in read_sweep(prediction.PATH):
        assert row["choice"] and row["end"] in choice.ENDS
        if row["scope"] is not None:
            ladder = prediction.decays(row["signal"], row["horizon"])
            assert row["choice"] == f"share={row['share']}" and row["share"] in ladder.rungs
            assert row["end"] != choice.LAST or row["share"] == min(ladder.rungs)


def test_recorded_decays_of_the_pulse_wave_are_behind_the_hill():
    """Begun with 0.1 to 0.003, a grid once stopped at 0.001, in another valley of the error."""
    if not prediction.PATH.exists():
        pytest.skip("prediction.csv is not there: see `make experiments`")
    rows = [r for r in read_sweep(prediction.PATH) if (r["signal"], r["horizon"]) == ("pulse", 1)]
    kept = [r["share"] for r in rows if r["method"] == prediction.NETWORK]
    assert len(kept) == signals.FOLDS and max(kept) < 1e-4


@pytest.mark.parametrize("module", [denoising, leads])
def test_recorded_decays_are_not_at_the_end_of_what_was_tried(module):
    """Grids once ended where the network won: nearly all kept the smallest decay of them."""
    if not module.PATH.exists():
        pytest.skip(f"{module.PATH.name} is not there: see `make experiments`")
    networks = [row for row in read_sweep(module.PATH) if row["scope"] is not None]
    assert networks and {row["end"] for row in networks} <= {choice.INSIDE, choice.FLAT_THERE}
    assert all(row["share"] in choice.SHARES.rungs for row in networks)


def test_recorded_kernels_are_seldom_at_the_end_of_what_was_tried():
    """A grid of kernel widths once ended long before the kernels that the pulse wave wants."""
    for module in (prediction, denoising, leads, equaliser):
        if not module.PATH.exists():
            pytest.skip(f"{module.PATH.name} is not there: see `make experiments`")
        ends = [r["end"] for r in read_sweep(module.PATH) if r["method"].startswith("kernel ridge")]
        assert ends.count(choice.LAST) < 0.05 * len(ends)


@pytest.mark.parametrize("module", [prediction, denoising, leads, equaliser, digits, mnist])
def test_one_neighbour_is_recorded_as_a_natural_end(module):
    """It once counted as the last of what was tried, though there are no fewer."""
    rows = [row for row in read_sweep(module.PATH) if row["choice"] in ("k=1", "count=1")]
    assert {row["end"] for row in rows} <= {choice.NATURAL}


@pytest.mark.parametrize("module", [prediction, denoising, leads, equaliser])
def test_recorded_trees_and_neighbours_are_at_a_last_rung_only_where_the_ladder_was_cut(module):
    """Half of all forests once had the most rounds tried."""
    rounds = f"rounds={max(classics.MORE_ROUNDS.rungs)} "
    for method in ("boosting", "neighbours"):
        rows = [r for r in read_sweep(module.PATH) if r["method"].removesuffix(", wide") == method]
        last = [row["choice"] for row in rows if row["end"] == choice.LAST]
        assert rows and len(last) < 0.1 * len(rows)
        assert all(chosen.startswith((rounds, "k=256")) for chosen in last)


def test_decays_of_leads_begin_behind_a_hill_of_the_validation_error():
    """A grid from 0.003 on once stopped at 0.03 in fold 9 of record 100, which has these errors."""
    errors = [0.3602, 0.3101, 0.3922, 0.4371, 0.4823, 0.5552, 0.4788, 0.4875]
    shares = choice.SHARES.rungs[choice.SHARES.rungs.index(3e-5) :]
    hill = dict(zip(shares[: len(errors)], errors, strict=True))

    def errors_at(points):
        return [hill[point["share"]] for point in points]

    assert choice.choose(errors_at, {"share": choice.SHARES}).values == {"share": 0.03}
    assert choice.choose(errors_at, {"share": leads.DECAYS}).values == {"share": 1e-4}


def test_networks_that_reconstruct_a_lead_have_all_rivals_at_both_windows():
    """The network once saw three samples only, beside classics that see 21."""
    assert {f"{m}, wide" for m in leads.CLASSICS if m != "linear"} == {*leads.WIDE} - {"lasso"}
    assert {*classics.regressors(leads.TAPS)} == {*leads.CLASSICS}


def test_denoisers_and_equalisers_have_all_rivals():
    """Support vector machines once were left out of one, kernels and trees of the other."""
    rivals = {*classics.regressors(denoising.PROVEN)}
    stored = {(row["method"], row["window"]) for row in read_sweep(denoising.PATH)}
    assert {(method, w) for method in rivals for w in denoising.WINDOWS} <= stored
    assert rivals <= {row["method"] for row in read_sweep(equaliser.PATH)}


@pytest.mark.parametrize("distance", [2, 3])
def test_the_network_on_atoms_sees_all_of_the_wide_window_of_a_lead(distance, monkeypatch):
    """The hidden lead is the seen one ten moments before, which three samples do not reach."""
    monkeypatch.setitem(leads.DISTANCE, "s0010_re", distance)
    monkeypatch.setattr(leads, "DECAYS", choice.Ladder((0.001, 0.01)))
    rng, reach = np.random.default_rng(0), leads.WIDE_TAPS // 2 * distance
    seen = [rng.normal(size=300) for _ in range(3)]
    parts = [[np.stack([one, np.roll(one, reach)])] for one in seen]
    monkeypatch.setattr(leads, "stretches", lambda *_: parts)
    errors = [
        leads.reconstruct("s0010_re", "v1", 0, method)["test_error"]
        for method in (leads.OF_ATOMS, "network")
    ]
    leads.network.cache_clear()
    assert errors[0] < 0.1 < 0.9 < errors[1]


@pytest.mark.parametrize("method", ["network", leads.OF_ATOMS, "adam", "neighbours", "SVM, wide"])
def test_what_reconstructs_a_lead_is_chosen_without_the_test_part(method, monkeypatch):
    monkeypatch.setattr(leads, "DECAYS", choice.Ladder((0.1, 0.3, 1.0)))
    monkeypatch.setattr(descent, "STEPS_BESIDE", 30)
    rng = np.random.default_rng(0)
    # The hidden lead is the seen one and noise: of noise alone no network may be left.
    runs = [[[1.0, 0.0], [1.0, 1.0]] @ rng.normal(size=(2, 240)) for _ in range(3)]
    found = []
    for sign in (1, -1):
        leads.network.cache_clear()
        parts = [[runs[0]], [runs[1]], [runs[2] * [[1], [sign]]]]
        monkeypatch.setattr(leads, "stretches", lambda *_, parts=parts: parts)
        found.append(leads.reconstruct("s0010_re", "v1", 0, method))
    leads.network.cache_clear()
    for column in ("choice", "validation_error", "objective"):
        assert found[0].get(column) == found[1].get(column)
    assert found[0]["test_error"] != found[1]["test_error"]


def test_adam_predicts_by_the_networks_problem_without_the_test_part(monkeypatch):
    monkeypatch.setattr(descent, "STEPS_BESIDE", 30)
    monkeypatch.setattr(prediction, "decays", lambda *_: choice.Ladder((0.1, 0.3, 1.0)))
    stretches, found = signals.parts("pulse", 0), []
    for test in (stretches[2], -3 * stretches[2]):
        prediction.network.cache_clear()
        monkeypatch.setattr(signals, "parts", lambda *_, test=test: [*stretches[:2], test])
        found.append(prediction.run("pulse", 1, 3, 0, "adam"))
    network = prediction.run("pulse", 1, 3, 0, "network")
    prediction.network.cache_clear()
    assert found[0]["objective"] == found[1]["objective"] >= network["lower_bound"]
    assert found[0]["share"] == network["share"]
    assert found[0]["test_error"] != found[1]["test_error"]


@pytest.mark.parametrize("window", [8, 32])
def test_a_line_on_the_atoms_is_the_line_on_the_whole_window(window):
    X, y = signals.windows(signals.parts("pulse", 0)[0], window, 4)
    A, whole = prediction.atoms(X, y)(X), np.column_stack([X, np.ones(len(X))])
    assert A.shape == (len(X), prediction.ATOMS + 1)
    np.testing.assert_allclose(A.std(axis=0)[:-1], 1)
    predicted = [B @ np.linalg.lstsq(B, y, rcond=None)[0] for B in (A, whole)]
    np.testing.assert_allclose(*predicted, atol=1e-8)


def test_recorded_equalisers_end_on_a_last_decay_only_where_nearly_all_symbols_are_told():
    """Counted errors tie where few are wrong, and 28 of 40 networks kept the largest decay so.

    The loss on the validation part parts them. It goes on falling with the decay where the symbols
    there can be told: each wrong one costs log 2 or more, so no two are wrong.
    """
    rows = [row for row in read_sweep(equaliser.PATH) if row["method"] == "network"]
    largest = equaliser.DECAYS.rungs[equaliser.DECAYS.stretch[1]]
    for row in rows:
        assert row["share"] in equaliser.DECAYS.rungs and row["share"] < largest
        two_wrong = 2 * np.log(2) / equaliser.TRAINING
        assert row["end"] != choice.LAST or row["validation_error"] < two_wrong


@pytest.mark.parametrize(
    "method", ["linear", "Volterra", *equaliser.REGRESSIONS, "neighbours", "network"]
)
def test_equalisers_are_not_chosen_by_counted_errors(method, monkeypatch):
    monkeypatch.setattr(equaliser, "TEST", 500)
    found = [equaliser.run(0, "three taps", 14, 2, method)]
    equaliser.network.cache_clear()
    monkeypatch.setattr(equaliser, "wrong", lambda scores, told: 0.0)
    found.append(equaliser.run(0, "three taps", 14, 2, method))
    assert found[0]["choice"] == found[1]["choice"]
    assert found[0]["validation_error"] == found[1]["validation_error"]
    assert found[0]["test_error"] > found[1]["test_error"] == 0


def test_adam_equalises_by_the_networks_problem_and_not_by_counted_errors(monkeypatch):
    monkeypatch.setattr(equaliser, "TEST", 500)
    monkeypatch.setattr(descent, "STEPS_BESIDE", 30)
    place = 0, "three taps", 14, 2
    equaliser.network.cache_clear()
    network = equaliser.run(*place, "network")
    found = [equaliser.run(*place, "adam")]
    monkeypatch.setattr(equaliser, "wrong", lambda scores, told: 0.0)
    found.append(equaliser.run(*place, "adam"))
    equaliser.network.cache_clear()
    assert found[0]["share"] == network["share"]
    assert found[0]["objective"] == found[1]["objective"] >= network["lower_bound"]
    assert found[0]["test_error"] > found[1]["test_error"] == 0


def test_support_vector_machines_are_ranked_by_counted_errors_and_then_by_hinge_loss():
    """By the hinge loss alone they were chosen worse, and looked worse than they are."""
    rng = np.random.default_rng(0)
    told = rng.choice([-1.0, 1.0], 20)
    scores = [scale * (told + rng.normal(size=20)) for scale in (0.1, 1.0, 10.0) for _ in range(20)]
    ranks = [(equaliser.wrong(s, told), np.mean(np.maximum(0, 1 - told * s))) for s in scores]
    values = [equaliser.counts_and_hinge_loss(s, told) for s in scores]
    assert len({count for count, _ in ranks}) > 2
    assert sorted(range(len(values)), key=values.__getitem__) == sorted(
        range(len(ranks)), key=ranks.__getitem__
    )


def test_nothing_is_better_than_bayes_rule_but_by_chance():
    rows = read_sweep(equaliser.PATH)
    names = ("draw", "channel", "level", "window")
    best = {
        tuple(row[n] for n in names): row["test_error"] for row in rows if row["method"] == "Bayes"
    }
    for row in rows:
        least = best[tuple(row[name] for name in names)]
        assert row["test_error"] >= least - 4 * np.sqrt(2 * least / equaliser.TEST)


@pytest.mark.parametrize("channel", equaliser.CHANNELS)
def test_bayes_rule_is_that_of_what_is_received(channel):
    """Against the shares of symbols among many windows received near a point."""
    level, window = 3, 2
    X, told = equaliser.received(channel, level, window, 400_000, np.random.default_rng(0))
    odds = equaliser.bayes(channel, level, window)
    for point in ([0.3, -0.2], [-0.8, 0.7], [1.0, 1.0]):
        near = told[np.linalg.norm(X - point, axis=1) < 0.15]
        share = 1 / (1 + np.exp(-odds(np.array([point]))[0]))
        assert np.mean(near > 0) == pytest.approx(share, abs=0.02 + 4 * 0.5 / np.sqrt(len(near)))


def test_the_folds_of_a_signal_do_not_overlap_and_tell_nothing_of_what_follows():
    values = signals.whole("pulse")
    first, second, third = signals.parts("pulse", 3)
    assert (len(first), len(second)) == (signals.TRAINED, signals.VALIDATED)
    whole = np.concatenate([first, second, third])
    begin = 3 * (len(values) // signals.FOLDS)
    stretch = values[begin : begin + len(whole)]
    np.testing.assert_allclose(
        whole, (stretch - stretch[: len(first)].mean()) / stretch[: len(first)].std()
    )
    assert len(whole) <= len(values) // signals.FOLDS
    # Every window length predicts the same samples.
    targets = [signals.windows(third, length, 4)[1] for length in (3, 8, 32)]
    assert all((one == targets[0]).all() for one in targets)


@pytest.mark.parametrize("horizon", [1, 2])
def test_every_late_year_of_sunspots_is_tested_on_once_and_by_the_past_alone(horizon, monkeypatch):
    """All of it once was one test part, and 22 years were left to choose with."""
    years = np.arange(len(signals.whole("sunspots")), dtype=float)
    monkeypatch.setattr(signals, "whole", lambda *_: years)
    tested = []
    for fold in range(signals.SUNSPOT_FOLDS):
        parts = signals.parts("sunspots", fold, None, horizon)
        # In units of the years to train on. Each year is its own number.
        first = years[: len(parts[0])]
        targets = []
        for part in parts:
            for window in (2, 9):
                seen, year = (
                    np.rint(found * first.std() + first.mean())
                    for found in signals.windows(part, window, horizon)
                )
                assert (seen == year[:, None] - horizon - np.arange(window)[::-1]).all()
                targets.append(year)
        short, wide = targets[::2], targets[1::2]
        assert all((one == other).all() for one, other in zip(short, wide, strict=True))
        # All years from the first target on, each in one part only.
        assert (np.concatenate(short) == np.arange(short[0][0], short[2][-1] + 1)).all()
        assert short[0][-1] == first[-1]
        assert len(first) / (len(first) + len(short[1])) == pytest.approx(0.75, abs=0.005)
        tested.extend(short[2])
    assert tested == list(years[len(years) // 2 :])


@pytest.mark.parametrize("method", ["linear", "neighbours"])
def test_what_a_classic_chooses_does_not_depend_on_the_test_part(method, monkeypatch):
    stretches = signals.parts("pulse", 0)
    found = []
    for test in (stretches[2], -3 * stretches[2]):
        monkeypatch.setattr(signals, "parts", lambda *_, test=test: [*stretches[:2], test])
        found.append(prediction.run("pulse", 1, 3, 0, method))
    assert found[0]["validation_error"] == found[1]["validation_error"]
    assert found[0]["test_error"] != found[1]["test_error"]


def test_recorded_branches_obey_the_bound_of_their_problem():
    if not branches.PATH.exists():
        pytest.skip("branches.csv is not there: see `make experiments`")
    rows = read_sweep(branches.PATH)
    asked = {(count, seed) for count in branches.BRANCHES for seed in branches.SEEDS}
    assert {(row["branches"], row["seed"]) for row in rows} == asked
    x, target, beta = branches.data()
    bound = mirrors.train(x, target, beta).lower_bound
    for row in rows:
        assert row["lower_bound"] == pytest.approx(bound, rel=1e-6)
        assert row["objective"] >= bound * (1 - 1e-6)


def test_recorded_recovery_with_cones_is_that_of_the_grid_and_never_behind_the_gated_one():
    if not recovery_cones.PATH.exists():
        pytest.skip("recovery_cones.csv is not there: see `make experiments`")
    rows = {(row["n"], row["draw"]): row for row in read_sweep(recovery_cones.PATH)}
    assert rows.keys() == {(n, k) for n in recovery_cones.SAMPLES for k in recovery_cones.DRAWS}
    assert all(row["error"] is None for row in rows.values())
    assert all(row["cones"] or not row["gated"] for row in rows.values())
    assert not any(row["gated"] and row["all_active"] for row in rows.values())
    assert recovery_cones.run(20, 0).items() <= rows[20, 0].items()
