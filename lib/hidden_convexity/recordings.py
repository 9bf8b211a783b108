"""Real electrocardiograms, from a package, a file or PhysioNet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hidden_convexity.validation import real_number

_INSTALL = 'pip install "hidden-convexity[notebooks]"'


@dataclass(frozen=True, eq=False)
class Signal:
    """A uniformly sampled signal and what is known about it.

    Parameters
    ----------
    values : (n,) or (n, leads) float array
    rate : float or None
        Samples per second; None where the source does not say.
    unit : str or None
        Unit of the values; None where the source does not say.
    name, source : str
        What it is, and where it comes from.
    """

    values: np.ndarray
    rate: float | None
    unit: str | None
    name: str
    source: str

    def __repr__(self):
        leads = f", {self.values.shape[1]} leads" if self.values.ndim == 2 else ""
        rate = "rate unknown" if self.rate is None else f"{self.rate:g} Hz"
        unit = "unit unknown" if self.unit is None else self.unit
        return f"Signal({self.name!r}, {len(self.values)} samples{leads}, {rate}, {unit})"


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
        raise ImportError(f"ecg() reads its signal from PyWavelets: {_INSTALL}") from error
    return Signal(
        values=pywt.data.ecg().astype(float),
        rate=None,
        unit=None,
        name="PyWavelets ECG",
        source="PyWavelets, pywt.data.ecg()",
    )


def load_ecg(record, pn_dir=None, channel=0, start=0.0, seconds=None):
    """Load leads of a WFDB record, from a local folder or from PhysioNet.

    Parameters
    ----------
    record : str or path
        Path of a local record without its extension (``"data/100"``); with ``pn_dir``, its name.
    pn_dir : str, optional
        PhysioNet database to read from over the network, such as ``"mitdb"``.
    channel : int, str, or sequence of these
        Number or name of a lead. One lead gives values (n,), a sequence (n, leads).
    start : float
        Seconds from the beginning of the record, >= 0.
    seconds : float, optional
        Length to read, > 0; by default to the end of the record.

    Returns
    -------
    Signal
        In the record's physical unit.

    Raises
    ------
    ImportError
        If wfdb is not installed.
    FileNotFoundError
        If there is no such local record.
    TypeError
        If a lead is neither an integer nor a string, or start or seconds is not a number.
    ValueError
        For an unknown lead, a stretch outside the record, leads of different units, or missing
        samples (PhysioNet marks them, and they are read as NaN).

    References
    ----------
    Goldberger et al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23).
    """
    try:
        import wfdb
    except ImportError as error:
        raise ImportError(f"load_ecg() reads PhysioNet records with wfdb: {_INSTALL}") from error

    record = str(Path(record).expanduser()) if pn_dir is None else str(record)
    try:
        header = wfdb.rdheader(record, pn_dir=pn_dir, rd_segments=True)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"record must be a local record, but {record}.hea does not exist; give the path "
            'without an extension, or pn_dir="mitdb", say, to read it from PhysioNet'
        ) from error

    several = isinstance(channel, Sequence | np.ndarray) and not isinstance(channel, str)
    leads = [_lead(one, header.sig_name) for one in (channel if several else [channel])]
    if not leads:
        raise ValueError("channel must name at least one lead, got none")
    first, last = _stretch(start, seconds, header.fs, header.sig_len)
    loaded = wfdb.rdrecord(record, sampfrom=first, sampto=last, channels=leads, pn_dir=pn_dir)
    names = [header.sig_name[lead] for lead in leads]
    if len(set(loaded.units)) > 1:
        units = ", ".join(f"{n} in {u}" for n, u in zip(names, loaded.units, strict=True))
        raise ValueError(
            f"channel must name leads of one unit, got {units}; load them one at a time"
        )
    values = loaded.p_signal
    _refuse_missing(values, names, first, header.fs)
    return Signal(
        values=values if several else values[:, 0],
        rate=float(header.fs),
        unit=loaded.units[0],
        name=f"{header.record_name} ({', '.join(names)})",
        source=f"PhysioNet {pn_dir}/{record}" if pn_dir else f"local record {Path(record).name}",
    )


def _lead(channel, names):
    if isinstance(channel, bool) or not isinstance(channel, int | np.integer | str):
        raise TypeError(
            f"channel must be the number or the name of a lead, or several of these, got "
            f"{channel!r}"
        )
    if isinstance(channel, str) and channel in names:
        return names.index(channel)
    if not isinstance(channel, str) and 0 <= channel < len(names):
        return int(channel)
    raise ValueError(
        f"channel must be one of {', '.join(names)} or a number from 0 to {len(names) - 1}, "
        f"got {channel!r}"
    )


def _stretch(start, seconds, rate, length):
    """Sample numbers [first, last) of a stretch given in seconds."""
    if not 0 <= real_number(start, "start") < length / rate:
        raise ValueError(
            f"start must be inside the record, which lasts {length / rate:g} s, got {start!r} s"
        )
    first = round(start * rate)
    if seconds is None:
        return first, length
    if not 1 <= real_number(seconds, "seconds") * rate < np.inf:
        raise ValueError(f"seconds must be at least one sample, {1 / rate:g} s, got {seconds!r}")
    last = first + round(seconds * rate)
    if last > length:
        raise ValueError(
            f"seconds must end within the record, which lasts {length / rate:g} s, got {seconds!r} "
            f"s from {start!r} s; choose fewer seconds or an earlier start"
        )
    return first, last


def _refuse_missing(values, names, first, rate):
    for name, lead in zip(names, values.T, strict=True):
        missing = np.flatnonzero(np.isnan(lead))
        if missing.size:
            raise ValueError(
                f"record has {missing.size} of {lead.size} samples of lead {name} missing, the "
                f"first at {(first + missing[0]) / rate:g} s; choose another start, seconds or "
                "channel"
            )
