"""Files that nobody's training wrote, made to be accepted although what they say is false."""

import numpy as np
import pytest
from tampering import refused

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.oracle.circle import Circle
from hidden_convexity.problem.duality import Feasible


def forged(tmp_path, X, y, **changes):
    """A file of version 1 with the zero network and a proof without cells, and with changes."""
    d = X.shape[1]
    content = {
        "version": 1,
        "scope": "global",
        "loss": "squared",
        "beta": 1e-3,
        "X": X,
        "y": y,
        "sha256": verify.digest(X, y),
        "nu": y,
        "hidden_weights": np.zeros((0, d)),
        "output_weights": np.zeros(0),
        "objective": 0.5 * float(y @ y),
        "lower_bound": 0.5 * float(y @ y) * (1 - 1e-12),
        "basis": np.zeros((d, 2)),
        "splits": np.zeros(0, np.uint8),
    }
    path = tmp_path / "forged.npz"
    np.savez(path, **(content | changes))
    return path


def data(n=6, d=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.normal(size=n)


WITHOUT_A_CASE = {
    "lines": np.arange(6, dtype=np.uint32),
    "codes": np.array([-1]),
    "cases": np.zeros(0, np.int64),
    "rows": np.zeros(0, np.int64),
    "multipliers": np.zeros(0),
}


def test_only_the_version_that_says_so_chooses_its_proof(tmp_path):
    """A file of version 1 was read as by cones, and proven by the cases that it named, unchecked:
    one of code -1 was neither bounded nor split, and any dual point was proven."""
    X, y = data()
    for version in (1, 2):
        for keys in ({"proof": "cases"}, {"network": "one output"}):
            path = forged(tmp_path, X, y, version=version, **keys, **WITHOUT_A_CASE)
            assert refused(path) == "version"
    assert refused(forged(tmp_path, X, y, slope=np.array(0.5))) == "version"
    assert refused(forged(tmp_path, X, y, free=np.zeros((4, 0)))) == "version"


def test_no_case_is_left_out_by_a_code_of_another_type(tmp_path):
    X, y = data()
    named = {"version": 3, "network": "one output", "proof": "cases"} | WITHOUT_A_CASE
    others = {"slope": 0.0, "skip": np.zeros(3), "intercept": 0.0, "free": np.zeros((4, 0))}
    changes = {name: np.asarray(array) for name, array in (named | others).items()}
    assert refused(forged(tmp_path, X, y, **changes)) == "codes"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("X", {"X": np.diag([2.0**664, 1.0])}),
        ("y", {"y": 1e-80 * np.ones(2)}),
        ("beta", {"beta": 1e-160}),
        ("slope", {"slope": -1e300}),
        ("slope", {"slope": 1.0}),
        ("sample_weight", {"sample_weight": np.array([1.0, 2.0**-1072])}),
    ],
)
def test_numbers_of_which_products_vanish_are_refused(name, changes, tmp_path):
    """What is charged for rounding is not all of it there, and a false bound was accepted."""
    X, y = changes.get("X", np.eye(2)), changes.get("y", np.ones(2))
    d = X.shape[1]
    named = {"version": 3, "network": "one output", "proof": "cones", "basis": np.eye(d, 2)}
    others = {"slope": 0.0, "skip": np.zeros(d), "intercept": 0.0, "free": np.zeros((d + 1, 0))}
    kept = {key: value for key, value in changes.items() if key not in ("X", "y")}
    content = {key: np.asarray(value) for key, value in (named | others | kept).items()}
    assert refused(forged(tmp_path, X, y, **content)) == name


def test_products_with_a_free_column_may_vanish(tmp_path):
    """A column of 2^-700 was orthogonal to a dual point of that size, as far as products tell."""
    small = 2.0**-700
    X, y = np.column_stack([np.full(4, small), np.arange(4.0)]), np.ones(4)
    path = forged(
        tmp_path,
        X,
        y,
        version=2,
        beta=1.0,
        nu=np.full(4, small),
        slope=np.array(0.0),
        skip=np.zeros(2),
        intercept=np.array(0.0),
        free=np.array([[2.0**699], [0.0], [0.0]]),
        basis=np.eye(2),
        objective=2.0,
        lower_bound=4 * small * (1 - 1e-13),
    )
    assert refused(path) == "lower_bound"


# The library's own bounds from dual points of any size


def test_a_dual_point_of_which_all_products_vanish_proves_little():
    X, y = np.array([[1e-165, 0.0], [0.0, 1.0]]), np.array([1e75, 0.0])
    problem = hc.TrainingProblem(X, y, 1e-150)
    nu = np.array([1e-160, 0.0])
    found = Circle(X)(nu).bound
    # A network of one neuron that fits the first sample costs this.
    assert problem.dual_bound(nu, found) <= 1e-150 * 1e75 / 1e-165
    assert Feasible.of(problem, nu, 0.0).scale < np.inf


def test_a_free_column_of_which_all_products_vanish_is_not_orthogonal():
    small = 2.0**-600
    X = np.column_stack([np.full(4, small), [1.0, -1.0, 1.0, -1.0]])
    problem = hc.TrainingProblem(X, np.ones(4), 10.0, skip=True)
    # The free column fits the targets: nothing is left to pay for.
    for size in (1.0, 2.0**-500):
        assert problem.dual_bound(np.full(4, size), 4 * size) <= 1e-6
