"""Convex and non-convex training on real data: objectives, test errors, decisions."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, NullFormatter

from hidden_convexity.companion.folds import mean_and_error
from hidden_convexity.companion.plotting.style import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SKY,
    floor_band,
    within_floor,
)

# A method keeps its colour and marker in every picture: blue for what is certified.
METHODS = {
    "convex": (BLUE, "o", "convex, certified"),
    "adam": (ORANGE, "v", "Adam"),
    "sgd": (PINK, "^", "SGD"),
    "lbfgs": (SKY, "s", "L-BFGS"),
    "linear": (GREY, "D", "linear"),
    "lasso": ("black", "x", "Lasso"),
    "searched": (BLUE, "o", "searched neurons"),
    "random gates": (SKY, "s", "random gates"),
    "wedge gates": (PINK, "^", "wedge gates"),
    "network": (BLUE, "o", "network, certified"),
    "network, 3 atoms": (BLUE, "d", "network, on 3 atoms"),
    "network, searched": ("black", "*", "network, searched"),
    "kernel ridge": (GREEN, "s", "kernel ridge"),
    "SVM": (PINK, "^", "support vector machine"),
    "boosting": (AMBER, "v", "boosted trees"),
    "neighbours": (SKY, "P", "nearest neighbours"),
    "Volterra": ("black", "x", "Volterra, degree 3"),
    "Bayes": ("black", "_", "Bayes' rule"),
}
DECISIONS = LinearSegmentedColormap.from_list("decisions", ["#F6C7A5", "#FFFFFF", "#A9CFE8"])


def errors_along(ax, x, errors, xlabel):
    """Test errors of several methods, {method: (k,)}, along a common axis of k values."""
    for method, error in errors.items():
        colour, marker, label = METHODS[method]
        ax.plot(x, error, color=colour, marker=marker, markersize=4, label=label)
    ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xticks(x)
    ax.set_ylim(0, None)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("test error / variance")
    ax.legend()
    return ax


def excess_against_time(ax, curves, title):
    """P / bound - 1 against processor seconds, {method: [(seconds, excess), ...]}."""
    for method, runs in curves.items():
        colour, _, label = METHODS[method]
        for k, (seconds, excess) in enumerate(runs):
            wide = 1.6 if method == "convex" else 0.9
            name = None if k else label
            ax.plot(seconds, excess, color=colour, linewidth=wide, label=name)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("processor time (s)")
    ax.set_ylabel("P / proven bound $-$ 1")
    ax.set_title(title)
    return ax


def objectives_against_time(ax, curves):
    """Objectives of many runs against processor seconds, {label: [(seconds, objective), ...]}.

    The labels, three at most, are in the order of their colours: descent, then convex programs.
    """
    for (label, runs), colour in zip(curves.items(), [PINK, SKY, BLUE], strict=False):
        for k, (seconds, objective) in enumerate(runs):
            name = None if k else label
            ax.plot(seconds, objective, color=colour, linewidth=0.9, label=name)
            ax.plot(seconds[-1], objective[-1], "o", color=colour, markersize=3)
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel("processor time (s)")
    ax.set_ylabel("objective, P / n")
    return ax


def errors_at_objectives(ax, runs):
    """Test errors against final objectives, {label: (objectives, errors)}, a mark a run."""
    styles = zip([PINK, SKY, BLUE, GREY], ["^", "s", "o", "D"], strict=True)
    for (label, (objectives, errors)), (colour, marker) in zip(runs.items(), styles, strict=False):
        ax.plot(objectives, errors, marker, color=colour, markersize=4, mfc="none", label=label)
    ax.set(xscale="log", ylim=(0, 1.2 * max(max(errors) for _, errors in runs.values())))
    ax.set_xticks([0.005, 0.01, 0.02, 0.03], ["0.005", "0.01", "0.02", "0.03"])
    ax.minorticks_off()
    ax.set_xlabel("final objective, P / n")
    ax.set_ylabel("test error")
    return ax


def spread_by_width(ax, widths, values, ylabel):
    """Values (widths, seeds) of each method, {method: array}: median, range and a dot a run.

    Runs that diverged, to infinity, count in the median and are not drawn.
    """
    place = np.arange(len(widths))
    for k, (method, array) in enumerate(values.items()):
        colour, marker, label = METHODS[method]
        x = place + 0.24 * (k - (len(values) - 1) / 2)
        ended = np.where(np.isfinite(array), array, np.nan)
        low, high = np.nanmin(ended, axis=1), np.nanmax(ended, axis=1)
        ax.vlines(x, low, high, color=colour, linewidth=1.0)
        ax.plot(x, ended, "o", color=colour, markersize=3, alpha=0.4, mew=0)
        middle = {"markersize": 6, "mfc": "white", "mew": 1.2}
        ax.plot(x, np.median(array, axis=1), marker, color=colour, ls="", label=label, **middle)
    ax.set_xticks(place, [str(width) for width in widths])
    ax.set_xlabel("width m")
    ax.set_ylabel(ylabel)
    return ax


def ways_by_dimension(ax, dimensions, values, ylabel, floor=None):
    """Ways to choose neurons, {(method, gates): (k,)} over k dimensions; gates are 0 without any.

    Of each kind of gates, the most are drawn in full, fewer dashed and dotted. With a floor the
    axis is logarithmic, and values up to it are in a band.
    """
    counts = sorted({gates for _, gates in values if gates}, reverse=True)
    dashes = dict(zip(counts, ["-", "--", ":"], strict=True)) | {0: "-"}
    for (method, gates), heights in values.items():
        colour, marker, label = METHODS[method]
        name = f"{gates:,} {label}" if gates else label
        style = {"color": colour, "marker": marker, "markersize": 4, "label": name}
        shown = heights if floor is None else within_floor(np.asarray(heights), floor)
        ax.plot(dimensions, shown, dashes[gates], linewidth=1.2, **style)
    if floor is not None:
        # Curves rise out of the band on the left.
        floor_band(ax, floor, f"{floor:g} or less", side="right")
    ax.set_xscale("log", base=2)
    ax.set_xticks(dimensions, [str(d) for d in dimensions])
    ax.set_xlabel("dimension d")
    ax.set_ylabel(ylabel)
    return ax


def errors_by_case(ax, cases, errors, title):
    """Test errors in several splits, {method: k arrays}, for k named cases: mean and range."""
    place = np.arange(len(cases))
    for k, (method, found) in enumerate(errors.items()):
        colour, marker, label = METHODS[method]
        x = place + 0.11 * (k - (len(errors) - 1) / 2)
        low, high = (np.array([end(values) for values in found]) for end in (np.min, np.max))
        middle = [np.mean(values) for values in found]
        ax.vlines(x, low, high, color=colour, linewidth=1.0)
        ax.plot(x, middle, marker, color=colour, markersize=4, mfc="white", label=label)
    ax.set_xticks(place, cases)
    ax.set(title=title, ylabel="test error / variance")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def errors_over_folds(ax, errors, title):
    """Test errors {window: {method: (folds,)}}: the median of each method and its range."""
    methods = list(dict.fromkeys(method for found in errors.values() for method in found))
    for k, method in enumerate(methods):
        colour, marker, label = METHODS[method]
        shown = [(w, found[method]) for w, found in enumerate(errors.values()) if method in found]
        x = np.array([w for w, _ in shown]) + 0.11 * (k - (len(methods) - 1) / 2)
        low, high = (np.array([end(values) for _, values in shown]) for end in (np.min, np.max))
        middle = [np.median(values) for _, values in shown]
        ax.vlines(x, low, high, color=colour, linewidth=1.0)
        ax.plot(x, middle, marker, color=colour, ls="", ms=5, mfc="white", label=label)
    ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xticks(range(len(errors)), [f"{window}" for window in errors])
    ax.set(yscale="log", title=title)
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    if ax.get_subplotspec().is_last_row():
        ax.set_xlabel("samples in the window")
    ax.set_ylabel("test error / variance")
    return ax


def errors_against_seconds(ax, lines):
    """Test errors against processor time with tuning, a mark for each weight decay of a program."""
    styles = {"gated": (BLUE, "o"), "Adam, ReLU": (ORANGE, "v"), "Adam, gated": (AMBER, "^")}
    for program, (colour, marker) in styles.items():
        some = [one for one in lines if one["program"] == program]
        seconds = [one["seconds"] + one.get("tuning_seconds", 0) for one in some]
        wrong = [100 * (1 - one["test_accuracy"]) for one in some]
        ax.plot(seconds, wrong, marker, color=colour, mfc="none", label=program)
        if program == "gated":  # the others lie in one heap
            for one, x, y in zip(some, seconds, wrong, strict=True):
                ax.annotate(f"{one['share']:g}", (x, y), (4, 3), textcoords="offset points", size=7)
    ax.set(xlabel="processor time with tuning (s)", ylabel="test error (%)")
    ax.set(xlim=(0, None), ylim=(0, None))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def errors_with_their_means(ax, errors, title):
    """Test errors in per cent, {method: (folds,)}, a row each: folds, mean and standard error.

    Methods are blue where their name says certified, orange where it says Adam.
    """
    for row, (method, values) in enumerate(errors.items()):
        colour = BLUE if "certified" in method else ORANGE if "Adam" in method else GREY
        mean, error = mean_and_error(values)
        ax.plot(values, np.full(len(values), row), "o", color=colour, ms=3, alpha=0.4, mew=0)
        ax.errorbar(mean, row, xerr=error, fmt="|", color=colour, ms=9, mew=2, capsize=0)
    ax.set_yticks(range(len(errors)), list(errors))
    ax.set(xlim=(0, None), xlabel="test error (%)", title=title)
    ax.invert_yaxis()
    return ax


def denoisers(ax, errors, level):
    """Errors over the noise's power, {(method, window): (folds,)}, a row each, at one level."""
    for row, ((method, _), values) in enumerate(errors.items()):
        known = "black" if "searched" in method else BLUE
        colour = known if method.startswith("network") else GREY
        ax.plot(values, np.full(len(values), row), "o", color=colour, ms=3, alpha=0.4, mew=0)
        ax.plot(np.median(values), row, "|", color=colour, ms=10, mew=2)
    names = [f"{method}, {window}" if window else method for method, window in errors]
    ax.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xscale="log", title=f"noise {level:g}", xlabel="error / noise power")
    limits, ticks = ax.get_xlim(), (0.2, 0.5, 1, 2, 5, 10, 20)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xlim(limits)
    return ax


def active_segments(axes, at, signal, active, signs):
    """A signal (n,) at moments (n,), and below a row for each neuron where it is active (n, m)."""
    top, low = axes
    top.plot(at, signal, color=GREY)
    top.set_ylabel("amplitude (s.d.)")
    colours = np.where(signs > 0, BLUE, ORANGE)
    for row, (on, colour) in enumerate(zip(active.T, colours, strict=True)):
        low.fill_between(at, row - 0.4, row + 0.4, where=on, color=colour, linewidth=0, step="mid")
    low.set(yticks=[], ylabel="neurons", xlabel="time (samples)")
    low.invert_yaxis()
    low.margins(x=0)
    return axes


def errors_against_noise(ax, levels, errors):
    """Mean squared errors of denoisers, {name: (k,)}, against the noise's standard deviation."""
    lines = zip(errors.items(), [GREY, "black", PINK, SKY, BLUE, BLUE], strict=False)
    styles = iter(["-", "-", "-", "-", "-", "--"])
    for (name, error), colour in lines:
        ax.plot(levels, error, next(styles), color=colour, marker="o", markersize=3, label=name)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(levels, [f"{level:g}" for level in levels])
    ax.minorticks_off()
    ax.set_xlabel("noise (standard deviations of the signal)")
    ax.set_ylabel("mean squared error")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def errors_against_ratio(ax, ratios, errors, title):
    """Shares of wrong symbols {method: (k, draws)} at k signal-to-noise ratios: mean and range."""
    for k, (method, shares) in enumerate(errors.items()):
        colour, marker, label = METHODS[method]
        x = np.array(ratios) + 0.2 * (k - (len(errors) - 1) / 2)
        ax.vlines(x, shares.min(axis=1), shares.max(axis=1), color=colour, linewidth=1.0)
        ax.plot(x, shares.mean(axis=1), marker, color=colour, ms=5, mfc="white", label=label, ls="")
    ax.set(yscale="log", xticks=ratios, xlabel="signal-to-noise ratio (dB)", title=title)
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel("share of wrong symbols")
    ax.label_outer()
    return ax


def decisions(ax, x, outputs, points, labels, title):
    """The sign of a network's outputs (k, k) on a square grid, and the labelled points."""
    ax.pcolormesh(x, x, np.tanh(outputs), cmap=DECISIONS, vmin=-1, vmax=1, rasterized=True)
    ax.contour(x, x, outputs, levels=[0.0], colors="black", linewidths=0.8)
    for label, colour in ((1, BLUE), (-1, ORANGE)):
        ax.plot(*points[labels == label].T, "o", color=colour, markersize=3)
    ax.set_aspect("equal")
    ax.set_xlabel("$x_1$")
    ax.set_ylabel("$x_2$")
    ax.set_title(title)
    return ax
