"""The hinge loss: training, certificates and what goes with it, against CVXPY and exact judges."""

import judge
import numpy as np
import pytest
import trouble

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.solvers.fixed_gates.gated import train_gated

Hinge = LOSSES["hinge"]()


def labelled(n, d, share=0.1, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, d - 1)), np.ones(n)])
    y = np.where(np.sin(2 * X[:, 0]) + noise * rng.normal(size=n) > 0, 1.0, -1.0)
    return hc.TrainingProblem(X, y, share * hc.beta_max(X, y, "hinge"), "hinge")


def test_outside_the_box_the_dual_value_is_minus_infinity():
    y = np.array([1.0, -1.0])
    assert Hinge.dual_value(y, np.array([1.0, -0.5])) == pytest.approx(1.5)
    for nu in ([1.1, -0.5], [-0.1, -0.5]):
        assert Hinge.dual_value(y, np.array(nu)) == -np.inf
    assert Hinge.best_scale(y, np.array([-0.1, -0.5])) == 0.0
    assert Hinge.best_scale(y, np.array([0.0, -0.5])) == 2.0
    assert Hinge.affordable_scale(y, np.array([1.0, -1.0]), 0.5) == pytest.approx(0.75)


def test_neurons_without_weight_hold_the_dual_point():
    """Multipliers are not unique: forgotten, neurons without weight were found again and again.

    Training ended at gaps of 0.01 to 0.2 after rounds in which nothing gained.
    """
    for n, share in ((300, 0.1), (1_000, 0.03)):
        solution = hc.train(labelled(n, 3, share), tol=1e-6)
        assert solution.gap <= 1e-6 and len(solution.history) < 40


@pytest.mark.parametrize("d", [1, 2, 3])
def test_above_beta_max_no_neuron_is_worth_its_cost(d):
    problem = labelled(20, d, share=1.0)
    for share, none in ((1.01, True), (0.9, False)):
        beta = share * problem.beta
        solution = hc.train(hc.TrainingProblem(problem.X, problem.y, beta, "hinge"))
        assert (len(solution.network) == 0) == none
        assert solution.gap <= 1e-6


@pytest.mark.parametrize(("n", "d"), [(12, 2), (10, 3), (8, 4)])
@pytest.mark.parametrize("share", [0.3, 0.03])
def test_training_reaches_the_optimum_of_the_full_program(n, d, share):
    problem = labelled(n, d, share)
    ours, theirs = hc.train(problem, tol=1e-7), hc.train(problem, solver="cvxpy")
    assert ours.scope == "global" and ours.gap <= 1e-7
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert theirs.gap < 1e-4 and theirs.lower_bound <= ours.objective * (1 + 1e-9)


def test_a_thousand_samples_are_proven():
    solution = hc.train(labelled(1_000, 3, 0.1), tol=1e-4)
    assert solution.scope == "global" and solution.gap <= 1e-4


@pytest.mark.parametrize("kind", [{"slope": -1.0}, {"slope": 0.2}])
@pytest.mark.parametrize("patches", [0, 3])
def test_other_slopes_and_patches_are_proven_too(kind, patches):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(25, patches, 2) if patches else (25, 2))
    y = np.sign(X.reshape(25, -1)[:, 0] + 0.3 * rng.normal(size=25))
    beta = 0.1 * hc.beta_max(X, y, "hinge", **kind)
    problem = hc.TrainingProblem(X, y, beta, "hinge", **kind)
    solution = hc.train(problem, tol=1e-6)
    assert solution.scope == "global" and solution.gap <= 1e-6
    assert solution.objective == pytest.approx(problem.objective(solution.network), rel=1e-12)


def test_a_certificate_is_below_every_network_and_tight_at_a_trained_one():
    """The subgradient at the outputs is a poor dual point: samples of margin 1 may have any."""
    problem = labelled(40, 2)
    solution = hc.train(problem, tol=1e-8)
    rng = np.random.default_rng(0)
    networks = [
        solution.network,
        hc.ReLUNetwork(rng.normal(size=(5, 2)), rng.normal(size=5)),
        hc.ReLUNetwork(1.01 * solution.network.hidden_weights, solution.network.output_weights),
    ]
    for network in networks:
        for rounds in (0, 1, 3):
            certificate = hc.certify(network, problem, rounds=rounds)
            assert certificate.lower_bound <= solution.objective * (1 + 1e-12)
            assert certificate.objective == problem.objective(network)
    assert hc.certify(solution.network, problem, rounds=3).gap <= 1e-6


def test_separable_labels_have_a_loss_of_nothing_at_little_weight_decay():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(20, 1)), np.ones(20)])
    problem = hc.TrainingProblem(X, np.sign(X[:, 0]), 1e-6, "hinge")
    solution = hc.train(problem)
    margins = problem.y * solution.network(X)
    assert solution.gap <= 1e-6 and margins.min() >= 1 - 1e-6
    assert problem.loss_value(solution.network(X)) <= 1e-6 * 20


@pytest.mark.parametrize("d", [2, 3])
def test_a_file_is_proven_by_the_checker_and_read_back(d, tmp_path):
    problem, path = labelled(20, d), tmp_path / "hinge.npz"
    solution = hc.train(problem)
    solution.save(path, tol=1e-4)
    assert verify.verify(path).startswith("Proven")
    loaded = hc.load(path)
    assert loaded.problem.loss == "hinge" and loaded.gap <= 1e-4
    content = dict(np.load(path))
    nu = content["nu"].copy()
    nu[np.abs(nu).argmax()] *= -1
    np.savez(path, **(content | {"nu": nu}))
    with pytest.raises(verify.Refused, match="between 0 and the sample's weight"):
        verify.verify(path)


def test_a_file_that_claims_free_terms_is_refused(tmp_path):
    problem, path = labelled(12, 2), tmp_path / "hinge.npz"
    hc.train(problem).save(path)
    content = dict(np.load(path))
    free = np.zeros((3, 1))
    free[2] = 1.0
    known = {"slope": np.array(0.0), "skip": np.zeros(2), "intercept": np.array(0.0)}
    known |= {"free": free, "version": np.array(2)}
    np.savez(path, **(content | known))
    with pytest.raises(verify.Refused, match="hinge"):
        verify.verify(path)


@pytest.mark.parametrize("kind", trouble.KINDS)
def test_in_the_plane_no_search_ends_below_a_global_bound(kind):
    made = trouble.case(900, kind, (2, 2), most_rows=5, losses=("hinge",), weighted=True)
    rest = {"sample_weight": made.sample_weight}
    beta = 0.1 * hc.beta_max(made.X, made.y, "hinge", **rest) or 1.0
    assert judge.judge_training(made.X, made.y, beta, "hinge", **rest).complaints == []


def test_most_entries_of_a_dual_point_are_at_an_end_of_their_range():
    """Which is why it can't be moved to where free terms want it, as the logistic loss' can."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(60, 2))
        y = np.where(np.sin(3 * X[:, 0]) + 0.5 * rng.normal(size=60) > 0, 1.0, -1.0)
        problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y, "hinge"), "hinge")
        share = y * hc.train(problem).dual_point
        assert (np.minimum(share, 1 - share) <= 1e-5).mean() > 0.5


def test_what_the_hinge_loss_does_not_go_with_says_so():
    problem = labelled(20, 2)
    X, y = problem.X, problem.y
    for kind in ({"skip": True}, {"intercept": True}):
        with pytest.raises(ValueError, match="no bound with skip or intercept") as told:
            hc.TrainingProblem(X, y, 1.0, "hinge", **kind)
        assert "most of its entries are at an end of their range" in str(told.value)
    with pytest.raises(ValueError, match="labels -1 and 1 for the hinge loss"):
        hc.TrainingProblem(X, np.column_stack([y, y]), 1.0, "hinge")
    with pytest.raises(ValueError, match='patterns must be "all" for the hinge loss') as told:
        hc.train(problem, patterns=5)
    assert 'solver="cvxpy"' in str(told.value)
    instead = hc.train(problem, patterns=5, solver="cvxpy")
    assert instead.scope == "sampled" and instead.gap <= 1e-6
    assert instead.objective >= hc.train(problem).lower_bound
    wide = np.random.default_rng(0).normal(size=(30, 20))
    many = hc.TrainingProblem(wide, np.sign(wide[:, 0]), 1.0, "hinge")
    with pytest.raises(ValueError, match="need a loss with a gradient"):
        hc.train(many, proof=False)
    with pytest.raises(ValueError, match="must have a gradient for gated networks"):
        train_gated(X, y, np.eye(2), 1.0, loss="hinge")
    with pytest.raises(ValueError, match="loss with a gradient"):
        hc.landscape.subsampled_optimum(hc.train(problem).network, problem)
