"""What is sparse in the convex equivalents of networks, and the functions they fit."""

import numpy as np

from hidden_convexity.companion.plotting.style import BLUE, FILLS, GREEN, GREY


def stem_sizes(ax, values, label, xlabel="index", first=1):
    """Sizes (p,) of groups, coefficients or singular values, from number `first` on; zeros grey."""
    position, active = first + np.arange(len(values)), values > 0
    ax.plot(position[~active], values[~active], "o", color=GREY, markersize=2)
    ax.vlines(position[active], 0, values[active], color=BLUE, linewidth=1.2)
    ax.plot(position[active], values[active], "o", color=BLUE, markersize=4)
    ax.set_ylim(-0.05 * values.max(), 1.1 * values.max())
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(label)
    return ax


def fit_on_line(ax, t, y, grid, fit, bends=()):
    """Points (t, y), a network's output on a grid of inputs, and where within it neurons bend."""
    ax.plot(grid, fit, color=BLUE, label="optimal network")
    ax.plot(t, y, "o", color=GREY, markersize=4, label="data")
    bends = [bend for bend in bends if grid[0] <= bend <= grid[-1]]
    if bends:
        bottom, top = ax.get_ylim()
        ax.set_ylim(bottom - 0.1 * (top - bottom), top)
        level = np.full(len(bends), bottom - 0.05 * (top - bottom))
        ax.plot(bends, level, "^", color=GREEN, markersize=5, label="bends")
    ax.set_xlim(grid[0], grid[-1])
    ax.set_xlabel("input t")
    ax.set_ylabel("output")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, columnspacing=1)
    return ax


def sizes_path(ax, betas, values, beta, label):
    """Sizes (len(betas), p) of solutions against the weight decay, and the one of the demo."""
    ax.axvline(beta, color=GREY, linestyle=":")
    ax.plot(betas, values, color=BLUE, linewidth=1.1)
    ax.set_xscale("log")
    ax.set_xlim(betas[0], betas[-1])
    ax.set_ylim(0, None)
    ax.set_xlabel(r"weight decay $\beta$")
    ax.set_ylabel(label)
    return _name_demo(ax, beta)


def rank_path(ax, betas, ranks, beta, label):
    """How many sizes of a solution are not zero (k,), against the weight decay (k,)."""
    ax.axvline(beta, color=GREY, linestyle=":")
    ax.step(betas, ranks, where="mid", color=BLUE)
    ax.set_xscale("log")
    ax.set_xlim(betas[0], betas[-1])
    ax.set_ylim(-0.1, 1.15 * max(ranks))
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel(r"weight decay $\beta$")
    ax.set_ylabel(label)
    return _name_demo(ax, beta)


def _name_demo(ax, beta):
    where = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
    style = {"va": "top", "color": GREY, "fontsize": 8}
    ax.annotate(r"demo's $\beta$", (beta, 1), (3, -2), **where, **style)
    return ax


def active_shares(ax, names, active, available):
    """How many groups, coefficients or singular values there are (k,), and how many are used."""
    position = np.arange(len(names))[::-1]
    ax.barh(position, available, color=FILLS[0], label="in the program")
    ax.barh(position, active, color=BLUE, height=0.5, label="not zero at the optimum")
    ax.set_xscale("log")
    ax.set_xlim(0.8, None)
    ax.set_yticks(position, names)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("groups, coefficients or singular values")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return ax
