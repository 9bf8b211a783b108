"""Decide symbols behind a dispersive channel: `python -m benchmarks.experiments.equaliser`.

Symbols s(t) = 1 or -1 are sent, r(t) = sum_k h_k s(t - k) plus white noise is received, and s(t -
delay) is to be told from the last `window` values of r. The training part fits, the validation part
chooses, from grids that grow (`choice.py`), and the share of wrong decisions is counted on the test
part. What is chosen has the least validation loss, each method's own: where there is little noise
many candidates tell all symbols of the validation part rightly, and counting would not part them.
Only of support vector machines those with the fewest wrong symbols come first, and the loss parts
these, for by the hinge loss alone they do worse.
Bayes' rule knows channel and noise: nothing that sees the same window can do better. Draw k is the
same for all methods. Adam minimises the objective of the network beside it, at the same weight
decay: of several seeds that of least validation loss is kept (`descent.py`), and `least_objective`
is the least of any.

Such channels are usual tests of equalisers that are networks (Gibson, Siu and Cowan 1991, IEEE
Transactions on Signal Processing 39(8)). The latest symbol of the first is hidden behind the one
before; a line that sees two values does not separate it even without noise.
"""

import itertools
import time
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVC

import hidden_convexity as hc
from benchmarks.experiments import choice, classics, command, descent
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("equaliser.csv")
# Impulse response and delay of the decision, by name.
CHANNELS = {"two taps": ((0.5, 1.0), 0), "three taps": ((0.3482, 0.8704, 0.3482), 1)}
# Power of the noiseless r over that of the noise, in decibels.
LEVELS, WINDOWS, DRAWS = (10, 14, 18), (2, 3), range(10)
# Networks' optima are proven in every window.
PROVEN = max(WINDOWS)
TRAINING, TEST = 500, 50_000
# Regressions of the symbols, whose signs decide.
REGRESSIONS = ("kernel ridge", "boosting")
METHODS = ("Bayes", "linear", "Volterra", "SVM", *REGRESSIONS, "neighbours", "network", "adam")
TOLERANCE, SEARCH_TOLERANCE = 1e-3, 1e-2
CHARGES = choice.Ladder(choice.decades(-3, 5, choice.TENS), low=0.1, high=100.0)


def deviation(channel, level):
    """Standard deviation of the noise."""
    return float(np.linalg.norm(CHANNELS[channel][0]) * 10 ** (-level / 20))


def received(channel, level, window, count, rng):
    """What is seen (count, window), the latest value first, and the symbols to be told (count,)."""
    taps, delay = CHANNELS[channel]
    before = window + len(taps)
    symbols = rng.choice([-1.0, 1.0], count + before)
    values = np.convolve(symbols, taps)[: len(symbols)]
    values += deviation(channel, level) * rng.standard_normal(len(symbols))
    times = np.arange(before, before + count)
    return values[times[:, None] - np.arange(window)], symbols[times - delay]


def states(channel, window):
    """All noiseless windows (k, window), and the symbols to be told there (k,)."""
    taps, delay = CHANNELS[channel]
    sent = np.array(list(itertools.product([-1.0, 1.0], repeat=window + len(taps) - 1)))
    seen = [sent[:, j : j + len(taps)] @ np.array(taps) for j in range(window)]
    return np.stack(seen, axis=1), sent[:, delay]


def bayes(channel, level, window):
    """The logarithm of the odds of 1 against -1, as a function of X (n, window)."""
    seen, told = states(channel, window)
    width = 2 * deviation(channel, level) ** 2

    def odds(X):
        nearness = -((X[:, None, :] - seen) ** 2).sum(axis=2) / width
        return logsumexp(nearness[:, told > 0], axis=1) - logsumexp(nearness[:, told < 0], axis=1)

    return odds


def candidates(method, window):
    """What makes an estimator, its ladders, and its loss of scores (n,) against symbols (n,)."""

    if method in REGRESSIONS:
        return *classics.regressors(window)[method], squared_loss

    def line(C):
        return classics.scaled(LogisticRegression(C=C, max_iter=5_000))

    def volterra(C):
        return classics.make_pipeline(PolynomialFeatures(3, include_bias=False), line(C))

    def support_vectors(C, gamma):
        return classics.scaled(SVC(C=C, gamma=gamma / window))

    def neighbours(k):
        return classics.scaled(KNeighborsRegressor(k))

    widths = choice.Ladder(choice.decades(-2, 2), low=0.3, high=3.0)
    return {
        "linear": (line, {"C": CHARGES}, logistic_loss),
        "Volterra": (volterra, {"C": CHARGES}, logistic_loss),
        "SVM": (support_vectors, {"C": CHARGES, "gamma": widths}, counts_and_hinge_loss),
        "neighbours": (neighbours, {"k": classics.FEW_NEIGHBOURS}, squared_loss),
    }[method]


def logistic_loss(scores, told):
    return float(np.mean(np.logaddexp(0, -told * scores)))


def counts_and_hinge_loss(scores, told):
    """Share of wrong signs, and less than half of one sign more for the hinge loss."""
    loss = float(np.mean(np.maximum(0, 1 - told * scores)))
    return wrong(scores, told) + loss / (1 + loss) / (2 * len(told))


def squared_loss(scores, told):
    return float(np.mean((scores - told) ** 2))


def decision(model):
    """A fitted estimator's function of X whose sign tells the symbol."""
    return getattr(model, "decision_function", model.predict)


def wrong(scores, told):
    """Share of wrong signs."""
    return float(np.mean(np.where(scores > 0, 1.0, -1.0) != told))


@cache
def network(draw, channel, level, window):
    """The network of the decay that validation chooses among searched ones, trained to a proof."""
    train, validation, _ = parts(draw, channel, level, window)
    A, seen = datasets.with_bias(train[0]), datasets.with_bias(validation[0])
    most = Ascent(A)(train[1]).value / 2
    return choice.network(
        hc.TrainingProblem(A, train[1], most, "logistic"),
        most,
        SEARCH_TOLERANCE,
        lambda network: logistic_loss(network(seen), validation[1]),
        choice.trained(TOLERANCE),
    )


def parts(draw, channel, level, window):
    """What is seen, and the symbols to be told, to train, to validate and to test."""
    rng = np.random.default_rng(draw)
    sizes = TRAINING, TRAINING, TEST
    return [received(channel, level, window, size, rng) for size in sizes]


def run(draw, channel, level, window, method):
    """One method on one draw of symbols and noise."""
    train, validation, test = parts(draw, channel, level, window)
    began = time.process_time()
    if method == "Bayes":
        predict, facts = bayes(channel, level, window), {}
    elif method in ("network", "adam"):
        chosen = network(draw, channel, level, window)
        if method == "adam":
            chosen = descent.beside(chosen)
        facts = chosen.facts

        def predict(X):
            return chosen.network(datasets.with_bias(X))
    else:
        make, ladders, loss = candidates(method, window)
        best, made = classics.tuned(
            make, ladders, train, lambda one: loss(decision(one)(validation[0]), validation[1])
        )
        predict, facts = decision(best), made.facts
    facts = facts | {"test_error": wrong(predict(test[0]), test[1])}
    return facts | {"processor_seconds": float(f"{time.process_time() - began:.4g}")}


def points():
    """All runs of the sweep."""
    names = "draw", "channel", "level", "window", "method"
    ways = itertools.product(DRAWS, CHANNELS, LEVELS, WINDOWS, METHODS)
    return [dict(zip(names, one, strict=True)) for one in ways]


def main():
    return command.complete(run, points(), command.options(__doc__, PATH).parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
