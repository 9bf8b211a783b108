"""Take white noise off a real ECG: `python -m benchmarks.experiments.denoising`.

Draw k of the noise is added to fold k of the record (`signals.py`). Fitted methods see the noisy
samples around a moment and are trained on the clean one there, on the first stretch; Wiener's
filter and wavelets see no clean sample there. Classics see 3 or 9 samples. Networks see 3, or three
atoms of 9, as in `prediction.py`: with these inputs their optima are certified. One sees all 9, and
is searched. What any of them chooses is chosen on the second stretch, by its clean samples, from
grids that grow where the best lies at their end (`choice.py`). The mean squared error on the third,
at least fifty beats, is in units of the first stretch's variance.
"""

import time
from pathlib import Path

import numpy as np
import pywt
from scipy.signal import wiener

import hidden_convexity as hc
from benchmarks.experiments import choice, classics, command, prediction, signals
from hidden_convexity.companion import datasets
from hidden_convexity.oracle import Ascent

PATH = Path(__file__).with_name("denoising.csv")
LEVELS, WINDOWS = (0.1, 0.3, 0.6), (3, 9)
# The window in which networks' optima are proven without atoms.
PROVEN = 3
FITTED = ("linear", "kernel ridge", "SVM", "boosting", "neighbours")
NETWORKS = ("network", "network with a line")
OF_ATOMS = tuple(f"{network}, {prediction.ATOMS} atoms" for network in NETWORKS)
BLIND = ("noisy", "Wiener", "wavelet")
# Networks of atoms are searched to this tolerance and certified as they are, gap and all: training
# with a proof took twenty seconds at little noise.
TOLERANCE, DEPTH = 3e-2, 5
# Of Wiener's window, and of the wavelets' threshold in units of the universal one.
SIZES = choice.Ladder((3, 5, 7, 9, 11, 15, 21, 31), low=5, high=15)
FACTORS = choice.Ladder((0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4), low=0.5, high=1.0)
MODES = choice.Ladder(("hard", "soft"), ordered=False)


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
    """What makes an estimate of noisy (n,) without clean samples, and the ladders of its values."""
    if method == "noisy":
        return lambda noisy: noisy, {}
    if method == "Wiener":
        return lambda noisy, size: wiener(noisy, size, level**2), {"size": SIZES}
    ladders = {"factor": FACTORS, "mode": MODES}
    return lambda noisy, factor, mode: wavelet(noisy, level, factor, mode), ladders


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
        estimate, ladders = blind(method, level)

        def error(part, **values):
            return loss(estimate(noisy[part], **values)[inside], clean[part][inside])

        made = choice.choose(lambda points: [error(1, **point) for point in points], ladders)
        facts = {"test_error": error(2, **made.values)} | made.facts
    else:
        three = [around(*pair, window) for pair in zip(noisy, clean, strict=True)]
        if method in (*NETWORKS, *OF_ATOMS, prediction.SEARCHED):
            predict, facts = network(*three[:2], method)
        else:
            best, made = classics.tuned(
                *classics.regressors(window)[method],
                three[0],
                lambda model: loss(model.predict(three[1][0]), three[1][1]),
            )
            predict, facts = best.predict, made.facts
        X, y = three[2]
        facts = {"test_error": loss(predict(X), y)} | facts
    return facts | {"processor_seconds": float(f"{time.process_time() - began:.4g}")}


def network(train, validation, method):
    """The network of the decay that validation chooses; with a line, that costs nothing."""
    line, atoms = method.startswith(NETWORKS[1]), method in OF_ATOMS
    inputs = prediction.atoms(*train) if atoms else datasets.with_bias
    A, y = inputs(train[0]), train[1]
    rest = y - A @ np.linalg.lstsq(A, y, rcond=None)[0] if line else y
    seen = inputs(validation[0])
    if method == prediction.SEARCHED:
        proof = choice.as_searched
    else:
        proof = choice.as_it_is if atoms else choice.trained(TOLERANCE)
    chosen = choice.network(
        hc.TrainingProblem(A, y, 1.0, skip=line),
        Ascent(A)(rest).value,
        TOLERANCE,
        lambda network: loss(network(seen), validation[1]),
        proof,
    )
    return lambda X: chosen.network(inputs(X)), chosen.facts


def points():
    """All runs of the sweep."""
    ways = [(0, method) for method in BLIND]
    ways += [(window, method) for window in WINDOWS for method in FITTED]
    ways += [(PROVEN, method) for method in NETWORKS]
    ways += [(max(WINDOWS), method) for method in (*OF_ATOMS, prediction.SEARCHED)]
    return [
        {"level": level, "draw": draw, "window": window, "method": method}
        for level in LEVELS
        for draw in range(signals.FOLDS)
        for window, method in ways
    ]


def main():
    return command.complete(
        run, points(), command.options(__doc__, PATH, records=True).parse_args()
    )


if __name__ == "__main__":
    raise SystemExit(main())
