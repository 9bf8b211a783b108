"""The scikit-learn estimators with their defaults beside scikit-learn's own networks with theirs.

    python -m benchmarks.estimators

prints a table and writes results-estimators.json. Counted are processor seconds, in one process and
on one thread, of a fit after a first one of few samples, which reads or compiles what is compiled.
Scores are of held-out samples, means over splits: accuracy of digits, R^2 of diabetes. What is
cross-validated is timed only: its folds are splits of its own.
"""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks import results
from benchmarks.run import OWN
from hidden_convexity.estimators import (
    ConvexReLUClassifier,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
)

STORE = Path(__file__).with_name("results-estimators.json")
# Splits of digits, each with a quarter held out, and folds of diabetes.
SPLITS, FOLDS = 5, 5
# Weight decays that cross-validation chooses from.
BETAS = np.geomspace(1.0, 1e-3, 20)
# Samples of a first fit.
FEW = 60


@dataclass(frozen=True)
class Table:
    """A data set, whose fits on `timed` are counted and whose scores are of `splits`.

    Parameters
    ----------
    X, y : ndarray
    timed : ndarray of int
    splits : list of (fitted, judged) ndarrays of int
    models : dict of str to estimator
    """

    X: np.ndarray
    y: np.ndarray
    timed: np.ndarray
    splits: list
    models: dict

    def measured(self, model):
        """Seconds, the score, and what the estimator says of its fit."""
        clone(model).fit(self.X[:FEW], self.y[:FEW])
        began = process_time()
        fitted = clone(model).fit(self.X[self.timed], self.y[self.timed])
        row = {"seconds": process_time() - began, "samples": len(self.timed)}
        if not hasattr(model, "cv"):
            scores = [
                clone(model).fit(self.X[fit], self.y[fit]).score(self.X[held], self.y[held])
                for fit, held in self.splits
            ]
            row["score"] = float(np.mean(scores))
        said = ("formulation_", "scope_", "gap_", "beta_")
        return row | {name: getattr(fitted, name) for name in said if hasattr(fitted, name)}


def digits():
    X, y = load_digits(return_X_y=True)
    splits = [train_test_split(np.arange(len(y)), random_state=seed) for seed in range(SPLITS)]
    models = {
        "ConvexReLUClassifier": ConvexReLUClassifier(),
        "MLPClassifier": MLPClassifier(random_state=0),
    }
    return Table(X, y, splits[0][0], splits, models)


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    splits = list(KFold(FOLDS, shuffle=True, random_state=0).split(X))
    models = {
        "ConvexReLURegressor": ConvexReLURegressor(),
        "MLPRegressor": MLPRegressor(random_state=0),
        f"ConvexReLURegressorCV, {len(BETAS)} betas": ConvexReLURegressorCV(BETAS),
    }
    return Table(X, y, np.arange(len(y)), splits, models)


def lines(cases):
    """One line for each model of each data set."""
    yield f"{'':10}{'':34}{'seconds':>9}{'score':>8}  {'gap':>8}  what is proven"
    for name, models in cases.items():
        for model, row in models.items():
            score = f"{row['score']:8.3f}" if "score" in row else f"{'':8}"
            gap = f"{row['gap_']:8.1e}" if "gap_" in row else f"{'':8}"
            proven = f"{row['formulation_']}, {row['scope_']}" if "scope_" in row else "nothing"
            yield f"{name:10}{model:34}{row['seconds']:9.2f}{score}  {gap}  {proven}"


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)  # of scikit-learn's networks
    cases = {}
    for name, table in (("digits", digits()), ("diabetes", diabetes())):
        cases[name] = {model: table.measured(one) for model, one in table.models.items()}
    print("\n".join(lines(cases)))
    results.write(STORE, results.environment(1, None, OWN), json.loads(json.dumps(cases)))


if __name__ == "__main__":
    main()
