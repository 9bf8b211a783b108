"""What is out of reach says what to do instead, and the function that was called takes it.

Rows of the table advised `patterns=`, which their `train` does not have; training of the hinge loss
advised it as well, and refused it afterwards.
"""

import inspect
import pickle
import re

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity import equivalences
from hidden_convexity.estimators import ConvexReLUClassifier, ConvexReLURegressor
from hidden_convexity.foundations.reach import OutOfReach
from hidden_convexity.landscape.optimal_set import optimal_set
from hidden_convexity.oracle import proving_oracle

RNG = np.random.default_rng(0)
# Of too high a rank for a proof, and with too many chambers for a list.
X, PLANE = RNG.normal(size=(30, 12)), RNG.normal(size=(8, 2))
LONG, SIGNALS = RNG.normal(size=(30, 20)), RNG.normal(size=(30, 16))
Y, CLASSES = RNG.normal(size=(30, 2)), np.where(np.arange(30) < 15, -1.0, 1.0)
GATES = hc.Arrangement.sample(X, 5, rng=0)
ROWS = equivalences.rows()


def problem(X=X, y=Y[:, 0], beta=5.0, **kind):
    return hc.TrainingProblem(X, y, beta, **kind)


def network(problem):
    return hc.ReLUNetwork(0.1 * problem.X[:1], [1.0])


def fit(estimator, y):
    def fit(scope):
        return estimator(0.5, scope=scope, gates=5, tol=0.5).fit(X, y)

    return fit


COARSE = {"tol": 0.5, "max_seconds": 5.0}
# Calls that are out of reach: function, arguments, and the arguments that lead on.
CALLS = {
    "train": (hc.train, {"problem": problem(), **COARSE}, "proof patterns X"),
    "train, leaky": (hc.train, {"problem": problem(slope=0.2), **COARSE}, "proof X"),
    "train, patches": (hc.train, {"problem": problem(X[:, None]), **COARSE}, "proof X"),
    "train, hinge": (
        hc.train,
        {"problem": problem(y=CLASSES, loss="hinge"), **COARSE},
        "proof X",
    ),
    "train, hinge, high rank": (
        hc.train,
        {"problem": problem(LONG, CLASSES, loss="hinge"), **COARSE},
        "X",
    ),
    "train, two outputs": (hc.train, {"problem": problem(y=Y), **COARSE}, "proof patterns X"),
    "train, two outputs and a constant": (
        hc.train,
        {"problem": problem(y=Y, intercept=True), **COARSE},
        "proof X",
    ),
    "train by CVXPY": (hc.train, {"problem": problem(), "solver": "cvxpy"}, "solver patterns X"),
    "train_path": (
        hc.train_path,
        {"problem": problem(), "betas": [5.0], **COARSE},
        "proof patterns X",
    ),
    "certify": (hc.certify, {"network": network(problem()), "problem": problem()}, "proof X"),
    "beta_max": (hc.beta_max, {"X": X, "y": Y[:, 0]}, "found X"),
    "beta_max, two outputs": (hc.beta_max, {"X": X, "y": Y}, "found X"),
    "regressor": (fit(ConvexReLURegressor, Y[:, 0]), {"scope": "global"}, "scope X"),
    "classifier": (fit(ConvexReLUClassifier, CLASSES), {"scope": "global"}, "scope X"),
    "oracle": (proving_oracle, {"X": X}, "search X"),
    "enumerate": (
        hc.Arrangement.enumerate,
        {"X": PLANE, "max_chambers": 3},
        "sample max_chambers X",
    ),
    "Zonotope": (hc.Zonotope, {"X": PLANE, "max_chambers": 3}, "max_chambers X"),
    "optimal_set": (
        optimal_set,
        {"problem": problem(PLANE, PLANE[:, 0] ** 2, 0.1), "max_chambers": 3},
        "max_chambers X",
    ),
    "relu, CVXPY": (ROWS["relu"].convex_program, {"X": X, "y": Y[:, 0], "beta": 1.0}, "train X"),
}
# The others search, or prove by what has no rank.
BY_ORACLE = "relu leaky_relu absolute_value skip_connection batch_normalisation minimum_norm"
for name in [*BY_ORACLE.split(), "relu_vector"]:
    y = Y if name == "relu_vector" else Y[:, 0]
    CALLS[f"row {name}"] = ROWS[name].train, {"X": X, "y": y, "beta": 5.0, **COARSE}, "proof X"
CALLS["row average_pooling"] = (
    ROWS["average_pooling"].train,
    {"X": SIGNALS, "y": Y[:, 0], "beta": 5.0, "length": 12, **COARSE},
    "proof length",
)
# What the messages say to pass, which must be taken.
ADVISED = {"proof": False, "patterns": GATES, "solver": None, "max_chambers": 100, "length": 3}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_errors_advise_only_what_the_function_called_takes(name):
    function, given, ways = CALLS[name]
    if function is optimal_set:
        given = given | {"solution": hc.train(given["problem"])}
    with pytest.raises(OutOfReach) as caught:
        function(**given)
    error, message = caught.value, str(caught.value)
    assert set(error.ways) == set(ways.split())
    assert all(way in message for way in error.ways.values())
    assert set(re.findall(r"(\w+)=", message)) <= set(inspect.signature(function).parameters)
    for argument in error.ways.keys() & ADVISED.keys():
        instead = given | {argument: ADVISED[argument]}
        if argument in ("patterns", "solver") and "solver" in given:
            instead |= {"solver": None, "patterns": GATES}
        function(**instead)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == message and again.ways == error.ways


@pytest.mark.parametrize("y", [Y[:, 0], Y])
def test_a_weight_decay_out_of_reach_is_bounded_by_search(y):
    with pytest.raises(OutOfReach) as caught:
        hc.beta_max(X, y)
    least = float(re.search(r"lower bound (\S+) on it", str(caught.value)).group(1))
    some = hc.train(hc.TrainingProblem(X, y, 0.9 * least), proof=False, tol=1e-2)
    assert len(some.network) > 0
    none = hc.train(hc.TrainingProblem(X, y, 1.1 * least), proof=False, tol=1e-2)
    assert len(none.network) == 0
