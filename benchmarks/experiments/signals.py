"""Long real signals in folds: a stretch to train on, the next to choose with, the next to test on.

A fold is eight to ten heartbeats, then as many, then at least fifty; ten folds follow each other
through the record. The ECG is lead MLII of record 100 of the MIT-BIH Arrhythmia Database, from
PhysioNet, or with `--records FOLDER` from a local copy; the pulse wave is HeartPy's. Nothing looks
ahead on the way: means of samples, and a filter that runs forwards.

The yearly sunspot numbers are too few for stretches of their own. Their folds have a rolling
origin: each tests on a fifth of the last half of the years and trains on all years before it, the
last quarter of which is there to choose with.
"""

from functools import cache

import numpy as np
from scipy.signal import butter, sosfilt

from hidden_convexity.companion import datasets

FOLDS, SUNSPOT_FOLDS = 10, 5
TRAINED, VALIDATED, TESTED = 600, 600, 4_000
# Windows of every method end at the same moments, so that all predict the same samples.
LONGEST = 32
RECORD, CHANNEL = "100", "MLII"
DATABASES = {"100": "mitdb/1.0.0", "s0010_re": "ptbdb/1.0.0/patient001"}
# 360 Hz and 1,000 Hz are more than the shapes need; wander below 0.5 Hz is breathing.
DECIMATIONS, WANDER = {"100": 4, "s0010_re": 16}, 0.5
# Before it, the pulse wave is clipped at most beats.
PULSE_START = 14_000


@cache
def whole(name, records=None):
    """All of a signal (length,)."""
    if name == "pulse":
        return datasets.pulse().values[PULSE_START:]
    if name == "sunspots":
        return sunspots()
    return recording(RECORD, CHANNEL, records)


def sunspots():
    """Yearly sunspot numbers, 1700 to 2008, as statsmodels ships them (SIDC Brussels)."""
    from statsmodels.datasets import sunspots

    return sunspots.load_pandas().data.SUNACTIVITY.to_numpy(dtype=float)


def recording(name, channel, records=None):
    """A lead of a record of PhysioNet (n,), or several (n, k): thinned out, without wander."""
    place = (f"{records}/{name}", None) if records else (name, DATABASES[name])
    record = datasets.load_ecg(place[0], pn_dir=place[1], channel=channel)
    count = len(record.values) // DECIMATIONS[name]
    kept = record.values[: count * DECIMATIONS[name]]
    values = kept.reshape(count, DECIMATIONS[name], *kept.shape[1:]).mean(axis=1)
    steep = butter(1, WANDER, "highpass", fs=record.rate / DECIMATIONS[name], output="sos")
    return sosfilt(steep, values - values[0], axis=0)


def parts(name, fold, records=None, horizon=1):
    """The three stretches of a fold, in units of the first's spread about its mean.

    Those of the sunspots overlap by as much as windows need to predict, `horizon` years ahead,
    every year behind the stretch before: what they see may lie there, what they predict may not.
    """
    values = whole(name, records)
    if name == "sunspots":
        block = round(len(values) / 2 / SUNSPOT_FOLDS)
        tested = len(values) - (SUNSPOT_FOLDS - fold) * block
        cuts = [0, round(0.75 * tested), tested, tested + block]
        begins = [max(cut - LONGEST - horizon + 1, 0) for cut in cuts[:-1]]
    else:
        begin = fold * (len(values) // FOLDS)
        cuts = begin + np.cumsum([0, TRAINED, VALIDATED, TESTED])
        begins = cuts[:-1]
    first = values[cuts[0] : cuts[1]]
    ends = zip(begins, cuts[1:], strict=True)
    return [(values[a:b] - first.mean()) / first.std() for a, b in ends]


def windows(part, length, horizon):
    """X (n, length) and y (n,) of a stretch: LONGEST decides which samples are predicted."""
    X, y = datasets.windows(part, LONGEST, horizon)
    return X[:, LONGEST - length :], y


def error(predicted, truth):
    """Mean squared error in units of the variance."""
    return float(np.mean((predicted - truth) ** 2) / np.var(truth))
