"""Real signals that installed packages ship: no network needed."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hidden_convexity.companion.recordings import INSTALL, Signal

# Samples of HeartPy's long record, and its length in seconds by the time stamps of the two ends.
_PULSE_SAMPLES, _PULSE_SECONDS = 68_476, 681.898


def ecg():
    """Load the electrocardiogram that PyWavelets ships: 1,024 samples, no network needed.

    PyWavelets documents neither its sampling rate, nor its unit, nor its origin, so ``rate`` and
    ``unit`` are None and time is counted in samples.

    Returns
    -------
    Signal
        ``values`` (1024,).

    Raises
    ------
    ImportError
        If PyWavelets is not installed.
    """
    try:
        import pywt.data
    except ImportError as error:
        raise ImportError(f"ecg() reads its signal from PyWavelets: {INSTALL}") from error
    return Signal(
        values=pywt.data.ecg().astype(float),
        rate=None,
        unit=None,
        name="PyWavelets ECG",
        source="PyWavelets, pywt.data.ecg()",
    )


def pulse():
    """Load the pulse wave that HeartPy ships: eleven minutes, no network needed.

    It is no electrocardiogram: blood volume (a photoplethysmogram), not voltage. HeartPy documents
    neither its unit nor its origin. It is clipped at 0 and 980, mostly in the first two minutes.

    Returns
    -------
    Signal
        ``values`` (68476,) at 100.4 Hz, by its time stamps.

    Raises
    ------
    ImportError
        If HeartPy is not installed.

    References
    ----------
    van Gent, Farah, van Nes and van Arem (2019), Analysing Noisy Driver Physiology Real-Time Using
    Off-the-Shelf Sensors: Heart Rate Analysis Software from the Taking the Fast Lane Project,
    Journal of Open Research Software 7.
    """
    # Only the file is needed; importing HeartPy needs a part of setuptools that is gone.
    package = find_spec("heartpy")
    if package is None:
        raise ImportError(f"pulse() reads its signal from HeartPy: {INSTALL}")
    file = Path(package.origin).parent / "data" / "data3.csv"
    values = np.loadtxt(file, delimiter=",", skiprows=1, usecols=1)
    return Signal(
        values=values,
        rate=_PULSE_SAMPLES / _PULSE_SECONDS,
        unit=None,
        name="HeartPy pulse wave",
        source="HeartPy, heartpy/data/data3.csv",
    )
