"""Filters of convolutional networks: their taps, what they respond to, and how they change."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.ticker import NullLocator

from hidden_convexity.companion.plotting.solvers import SIGNED
from hidden_convexity.companion.plotting.style import (
    BLUE,
    CHAMBERS,
    FILLS,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    floor_band,
    within_floor,
)

# From shallow to deep, the taps of a filter that are drawn against something.
TAPS = (GREEN, "black", GREY)


def record_and_window(ax, t, values, span):
    """A whole record, and the stretch of it, (first, last), that is one sample."""
    ax.axvspan(*span, color=FILLS[0], linewidth=0)
    ax.plot(t, values, color=GREY, linewidth=1)
    ax.set_xlim(t[0], t[-1])
    ax.set_ylim(0, None)
    return ax


def both_ways(ax, window):
    """A window as it was recorded, and turned round."""
    lag = np.arange(len(window))
    ax.plot(lag, window, "o-", color=BLUE, markersize=3, label="recorded, $y = +1$")
    ax.plot(lag, window[::-1], "s--", color=PINK, markersize=3, label="turned round, $y = -1$")
    ax.set_ylim(0, 1.5 * window.max())
    ax.legend(loc="upper left")
    return ax


def filter_stems(ax, filters, signs):
    """Filters (m, k) side by side as stems, blue where the output weight is positive, else pink."""
    m, k = filters.shape
    for j, (taps, sign) in enumerate(zip(filters, signs, strict=True)):
        place = j * (k + 1) + np.arange(k)
        colour = BLUE if sign > 0 else PINK
        ax.vlines(place, 0, taps, color=colour, linewidth=2)
        ax.plot(place, taps, "o" if sign > 0 else "s", color=colour, markersize=5)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_xticks(np.arange(m) * (k + 1) + (k - 1) / 2, [f"$w_{j + 1}$" for j in range(m)])
    ax.tick_params(axis="x", length=0)
    return ax


def rectified_outputs(axes, t, values, forward, backward):
    """A signal above, and below it what filters of either sign give after the rectifier."""
    upper, lower = axes
    upper.plot(t, values, color=GREY, linewidth=1)
    upper.set_ylim(0, None)
    lower.fill_between(t, forward, color=BLUE, linewidth=0, alpha=0.8)
    lower.fill_between(t, -backward, color=PINK, linewidth=0, alpha=0.8)
    lower.axhline(0, color="black", linewidth=0.6)
    for ax in axes:
        ax.set_xlim(t[0], t[-1])
    return axes


def means_in_time(ax, t, groups):
    """Mean and middle half of each group of series {name: (k, n)} against time."""
    for (name, series), colour in zip(groups.items(), (BLUE, PINK), strict=False):
        low, high = np.quantile(series, (0.25, 0.75), axis=0)
        ax.fill_between(t, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(t, series.mean(axis=0), color=colour, label=name)
    ax.set_xlabel("time (samples)")
    ax.margins(x=0)
    ax.legend()
    return ax


def difference_in_time(ax, t, difference):
    """How far two groups are apart at each moment: blue where above zero, pink where below."""
    for part, colour in ((np.maximum(difference, 0), BLUE), (np.minimum(difference, 0), PINK)):
        ax.fill_between(t, part, color=colour, linewidth=0)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_xlabel("time (samples)")
    ax.set_ylabel("gun \u2212 finger, mean output")
    ax.margins(x=0)
    return ax


def taps_along(ax, ratios, filters):
    """The taps of one filter (r, k) at each of r weight decays, in units of beta_max."""
    for k, (taps, colour) in enumerate(zip(filters.T, TAPS, strict=False)):
        ax.plot(ratios, taps, "o-", color=colour, markersize=3, label=f"tap {k + 1}")
    ax.axhline(0, color="black", linewidth=0.6)
    return _decays(ax)


def gains_along(ax, ratios, gains):
    """The gains ||w|| |a| of all filters of one sign at each weight decay, a list of arrays."""
    for ratio, sizes in zip(ratios, gains, strict=True):
        ax.plot(np.full(len(sizes), ratio), sizes, "o", color=BLUE, markersize=4, alpha=0.7)
    return _decays(ax)


def _decays(ax):
    ax.set_xscale("log")
    ticks = (0.02, 0.05, 0.1, 0.2, 0.5)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(r"weight decay, over $\beta_{\max}$")
    return ax


def excesses_by_width(ax, widths, excesses, floor, enough):
    """P / bound - 1 of descent, (widths, seeds), and the width at which the optimum is reached.

    Excesses below the floor, where the certificate ends, are drawn in its band.
    """
    rng = np.random.default_rng(0)  # spreads dots sideways, so that equal ones are seen
    for k, values in enumerate(excesses):
        shift = k + rng.uniform(-0.2, 0.2, size=len(values))
        ax.plot(shift, within_floor(values, floor), "o", color=ORANGE, markersize=4, mfc="none")
    floor_band(ax, floor, "within the certificate's gap of the optimum")
    ax.axvline(enough, color=GREY, linestyle=":")
    where = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
    ax.annotate("filters of\nthe optimum", (enough, 0.5), (4, 0), color=GREY, fontsize=8, **where)
    ax.set_ylim(floor / 10, 2)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(range(len(widths)), [str(m) for m in widths])
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_xlabel("number of filters m")
    ax.set_ylabel("P / bound $-$ 1")
    return ax


def tile(ax, values, limit, title=""):
    """A small image of signed values, white at 0; blue for positive ones and pink for negative."""
    ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set(visible=True, linewidth=0.5, color=GREY)
    ax.set_title(title)
    return ax


def errors_in_place_and_moved(ax, errors):
    """Test errors, {method: (in place, moved)}, each as two marks on a line of its own."""
    for k, (still, moved) in enumerate(errors.values()):
        ax.plot([still, moved], [k, k], color=GREY, linewidth=0.8, zorder=1)
        names = ("moved by up to two pixels", "in place") if k == 0 else (None, None)
        ax.plot(moved, k, "s", color=ORANGE, mfc="none", markersize=9, label=names[0])
        ax.plot(still, k, "o", color=BLUE, markersize=5, label=names[1])
    ax.set_yticks(range(len(errors)), list(errors))
    ax.invert_yaxis()
    ax.set_xlim(0, None)
    ax.set_xlabel("test error")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def regions_of_classes(ax, x, y, winners, points, classes, names):
    """Which class wins (k, l) on a grid of y and x, and the samples of each class, named.

    Parameters
    ----------
    x, y : (l,) and (k,) ndarray
    winners : (k, l) ndarray of int
    points : (n, 2) ndarray
    classes : (n,) ndarray of int
    names : sequence of str
        At most five.
    """
    full, pale = zip(*CHAMBERS[: len(names)], strict=True)
    shown = {"cmap": ListedColormap(pale), "vmin": -0.5, "vmax": len(names) - 0.5}
    ax.pcolormesh(x, y, winners, rasterized=True, **shown)
    for k, (name, colour) in enumerate(zip(names, full, strict=True)):
        style = {"color": colour, "markeredgecolor": "black", "markeredgewidth": 0.4}
        ax.plot(*points[classes == k].T, "os^Dv"[k], markersize=4, label=name, **style)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    return ax


def kinks(ax, weights, names, near):
    """Lines w.(x, 1) = 0 of neurons (m, 3), with arrows to where they are active, near a point."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    near = np.asarray(near)
    for (w_1, w_2, bias), name in zip(weights, names, strict=True):
        w = np.array([w_1, w_2])
        unit = w / np.linalg.norm(w)
        foot = near - (w @ near + bias) / (w @ w) * w
        along = (right - left + high - low) * np.array([-unit[1], unit[0]])
        ax.plot(*np.stack([foot - along, foot + along], axis=1), color=GREEN)
        tip = foot + 0.12 * (right - left) * unit
        ax.annotate("", tip, foot, arrowprops={"arrowstyle": "->", "color": GREEN})
        ax.text(*(tip + 0.3 * (tip - foot)), name, ha="center", va="center")
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    return ax


def output_weights(ax, outputs, neurons, classes):
    """Output weights (m, c) as a table of colours, white at 0, with names on both sides."""
    limit = np.abs(outputs).max()
    ax.imshow(outputs.T, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto")
    ax.set_xticks(range(len(neurons)), neurons)
    ax.set_yticks(range(len(classes)), classes)
    ax.tick_params(length=0)
    return ax
