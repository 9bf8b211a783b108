"""Data with nothing in them, or one thing: no warning, no crash, and the answer they leave."""

import numpy as np
import pytest
import trouble

import hidden_convexity as hc
from hidden_convexity import landscape
from hidden_convexity.solvers.fixed_gates.gated import train_gated

pytestmark = pytest.mark.filterwarnings("error")

RNG = np.random.default_rng(0)
DATA = {
    "generic in the plane": RNG.normal(size=(6, 2)),
    "generic in space": RNG.normal(size=(6, 3)),
    "zeros": np.zeros((4, 2)),
    "zero rows": np.vstack([np.zeros((2, 3)), RNG.normal(size=(4, 3))]),
    "one sample": RNG.normal(size=(1, 3)),
    "one number": np.ones((1, 1)),
    "equal rows": np.tile([1.0, 2.0, 3.0], (5, 1)),
    "opposite rows": np.array([[1.0, 1.0], [-1.0, -1.0], [2.0, 2.0]]),
    "one column": RNG.normal(size=(5, 1)),
}


def trainers(X):
    some = hc.Arrangement.sample(X, 5)
    return {
        "exact": hc.train,
        "searched": lambda problem: hc.train(problem, proof=False),
        "patterns": lambda problem: hc.train(problem, patterns=some),
        "cvxpy": lambda problem: hc.train(problem, solver="cvxpy"),
        "path": lambda problem: hc.train_path(problem, [problem.beta])[0],
        "gated": lambda problem: train_gated(problem.X, problem.y, some, problem.beta),
    }


@pytest.mark.parametrize("kind", DATA)
def test_targets_of_zero_need_no_network(kind):
    """||y|| = 0 was divided by."""
    X, rng = DATA[kind], np.random.default_rng(1)
    problem = hc.TrainingProblem(X, np.zeros(len(X)), 0.1)
    for train in trainers(X).values():
        solution = train(problem)
        assert solution.objective == solution.lower_bound == solution.gap == 0.0
    network = hc.ReLUNetwork(rng.normal(size=(3, X.shape[1])), rng.normal(size=3))
    certificate = hc.certify(network, problem)
    assert certificate.lower_bound == 0.0 < certificate.objective
    assert problem.objective(landscape.subsampled_optimum(network, problem)) == 0.0
    assert hc.beta_max(X, problem.y) == 0.0


@pytest.mark.parametrize("kind", DATA)
def test_all_trainers_agree_on_targets_of_one(kind):
    X, rng = DATA[kind], np.random.default_rng(1)
    problem = hc.TrainingProblem(X, np.ones(len(X)), 0.1)
    solutions = {name: train(problem) for name, train in trainers(X).items()}
    assert all(solution.gap <= 1e-4 for solution in solutions.values())
    optimum = solutions["exact"].objective
    for name in ("searched", "cvxpy", "path"):
        assert solutions[name].objective == pytest.approx(optimum, rel=1e-5)
    network = hc.ReLUNetwork(rng.normal(size=(3, X.shape[1])), rng.normal(size=3))
    assert hc.certify(network, problem).lower_bound <= optimum * (1 + 1e-9)
    below = problem.objective(landscape.subsampled_optimum(network, problem))
    assert below <= problem.objective(network)


@pytest.mark.parametrize(("kind", "seed"), [("underflowing", 17), ("rows_far_apart", 189)])
def test_no_wall_and_no_solution_is_infinite(kind, seed):
    """A row of 1e-170 was a wall of length 1/0; a program that diverged, to 1e155, counted."""
    made = trouble.case(seed, kind, (2, 5), losses=("squared", "logistic"))
    most = hc.beta_max(made.X, made.y)
    problem = hc.TrainingProblem(made.X, made.y, made.share * most)
    solution = hc.train(problem, max_seconds=5.0)
    assert np.isfinite(solution.network.hidden_weights).all()
    assert solution.objective <= problem.objective(hc.ReLUNetwork(problem.X[:0], []))
