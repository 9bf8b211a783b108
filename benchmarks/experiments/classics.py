"""Predictors that are not networks, each with the grid that validation chooses from.

Every candidate is fitted to the training part, judged on the validation part, and the best one is
kept. Grids grow (`choice.py`).
"""

from functools import cache
from itertools import islice

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from benchmarks.experiments.choice import TENS, Ladder, choose, decades

# One neighbour is the fewest, and two leaves are; thirty-two are all that 600 samples fill.
FEW_NEIGHBOURS = Ladder((1, 2, 4, 8, 16, 32, 64, 128), low=1, high=64, natural=(1,))
FEW_LEAVES = Ladder((2, 4, 8, 16, 32), low=4, high=16)
MORE_ROUNDS = Ladder((12, 50, 200, 800), low=50, high=200)
# Of a Gaussian kernel in standardised inputs, in units of one over their number.
KERNEL_WIDTHS = Ladder(decades(-6, 3), low=0.1, high=3.0)


def scaled(model):
    return make_pipeline(StandardScaler(), model)


class BoostedTrees:
    """The first rounds of a forest that has all that were asked for, and goes on if it must.

    So that is to be fitted to one training part only.
    """

    def __init__(self, forest, rounds):
        self.forest, self.rounds = forest, rounds

    def fit(self, X, y):
        if self.rounds > self.forest.max_iter:
            self.forest.set_params(max_iter=self.rounds).fit(X, y)
        return self

    def predict(self, X):
        return next(islice(self.forest.staged_predict(X), self.rounds - 1, None))


def forests(kind, **options):
    """What makes boosted trees of so many rounds and leaves, to fit to one training part."""

    @cache
    def forest(leaves):
        return kind(max_leaf_nodes=leaves, random_state=0, warm_start=True, max_iter=0, **options)

    return lambda rounds, leaves: BoostedTrees(forest(leaves), rounds)


def regressors(d):
    """What makes an estimator for d inputs, to fit to one X (n, d) and y (n,), and the ladders."""

    def linear(alpha):
        return scaled(Ridge(alpha=alpha))

    def kernel_ridge(alpha, gamma):
        return scaled(KernelRidge(alpha=alpha, kernel="rbf", gamma=gamma / d))

    def support_vectors(charge, gamma):
        return scaled(SVR(C=charge, gamma=gamma / d, epsilon=0.02))

    def neighbours(k):
        return scaled(KNeighborsRegressor(k, weights="distance"))

    return {
        "linear": (linear, {"alpha": Ladder(decades(-6, 4, TENS), low=1e-2, high=100.0)}),
        "kernel ridge": (
            kernel_ridge,
            {"alpha": Ladder(decades(-12, 3, TENS), low=1e-4, high=0.1), "gamma": KERNEL_WIDTHS},
        ),
        "SVM": (
            support_vectors,
            {"charge": Ladder(decades(-2, 4, TENS), low=1.0, high=100.0), "gamma": KERNEL_WIDTHS},
        ),
        "boosting": (
            forests(HistGradientBoostingRegressor, learning_rate=0.1),
            {"rounds": MORE_ROUNDS, "leaves": FEW_LEAVES},
        ),
        "neighbours": (neighbours, {"k": FEW_NEIGHBOURS}),
    }


def tuned(make, ladders, train, loss):
    """The estimator of least `loss`, which takes a fitted one, and the `Choice` of its parameters.

    `make` takes values by the names of `ladders` and returns an estimator, not yet fitted.
    """

    def errors_at(points):
        return [loss(make(**point).fit(*train)) for point in points]

    choice = choose(errors_at, ladders)
    return make(**choice.values).fit(*train), choice
