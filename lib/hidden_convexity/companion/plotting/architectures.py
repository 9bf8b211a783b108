"""What is sparse in the convex equivalents of networks, and the functions they fit."""

import numpy as np

from hidden_convexity.companion.plotting.solvers import SIGNED
from hidden_convexity.companion.plotting.style import BLUE, GREEN, GREY, ORANGE


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
    """How many groups, coefficients or singular values there are (k,), and neurons of them used."""
    position = np.arange(len(names))[::-1]
    ax.hlines(position, active, available, color=GREY, linewidth=0.8)
    hollow = {"color": BLUE, "mfc": "white", "markersize": 8}
    ax.plot(available, position, "o", label="in the program", **hollow)
    ax.plot(active, position, "o", color=BLUE, markersize=4, label="used by an optimal network")
    ax.set_xscale("log")
    ax.set_yticks(position, names)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("groups, coefficients or singular values, and neurons")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return ax


def forecast_map(ax, axis, outputs, past, weights, limit):
    """A network of two past samples and a bias: its outputs on a grid, the data, its bends.

    Parameters
    ----------
    ax : Axes
    axis : (k,) ndarray
        Coordinates of the grid, the same for both samples.
    outputs : (k, k) ndarray
    past : (n, 2) ndarray
        The earlier sample, and the later one.
    weights : (m, 3) ndarray
        Hidden weights; a neuron bends where its weights, times (past, 1), are zero.
    limit : float
        Size of an output of full colour.
    """
    extent = (axis[0], axis[-1], axis[0], axis[-1])
    ax.imshow(outputs, cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent, origin="lower")
    for a, b, c in weights:
        foot = -c * np.array([a, b]) / (a * a + b * b)
        ax.axline(foot, foot + np.array([-b, a]), color=GREEN, linewidth=0.9)
    ax.plot(*past.T, "o", color="black", markersize=1.3, markeredgewidth=0, alpha=0.4)
    ax.set_xlim(axis[0], axis[-1])
    ax.set_ylim(axis[0], axis[-1])
    ax.set_aspect("equal")
    return ax


def halves(ax, left, right, title=""):
    """Weights of a neuron on the left half of an image, and what it adds to the right half."""
    sides = [side / np.abs(side).max() for side in (left, right)]
    ax.imshow(np.concatenate(sides, axis=1), cmap=SIGNED, vmin=-1, vmax=1)
    return _image_of_halves(ax, left.shape[1], title)


def completed(ax, left, right, title=""):
    """A grey image of a given left half and of a right half, parted by a line."""
    ax.imshow(np.concatenate([left, right], axis=1), cmap="gray_r", vmin=0, vmax=1)
    return _image_of_halves(ax, left.shape[1], title)


def _image_of_halves(ax, width, title):
    ax.axvline(width - 0.5, color=ORANGE, linewidth=1.2)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set(visible=True, linewidth=0.5, color=GREY)
    ax.set_title(title)
    return ax


def spectral_lines(ax, sparse, smooth, period):
    """Sizes of a spectrum at 0, 1, ... cycles a window (k,), and of another one for comparison.

    The period is how long the window is; the strongest line is told by its own.
    """
    cycles = np.arange(len(sparse))
    ax.plot(cycles, smooth, color=GREY, linewidth=1, label="one layer (ridge)")
    used = sparse > 0
    ax.vlines(cycles[used], 0, sparse[used], color=BLUE, linewidth=1.5)
    ax.plot(cycles[used], sparse[used], "o", color=BLUE, markersize=4, label="two layers")
    ax.plot(cycles[~used], sparse[~used], "o", color=BLUE, markersize=1.5)
    top = int(sparse.argmax())
    words = f"{period / top:.1f} years"
    ax.annotate(words, (top, sparse[top]), (6, 0), textcoords="offset points", va="center")
    ax.set_ylim(0, None)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return ax


def forecast_of_a_record(ax, t, values, forecast):
    """A record, and what a network says of each sample from those before it."""
    ax.plot(t, values, color=GREY, linewidth=1, label="record")
    ax.plot(t, forecast, color=BLUE, linewidth=1.2, label="network, from the years before")
    ax.set_xlim(t[0], t[-1])
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return ax
