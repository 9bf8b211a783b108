"""Numbers as text that reads the same on every machine: few digits, residuals as bounds."""

import math
from numbers import Integral, Real

import numpy as np

from hidden_convexity.foundations.validation import real_number

_WIDTH = 40


def report(label, value, residual_below=None):
    """Print ``label ....... value`` on one line.

    Parameters
    ----------
    label : str
    value : float, int, bool or str
        Floats are printed with 4 significant digits, everything else as it is.
    residual_below : float, optional
        For a number that is zero in exact arithmetic, and whose digits are therefore noise:
        prints ``< residual_below`` where its magnitude is smaller, its 2 leading digits where not.

    Raises
    ------
    TypeError
        For a value that is none of the above, or a residual that is not a number.
    ValueError
        If ``residual_below`` is not positive.
    """
    text = _plain(value) if residual_below is None else _residual(value, residual_below)
    print(f"{label} ".ljust(_WIDTH, ".").ljust(len(label) + 4, ".") + f" {text}")


def _plain(value):
    if isinstance(value, str | bool | np.bool_ | Integral):
        return str(value)
    if isinstance(value, Real):
        # Adding zero turns -0.0, whose sign is roundoff, into 0.
        return f"{float(f'{value:.4g}') + 0.0:.4g}"
    raise TypeError(f"value must be one float, int, bool or string, got {type(value).__name__}")


def _residual(value, below):
    if not isinstance(value, Real):
        raise TypeError(f"value must be a number to be a residual, got {type(value).__name__}")
    if not 0 < real_number(below, "residual_below") < math.inf:
        raise ValueError(f"residual_below must be finite and > 0, got {below!r}")
    if abs(value) < below:
        mantissa, exponent = f"{below:e}".split("e")
        return f"< {float(mantissa):g}e{int(exponent)}"
    return f"{value:.2g}"
