"""Column generation: what its rounds may not miss, that they end, and what a budget does."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import hidden_convexity as hc
from hidden_convexity import solvers
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.oracle import BranchAndBound, DualMaximum, ascent
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.solvers.coarse import drawn_start
from hidden_convexity.solvers.column_generation import _with_bound
from hidden_convexity.solvers.oracles import Oracles


def gaussian(n, d, seed=0):
    rng = np.random.default_rng([n, d, seed])
    return rng.normal(size=(n, d)), rng.normal(size=n)


def local_search(problem, width, seed):
    """P of a network trained by L-BFGS from a random start: an upper bound from another method."""
    rng = np.random.default_rng(seed)
    d = problem.X.shape[1]
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def value(flat):
        parameters = torch.tensor(flat, requires_grad=True)
        W, a = parameters[: width * d].reshape(width, d), parameters[width * d :]
        f = torch.relu(X @ W.T) @ a
        if problem.loss == "squared":
            loss = 0.5 * ((f - y) ** 2).sum()
        else:
            loss = torch.nn.functional.softplus(-y * f).sum()
        P = loss + 0.5 * problem.beta * (parameters**2).sum()
        P.backward()
        return P.item(), parameters.grad.numpy()

    start = rng.normal(size=width * (d + 1))
    return minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).fun


# Neurons and their mirror images


def test_a_neuron_and_its_mirror_image_of_the_other_sign_are_two():
    """Column generation took (-u, -) for (u, +), which was there, and ended at 0.641."""
    Z = np.array([[-0.1, 1.0], [0.7, 0.7]])
    problem = hc.TrainingProblem(np.vstack([Z, -Z]), [1.6, -1.5, -0.8, 0.75], 0.01)
    solution, reference = hc.train(problem), hc.train(problem, solver="cvxpy")
    assert solution.gap <= 1e-6
    assert solution.objective == pytest.approx(reference.objective, rel=1e-6)
    assert min(local_search(problem, 10, seed) for seed in range(5)) >= solution.lower_bound


@pytest.mark.parametrize("seed", range(10))
def test_on_a_line_a_path_reaches_its_tolerance(seed):
    """There the only neurons are mirror images of each other: some of these paths ended early."""
    rng = np.random.default_rng(seed)
    X, y = np.outer(rng.normal(size=8), rng.normal(size=3)), rng.normal(size=8)
    betas = hc.beta_max(X, y) * np.array([0.5, 0.1, 0.01])
    for solution in hc.train_path(hc.TrainingProblem(X, y, 1.0), betas):
        assert solution.gap <= 1e-6


# The tolerance


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("share", [0.9, 0.97, 0.99])
@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-6])
def test_the_tolerance_is_met_just_below_beta_max(loss, share, tol):
    """A first-order price of a violation left gaps of 20 times the tolerance here."""
    for seed in range(3):
        X, y = gaussian(30, 3, seed)
        y = np.sign(y) if loss == "logistic" else y
        top = hc.beta_max(X, y) / (2 if loss == "logistic" else 1)
        problem = hc.TrainingProblem(X, y, share * top, loss)
        assert hc.train(problem, tol=tol).gap <= tol


@pytest.mark.parametrize("offset", [10.0, 100.0, 1e4])
@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-6])
def test_the_tolerance_is_met_where_most_of_the_loss_cannot_be_fitted(offset, tol):
    """Targets that contradict each other dwarf the penalty: gaps of 1e-3 were seen at 1e-6."""
    X, y = gaussian(15, 3)
    X, y = np.vstack([X, X]), np.concatenate([y + offset, y - offset])
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    assert hc.train(problem, tol=tol).gap <= tol


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("tol", [1e-2, 1e-5])
def test_an_affordable_violation_costs_the_tolerance(loss, tol):
    """At an optimum, scaling its residual as if the dual constraint were violated by as much."""
    X, y = gaussian(20, 2)
    y = np.sign(y) if loss == "logistic" else y
    problem = hc.TrainingProblem(X, y, 0.3 * hc.beta_max(X, y) / 2, loss)
    solution = hc.train(problem, tol=1e-9)
    nu = problem.residual(solution.network)
    violation = problem.affordable_violation(nu, tol)
    value = problem.dual_value(nu / (1 + violation))
    assert value == pytest.approx((1 - tol) * solution.objective, rel=1e-6 * tol + 1e-8)
    assert violation >= tol


# Rounds


@pytest.mark.parametrize("seed", range(4))
def test_badly_scaled_rows_do_not_make_it_creep(seed):
    """Large neurons cancel each other, and a proximal term made 13,000 steps out of some 20."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 2)) * 10 ** rng.uniform(-2, 2, (20, 1))
    y = rng.normal(size=20)
    problem = hc.TrainingProblem(X, y, 1e-6 * hc.beta_max(X, y))
    solution = hc.train(problem)
    assert len(solution.history) < 60
    assert solution.gap < 2e-5


def test_rounds_that_gain_nothing_that_counts_come_to_an_end(monkeypatch):
    """Any decrease, were it of the last digit, used to keep the rounds going."""
    monkeypatch.setattr(solvers.column_generation, "CREEPING", 5)
    original = RestrictedProgram.solve

    def a_hair_lower(self, neurons):
        solved = original(self, neurons)
        self.beta *= 1 - 1e-12
        return solved

    X, y = gaussian(30, 2)
    problem = hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y))
    monkeypatch.setattr(RestrictedProgram, "solve", a_hair_lower)
    solution = hc.train(problem, tol=1e-16)
    assert len(solution.history) < 60


def test_rounds_in_which_none_enters_come_to_an_end_as_well(monkeypatch):
    """Violators that had entered were found again for ever, P a hair lower each time."""
    monkeypatch.setattr(solvers.column_generation, "CREEPING", 5)
    X, y = gaussian(8, 2)
    problem = hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y))
    network, layer, rounds = hc.train(problem).network, HiddenLayer.of(problem, True), 0
    program = layer.program(problem)
    heads = np.sign(network.output_weights)
    directions = list(zip(network.hidden_weights @ layer.basis, heads, strict=True))

    def solve(neurons):
        """Lengths that come nearer to the optimal ones by a billionth."""
        nonlocal rounds
        rounds += 1
        assert rounds < 40
        share = 0.999 + 1e-9 * rounds
        return [replace(one, weights=share * one.weights) for one in original(neurons)]

    original, program.solve = program.solve, solve
    asked = Oracles(layer.search, layer.last, layer.scope), 1e-6, Budget(None), directions
    solution = solvers.column_generation.solve(program, *asked)
    assert 1e-6 < solution.gap < 1e-2 and not solution.out_of_time
    assert 5 < len(solution.history) < 15


def test_a_part_that_does_not_stand_for_the_whole_is_no_start(monkeypatch):
    """Three spikes that were all in the part took it two minutes, and the whole a second."""
    X, _ = gaussian(25_000, 3)
    part, trained = np.random.default_rng(0).permutation(len(X))[:2_500], []
    start = solvers.coarse_start

    def noting(*given):
        trained.append(start(*given))
        return trained[-1]

    monkeypatch.setattr(solvers, "coarse_start", noting)
    for y in (np.zeros(len(X)), np.ones(len(X))):
        y[part[:3]] = 2.0
        solution = hc.train(hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y)), tol=1e-3)
        assert solution.gap <= 1e-3 and len(solution.network) > 0
    assert trained[0] is None and len(trained[1].network) > 0


@pytest.mark.parametrize("tiny", ["X", "y"])
def test_a_part_whose_squares_vanish_is_no_start(tiny):
    """Data of which few samples are not minute were refused, as those of the part would be."""
    X, y = gaussian(6_000, 2)
    others = np.random.default_rng(0).permutation(len(X))[700:]
    data = {"X": X, "y": y}
    few = data[tiny][others[:9]]
    data[tiny] = 1e-80 * data[tiny]
    data[tiny][others[:9]] = few
    problem = hc.TrainingProblem(**data, beta=0.1 * hc.beta_max(**data))
    assert hc.train(problem, tol=1e-4).gap <= 1e-4


def test_a_round_asks_once_what_violation_it_affords(monkeypatch):
    """Rounds that prove asked twice, each time with two dual values."""
    asked, original = [], hc.TrainingProblem.affordable_violation

    def noting(self, nu, tol):
        asked.append(nu)
        return original(self, nu, tol)

    monkeypatch.setattr(hc.TrainingProblem, "affordable_violation", noting)
    X, y = gaussian(60, 3)
    solution = hc.train(hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y)))
    assert len(asked) == sum(step.neurons > 0 for step in solution.history) > 1


def test_no_proof_is_sharper_because_of_violators_that_have_entered():
    """Each round that only had to solve better made the next proof ten times as sharp."""
    X, y = gaussian(8, 2)
    problem = hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y))
    network, layer, asked = hc.train(problem).network, HiddenLayer.of(problem, True), []
    program = layer.program(problem)
    directions = zip(
        network.hidden_weights @ layer.basis, np.sign(network.output_weights), strict=True
    )

    def oracle(nu, tolerance, level, starts, stop):
        asked.append(tolerance)
        return layer.last(nu, tolerance, level, starts, stop)

    def solve(neurons):
        """Lengths that stay short of the optimal ones until the third round."""
        share = 0.99 if len(asked) < 3 else 1.0
        return [replace(one, weights=share * one.weights) for one in original(neurons)]

    original, program.solve = program.solve, solve
    run = Oracles(oracle, oracle, "global"), 1e-6, Budget(None), list(directions)
    assert solvers.column_generation.solve(program, *run).gap <= 1e-6
    assert len(asked) == 4
    assert min(asked) > 0.5 * max(asked)


# The budget


SPACE = hc.TrainingProblem(*gaussian(2_000, 4), 4.0)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1e-6, 0.3, 2.0])
def test_a_budget_ends_search_and_proof_with_a_valid_bound(seconds):
    hc.train(hc.TrainingProblem(*gaussian(30, 4), 1.0))  # compiles, if nothing has yet
    began = time.monotonic()
    solution = hc.train(SPACE, tol=1e-9, max_seconds=seconds)
    # Work between two looks at the clock: a pass over the data, or a second of the proof.
    assert time.monotonic() - began < seconds + 20
    assert solution.out_of_time and not solution.interrupted
    assert solution.scope == "global" and solution.gap > 1e-9
    assert solution.objective == SPACE.objective(solution.network)
    assert 0 < solution.lower_bound <= solution.objective


@pytest.mark.parametrize("options", [{}, {"loss": "logistic"}, {"intercept": True}, {"slope": 0.2}])
def test_neurons_to_start_from_lower_the_objective_from_the_zero_network(options):
    """One under the other sign would be dropped in the first solve, and start nothing."""
    X, y = gaussian(20, 3)
    y = np.sign(y) if options.get("loss") == "logistic" else y + 1.0
    problem = hc.TrainingProblem(X, y, 1e-3, **options)
    layer = HiddenLayer.of(problem, proof=True)
    program = layer.program(problem)
    neurons = drawn_start(program, layer)
    directions = np.array([direction for direction, _ in neurons])
    assert len(np.unique(directions, axis=0)) == len(neurons) > 0
    zero = program.objective([])
    for direction, sign in neurons:
        with_one = program.objective([program.along(1e-6 * direction, sign)])
        other = program.objective([program.along(1e-6 * direction, -sign)])
        assert with_one < min(zero, other)


def test_with_time_enough_a_budget_changes_nothing():
    X, y = gaussian(40, 3)
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    free, limited = hc.train(problem), hc.train(problem, max_seconds=600)
    assert free.objective == limited.objective and not limited.out_of_time
    assert limited.gap <= 1e-6


def test_the_proof_gets_what_is_left_of_the_budget(monkeypatch):
    """Not its own minute: a longer budget is for it too, and a shorter one ends it."""
    given, original = [], BranchAndBound.__call__

    def noting(self, *args, **named):
        given.append(self.max_seconds)
        return original(self, *args, **named)

    monkeypatch.setattr(BranchAndBound, "__call__", noting)
    X, y = gaussian(200, 3)  # more chambers than are listed
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    hc.train(problem, max_seconds=600)
    assert given and all(60 < seconds <= 600 for seconds in given)


def test_proofs_that_meet_violators_are_not_finished_and_the_last_one_is(monkeypatch):
    """Without random starts searches miss violators, which the centres of cells meet."""
    X, y = gaussian(200, 3)
    problem = hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y))
    calls, original = [], BranchAndBound.__call__

    def noting(self, nu, **asked):
        calls.append((asked["stop"], original(self, nu, **asked)))
        return calls[-1][1]

    monkeypatch.setattr(ascent, "drawn", lambda X, count, rng: np.zeros((0, X.shape[1])))
    monkeypatch.setattr(BranchAndBound, "__call__", noting)
    solution = hc.train(problem, tol=1e-3)
    assert any(found.value > stop > problem.beta for stop, found in calls)
    assert solution.gap <= 1e-3 and solution.scope == "global" and not solution.out_of_time
    assert calls[-1][1].bound <= 1.1 * problem.beta


def test_a_training_that_stalls_while_proofs_meet_violators_ends_with_a_whole_proof(monkeypatch):
    """One that stops at a violator leaves a bound that is far above it, for rounds to come."""
    X, y = gaussian(30, 3)
    problem = hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y))
    layer, calls = HiddenLayer.of(problem, True), []
    kind = solvers.column_generation.ColumnGeneration
    improve = kind._improve

    def nothing(nu, **asked):
        return DualMaximum(0.0, np.inf, np.zeros((0, 3)), np.zeros(0))

    def proof(nu, stop, **asked):
        """One whose bound is half more than the violator that it stops at."""
        found = layer.last(nu, **asked)
        found = replace(found, bound=1.5 * found.value) if found.value > stop else found
        calls.append((stop, found))
        return found

    def in_the_first_rounds(self, *given):
        if len(calls) < 3:
            improve(self, *given)

    monkeypatch.setattr(kind, "_improve", in_the_first_rounds)
    oracles = Oracles(nothing, proof, "global")
    given = layer.program(problem), oracles, 1e-6, Budget(None)
    solution = solvers.column_generation.solve(*given)
    *earlier, (stop, whole) = calls
    assert len(earlier) == 2 + solvers.column_generation.PATIENCE
    assert all(found.value > end > problem.beta for end, found in earlier)
    assert stop == np.inf and whole.bound < 1.01 * whole.value
    bounds = [step.lower_bound for step in solution.history]
    assert solution.lower_bound == bounds[-1] > bounds[-2]
    assert solution.gap > 1e-6 and not solution.out_of_time


def test_the_best_bound_of_all_rounds_is_kept_where_the_last_proof_has_no_time(monkeypatch):
    """The bound of another residual is one of the same optimum."""
    X, y = gaussian(200, 3)
    problem = hc.TrainingProblem(X, y, 0.05 * hc.beta_max(X, y))
    bounds, original = [], BranchAndBound.__call__

    def out_of_time(self, nu, **asked):
        found = original(self, nu, **asked)
        if bounds:
            found = replace(found, bound=1e3 * found.bound)
        bounds.append(problem.dual_bound(nu, found.bound))
        return found

    monkeypatch.setattr(ascent, "drawn", lambda X, count, rng: np.zeros((0, X.shape[1])))
    monkeypatch.setattr(BranchAndBound, "__call__", out_of_time)
    solution = hc.train(problem, tol=1e-3)
    assert len(bounds) > 1 and solution.out_of_time
    assert solution.lower_bound == max(bounds) == bounds[0] > 10 * bounds[-1]
    assert problem.dual_value(solution.dual_point) == pytest.approx(bounds[0], rel=1e-9)


def test_a_violator_that_is_there_already_does_not_end_a_training(monkeypatch):
    """None would enter, and the unfinished proof would pass for one that is out of time."""
    original = BranchAndBound.__call__

    def at_a_neuron(self, nu, tolerance, level, starts, stop):
        if stop == np.inf or len(starts) == 0:
            return original(self, nu, tolerance, level, starts)
        u = starts[:1] / np.linalg.norm(starts[0])
        value = 1.01 * stop * np.sign(nu @ np.maximum(self.X @ u[0], 0))
        return DualMaximum(abs(value), np.inf, u, np.array([value]))

    monkeypatch.setattr(BranchAndBound, "__call__", at_a_neuron)
    X, y = gaussian(200, 3)
    solution = hc.train(hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y)), tol=1e-3)
    assert solution.gap <= 1e-3 and not solution.out_of_time


def test_a_path_shares_its_budget():
    path = hc.train_path(SPACE, [2.0, 4.0, 8.0], tol=1e-9, max_seconds=0.5)
    assert all(one.out_of_time and 0 < one.lower_bound <= one.objective for one in path)


def test_a_certificate_keeps_to_a_budget():
    solution = hc.train(SPACE, proof=False, tol=1e-3)
    certificate = hc.certify(solution.network, SPACE, rounds=5, max_seconds=1e-6)
    assert 0 < certificate.lower_bound <= certificate.objective


@pytest.mark.parametrize("outputs", [1, 3])
def test_over_given_patterns_too(outputs):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(100, 8)), rng.normal(size=(100, outputs))
    problem = hc.TrainingProblem(X, Y if outputs > 1 else Y[:, 0], 0.1)
    cut = hc.train(problem, patterns=30, tol=1e-9, max_seconds=1e-6)
    assert cut.out_of_time and cut.scope == "sampled" and cut.lower_bound <= cut.objective
    assert cut.objective == problem.objective(cut.network)
    assert not hc.train(problem, patterns=5, tol=1e-1, max_seconds=600).out_of_time


@pytest.mark.slow
def test_the_bar_tells_the_time_that_is_left(monkeypatch, capsys):
    monkeypatch.setattr("hidden_convexity.foundations.progress.DELAY", 0.0)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setenv("TQDM_MININTERVAL", "0")
    hc.train(SPACE, max_seconds=1.0, progress=True)
    assert "s left" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", [0, -1.0, np.nan, "1"])
def test_a_budget_is_positive(seconds):
    problem = hc.TrainingProblem([[1.0, 0.0]], [1.0], 0.1)
    for call in (
        lambda: hc.train(problem, max_seconds=seconds),
        lambda: hc.train_path(problem, [0.1], max_seconds=seconds),
        lambda: hc.certify(hc.ReLUNetwork([[1.0, 0.0]], [1.0]), problem, max_seconds=seconds),
    ):
        with pytest.raises((TypeError, ValueError), match="max_seconds"):
            call()


def test_the_reference_keeps_to_no_budget_and_says_so():
    problem = hc.TrainingProblem([[1.0, 0.0]], [1.0], 0.1)
    with pytest.raises(ValueError, match="max_seconds"):
        hc.train(problem, solver="cvxpy", max_seconds=1.0)


@pytest.mark.parametrize(("earlier", "kept"), [(np.inf, 3.0), (2.5, 2.5), (2.0, 2.0), (1.9, 3.0)])
def test_of_two_proofs_at_one_residual_the_lower_bound_is_kept(earlier, kept):
    """A whole proof was thrown away for a second one that ran out of time."""
    found = DualMaximum(2.0, 3.0, np.eye(3)[:1], np.array([2.0]))
    assert _with_bound(found, earlier).bound == kept
