"""Predictors that are not networks, each with the grid that validation chooses from.

Every candidate is fitted to the training part, judged on the validation part, and the best one is
kept. `network` in `prediction.py` is chosen in the same way.
"""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

NEIGHBOURS = (1, 2, 4, 8, 16, 32, 64)
# Of a Gaussian kernel in standardised inputs, in units of one over their number.
GAMMAS = (0.1, 0.3, 1.0, 3.0, 10.0)
LEAVES, ROUNDS = (4, 8, 16, 32), (50, 200)
ROUGHNESS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
CHARGES = (0.1, 1.0, 10.0, 100.0)


def scaled(model):
    return make_pipeline(StandardScaler(), model)


def regressors(d):
    """All candidates for d inputs, by method: estimators to fit to X (n, d) and y (n,)."""
    return {
        "linear": [scaled(Ridge(alpha=alpha)) for alpha in (1e-6, 1e-2, 1.0, 10.0, 100.0)],
        "kernel ridge": [
            scaled(KernelRidge(alpha=alpha, kernel="rbf", gamma=gamma / d))
            for alpha in ROUGHNESS
            for gamma in GAMMAS
        ],
        "SVM": [
            scaled(SVR(C=charge, gamma=gamma / d, epsilon=0.02))
            for charge in CHARGES
            for gamma in GAMMAS
        ],
        "boosting": [
            HistGradientBoostingRegressor(
                max_iter=rounds, max_leaf_nodes=leaves, learning_rate=0.1, random_state=0
            )
            for leaves in LEAVES
            for rounds in ROUNDS
        ],
        "neighbours": [
            scaled(KNeighborsRegressor(count, weights="distance")) for count in NEIGHBOURS
        ],
    }


def chosen(candidates, train, validation, error):
    """The candidate of least error on the validation part, fitted to the training part, and it."""
    fitted = [one.fit(*train) for one in candidates]
    errors = [error(one.predict(validation[0]), validation[1]) for one in fitted]
    best = int(np.argmin(errors))
    return fitted[best], float(errors[best])
