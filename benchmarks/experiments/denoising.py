"""Take white noise off a real ECG: `python -m benchmarks.experiments.denoising`.

Draw k of the noise is added to fold k of the record (`signals.py`). Fitted methods see the noisy
samples around a moment and are trained on the clean one there, on the first stretch; Wiener's
filter and wavelets see no clean sample there. What any of them chooses is chosen on the second
stretch, by its clean samples. The mean squared error on the third, at least fifty beats, is in
units of the first stretch's variance.
"""

import time
from pathlib import Path

import numpy as np
import pywt
from scipy.signal import wiener

import hidden_convexity as hc
from benchmarks.experiments import classics, command, signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("denoising.csv")
LEVELS, WINDOWS = (0.1, 0.3, 0.6), (3, 9)
# The window of the networks, whose optima are proven in it.
PROVEN = 3
FITTED = ("linear", "kernel ridge", "boosting", "neighbours")
NETWORKS = ("network", "network with a line")
BLIND = ("noisy", "Wiener", "wavelet")
SHARES, TOLERANCE = (0.1, 0.03, 0.01, 3e-3), 3e-2
SIZES, DEPTH, FACTORS = (3, 5, 9, 15), 5, (0.5, 0.7, 1.0)


def around(noisy, clean, window):
    """The noisy samples around each moment that has all of LONGEST, and the clean one there."""
    margin = signals.LONGEST // 2
    moments = np.arange(margin, len(clean) - margin)
    return noisy[moments[:, None] + np.arange(window) - window // 2], clean[moments]


def wavelet(noisy, level, factor, mode):
    """Thresholds at a factor of the universal one, sigma sqrt(2 log n)."""
    length = len(noisy)
    padded = np.pad(noisy, (0, -length % 2**DEPTH), mode="symmetric")
    coarse, *details = pywt.wavedec(padded, "sym8", mode="periodization", level=DEPTH)
    threshold = factor * level * np.sqrt(2 * np.log(length))
    kept = [pywt.threshold(each, threshold, mode) for each in details]
    return pywt.waverec([coarse, *kept], "sym8", mode="periodization")[:length]


def blind(method, level):
    """The candidates of a method that sees no clean sample: from noisy (n,) to an estimate."""
    if method == "noisy":
        return [lambda noisy: noisy]
    if method == "Wiener":
        return [lambda noisy, size=size: wiener(noisy, size, level**2) for size in SIZES]
    return [
        lambda noisy, factor=factor, mode=mode: wavelet(noisy, level, factor, mode)
        for factor in FACTORS
        for mode in ("hard", "soft")
    ]


def loss(estimate, clean):
    return float(np.mean((estimate - clean) ** 2))


def run(level, draw, window, method, records=None):
    """One method at one level of noise; `window` is 0 for a method that has none."""
    rng = np.random.default_rng(draw)
    clean = signals.parts("ecg", draw, records)
    noisy = [part + level * rng.standard_normal(len(part)) for part in clean]
    began = time.process_time()
    if method in BLIND:
        inside = slice(signals.LONGEST // 2, -(signals.LONGEST // 2))

        def error(estimate, part):
            return loss(estimate(noisy[part])[inside], clean[part][inside])

        best = min(blind(method, level), key=lambda estimate: error(estimate, 1))
        facts = {"test_error": error(best, 2), "validation_error": error(best, 1)}
    else:
        three = [around(*pair, window) for pair in zip(noisy, clean, strict=True)]
        if method in NETWORKS:
            predict, facts = network(*three[:2], method != "network")
        else:
            best, chosen = classics.chosen(classics.regressors(window)[method], *three[:2], loss)
            predict, facts = best.predict, {"validation_error": chosen}
        X, y = three[2]
        facts = {"test_error": loss(predict(X), y)} | facts
    return facts | {"processor_seconds": float(f"{time.process_time() - began:.4g}")}


def network(train, validation, line):
    """The network of the decay that validation chooses, with a linear term that costs nothing."""
    A, y = datasets.with_bias(train[0]), train[1]
    rest = y - A @ np.linalg.lstsq(A, y, rcond=None)[0] if line else y
    most = Ascent(A)(rest).value
    betas = [share * most for share in SHARES]
    problem = hc.TrainingProblem(A, y, 1.0, skip=line)
    path = hc.train_path(problem, betas, tol=TOLERANCE, proof=False)
    seen = datasets.with_bias(validation[0])
    errors = [loss(one.network(seen), validation[1]) for one in path]
    best = int(np.argmin(errors))
    found = hc.train(hc.TrainingProblem(A, y, betas[best], skip=line), tol=TOLERANCE)
    return lambda X: found.network(datasets.with_bias(X)), {
        "validation_error": loss(found.network(seen), validation[1]),
        "share": SHARES[best],
        "objective": found.objective,
        "lower_bound": found.lower_bound,
        "scope": found.scope,
        "neurons": len(found.network),
    }


def points():
    """All runs of the sweep."""
    ways = [(0, method) for method in BLIND]
    ways += [(window, method) for window in WINDOWS for method in FITTED]
    ways += [(PROVEN, method) for method in NETWORKS]
    return [
        {"level": level, "draw": draw, "window": window, "method": method}
        for level in LEVELS
        for draw in range(signals.FOLDS)
        for window, method in ways
    ]


def main():
    options = command.options(__doc__, PATH)
    options.add_argument("--records", help="folder with a local copy of 100; default: PhysioNet")
    given = options.parse_args()

    def call(**point):
        return run(**point, records=given.records)

    return command.complete(call, points(), given)


if __name__ == "__main__":
    raise SystemExit(main())
