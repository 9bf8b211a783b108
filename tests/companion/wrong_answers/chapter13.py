"""Answers to the exercises of notebook 13 that are wrong, and words of the verdict on each."""

import numpy as np

import hidden_convexity as hc
from hidden_convexity.companion import datasets
from hidden_convexity.estimators import ConvexReLURegressor


def linear_error(values, order, horizon, *, shuffled=False, bias=True, by="test", share=0.7):
    X, y = datasets.windows(values, order, horizon)
    if shuffled:
        mixed = np.random.default_rng(0).permutation(len(y))
        X, y = X[mixed], y[mixed]
    X, X_test, y, y_test = datasets.split_in_time(datasets.with_bias(X) if bias else X, y, share)
    weights = np.linalg.lstsq(X, y, rcond=None)[0]
    variance = {"test": np.var(y_test), "training": np.var(y), "none": 1.0}[by]
    return np.mean((X_test @ weights - y_test) ** 2) / variance


def with_options(**options):
    return lambda *arguments: linear_error(*arguments, **options)


def best_of(split):
    """The weight decay with the smallest error where `split` says which samples are held out."""

    def choose(X, y, betas):
        def error(beta):
            total = 0
            for fitted, held in split(len(y)):
                model = ConvexReLURegressor(beta, tol=1e-2).fit(X[fitted], y[fitted])
                total += np.sum((model.predict(X[held]) - y[held]) ** 2)
            return total

        return min(betas, key=error)

    return choose


def shuffled_folds(n):
    mixed = np.random.default_rng(0).permutation(n)
    return [(np.setdiff1d(mixed, held), held) for held in np.array_split(mixed, 4)]


def all_to_fit_and_to_judge(n):
    return [(np.arange(n), np.arange(n))]


WRONG = {
    "13.1": [
        (with_options(shuffled=True), "of the variance of the last 30%"),
        (with_options(bias=False), "of the variance of the last 30%"),
        (with_options(by="training"), "of the variance of the last 30%"),
        (with_options(by="none"), "of the variance of the last 30%"),
        (with_options(share=0.75), "of the variance of the last 30%"),
        (lambda values, order, horizon: linear_error(values, order, 1), "4 ahead"),
    ],
    "13.2": [
        (lambda mean, test_mean, variance: 1.0, "the error is"),
        (lambda mean, test_mean, variance: (mean - test_mean) ** 2 / variance, "the error is"),
        (lambda mean, test_mean, variance: 1 + test_mean**2 / variance, "the error is"),
        (lambda mean, test_mean, variance: 1 + (mean - test_mean) ** 2, "the error is"),
        (lambda mean, test_mean, variance: 1 + abs(mean - test_mean) / variance, "the error is"),
    ],
    "13.3": [
        (lambda X, y, betas: max(betas), "the smaller of two betas"),
        (lambda X, y, betas: min(betas), "the larger of two betas"),
        (lambda X, y, betas: betas[-1], "the larger of two betas"),
        (lambda X, y, betas: np.mean(betas), "not one of the betas"),
        (lambda X, y, betas: betas[np.argmin(betas)] / hc.beta_max(X, y), "not one of the betas"),
        (best_of(all_to_fit_and_to_judge), "y noise"),
        (best_of(shuffled_folds), "y a zigzag"),
    ],
}
