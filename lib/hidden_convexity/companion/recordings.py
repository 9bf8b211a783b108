"""Real electrocardiograms, from a file or PhysioNet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hidden_convexity.foundations.validation import real_number
from hidden_convexity.foundations.wording import counted

INSTALL = 'pip install "hidden-convexity[notebooks]"'


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
        leads = f", {counted(self.values.shape[1], 'lead')}" if self.values.ndim == 2 else ""
        rate = "rate unknown" if self.rate is None else f"{self.rate:g} Hz"
        unit = "unit unknown" if self.unit is None else self.unit
        return f"Signal({self.name!r}, {len(self.values)} samples{leads}, {rate}, {unit})"


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
        Every sample, also where the record stores several in a frame, in the record's physical
        unit. The unit is None where the gain of a local record is 0 or left out: the lead is not
        calibrated, and 200 steps count as 1.

    Raises
    ------
    ImportError
        If wfdb is not installed.
    FileNotFoundError
        If there is no such local record, or its header names a file that is not there.
    TypeError
        If a lead is neither an integer nor a string, or start or seconds is not a number.
    ValueError
        For a lead that is unknown or one of several of its name, a stretch outside the record,
        leads of different units or rates, missing samples (PhysioNet marks them, and they are read
        as NaN), or a header that has no signals, no valid length, or does not fit its file.

    References
    ----------
    Goldberger et al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23).
    """
    try:
        import wfdb
    except ImportError as error:
        raise ImportError(f"load_ecg() reads PhysioNet records with wfdb: {INSTALL}") from error

    record = str(Path(record).expanduser()) if pn_dir is None else str(record)
    header, layout = _headers(wfdb, record, pn_dir)
    names = layout.sig_name
    several = isinstance(channel, Sequence | np.ndarray) and not isinstance(channel, str)
    leads = [_lead(one, names) for one in (channel if several else [channel])]
    if not leads:
        raise ValueError("channel must name at least one lead, got none")
    chosen = [names[lead] or f"lead {lead}" for lead in leads]
    per_frame = {layout.samps_per_frame[lead] for lead in leads}
    if len(per_frame) > 1:
        rates = [f"{header.fs * layout.samps_per_frame[lead]:g} Hz" for lead in leads]
        raise ValueError(
            f"channel must name leads of one rate, got {', '.join(rates)}; load them one at a time"
        )
    per_frame = per_frame.pop()
    rate = header.fs * per_frame
    frames, begin, whole = _frames(header, record), 0, None
    if frames is None:
        # Only the signal file knows the length, and wfdb finds it by reading all of it.
        whole = _read(wfdb, record, leads, pn_dir)
        frames = len(whole[0]) // per_frame
    first, last = _stretch(start, seconds, rate, frames * per_frame)
    if whole is None:
        begin, end = first // per_frame, -(-last // per_frame)
        _refuse_null_segments(header, begin, end, header.fs)
        whole = _read(wfdb, record, leads, pn_dir, sampfrom=begin, sampto=end)
    values, units = whole
    values = values[first - begin * per_frame : last - begin * per_frame]
    if pn_dir is None:
        uncalibrated = _uncalibrated(header, record)
        units = [
            None if lead in uncalibrated else unit for lead, unit in zip(leads, units, strict=True)
        ]
    if len(set(units)) > 1:
        listed = ", ".join(f"{n} in {u or 'no unit'}" for n, u in zip(chosen, units, strict=True))
        raise ValueError(
            f"channel must name leads of one unit, got {listed}; load them one at a time"
        )
    _refuse_missing(values, chosen, first, rate)
    return Signal(
        values=values if several else values[:, 0],
        rate=float(rate),
        unit=units[0],
        name=f"{header.record_name} ({', '.join(chosen)})",
        source=f"PhysioNet {pn_dir}/{record}" if pn_dir else f"local record {Path(record).name}",
    )


def _headers(wfdb, record, pn_dir):
    """The record's header, and the one that describes its leads, perhaps that of a segment."""
    try:
        header = layout = wfdb.rdheader(record, pn_dir=pn_dir)
        if isinstance(header, wfdb.MultiRecord):
            segment = next((name for name in header.seg_name if name != "~"), None)
            if segment is None:
                raise ValueError(f"record has no samples: every segment of {record} is null")
            layout = wfdb.rdheader(str(Path(record).parent / segment), pn_dir=pn_dir)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"record must be a local record, but {record}.hea, or that of a segment of it, does "
            'not exist; give the path without an extension, or pn_dir="mitdb", say, to read it '
            "from PhysioNet"
        ) from error
    except IndexError as error:
        raise ValueError(f"record has an empty header, {record}.hea; download it again") from error
    if not layout.n_sig or layout.sig_name is None:
        raise ValueError(f"record has no signals: {record}.hea lists none; choose another record")
    if header.fs == 0:
        raise ValueError(f"record has sampling frequency 0 in {record}.hea; write the right one")
    return header, layout


def _frames(header, record):
    """Length of a record in frames, None where its header leaves it out."""
    segments = getattr(header, "seg_len", None)
    advice = None
    if segments is not None and header.sig_len != sum(segments):
        advice = f"write {sum(segments)}, the sum of its segments, behind the sampling frequency"
    elif header.sig_len == 0:
        advice = "delete the 0 behind the sampling frequency, and the signal file will tell"
    if advice:
        raise ValueError(
            f"record has length {header.sig_len} in its header; in the first line of {record}.hea, "
            f"{advice}"
        )
    return header.sig_len


def _read(wfdb, record, leads, pn_dir, **stretch):
    """Every sample of some leads, (n, leads), and their units."""
    try:
        stretch |= {"channels": leads, "pn_dir": pn_dir, "smooth_frames": False}
        loaded = wfdb.rdrecord(record, **stretch)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"record has a header that names a file which is not there: {error.filename}; put it "
            "beside the header"
        ) from error
    except ValueError as error:
        message = f"record has a signal file that does not fit its header, {record}.hea: {error}"
        raise ValueError(message) from error
    return np.column_stack(loaded.e_p_signal), loaded.units


def _refuse_null_segments(header, begin, end, rate):
    """wfdb reads null segments of a variable layout as missing, and fails on those of a fixed."""
    if getattr(header, "layout", "variable") == "variable":
        return
    ends = np.cumsum(header.seg_len)
    for name, low, high in zip(header.seg_name, ends - header.seg_len, ends, strict=True):
        if name == "~" and low < end and high > begin:
            raise ValueError(
                f"record has a null segment, without samples, from {low / rate:g} s to "
                f"{high / rate:g} s; choose another start or seconds"
            )


def _uncalibrated(header, record):
    """Numbers of the leads of a local record whose gain is 0 or left out: its unit is not known.

    wfdb, like the format, takes 200 per mV for these, and does not tell that from a gain of 200.
    """
    if getattr(header, "layout", "fixed") == "variable":
        return set()  # the layout lists names; the segments, which it cannot number, the gains
    segments = [name for name in getattr(header, "seg_name", []) if name != "~"]
    path = Path(record).with_name(segments[0]) if segments else record
    lines = Path(f"{path}.hea").read_text(encoding="ascii", errors="ignore").splitlines()
    fields = [line.split() for line in lines if line.strip() and line.strip()[0] != "#"]
    gains = [re.match(r"-?[\d.]+(e[+-]?\d+)?", f"{' '.join(words[2:])}") for words in fields[1:]]
    return {lead for lead, gain in enumerate(gains) if gain is None or float(gain[0]) == 0}


def _lead(channel, names):
    if isinstance(channel, bool) or not isinstance(channel, int | np.integer | str):
        raise TypeError(
            f"channel must be the number or the name of a lead, or several of these, got "
            f"{channel!r}"
        )
    if isinstance(channel, str) and names.count(channel) > 1:
        numbers = [str(lead) for lead, name in enumerate(names) if name == channel]
        raise ValueError(
            f"channel must be a number for {channel!r}, the name of several leads: "
            f"{' or '.join(numbers)}"
        )
    if isinstance(channel, str) and channel in names:
        return names.index(channel)
    if not isinstance(channel, str) and 0 <= channel < len(names):
        return int(channel)
    known = ", ".join(name for name in names if name)
    raise ValueError(
        f"channel must be {f'one of {known} or ' if known else ''}a number from 0 to "
        f"{len(names) - 1}, got {channel!r}"
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
