"""What training costs, beside other programs, and what a proof costs as the data grow."""

from hidden_convexity.companion.plotting.style import BLUE, GREY, ORANGE, PINK, SKY

# A program keeps its colour and marker in every picture: ours blue, descent orange.
PROGRAMS = {
    "ours": (BLUE, "o"),
    "cvxpy": (SKY, "s"),
    "pyscnn": (PINK, "^"),
    "adam": (ORANGE, "v"),
}
NAMES = {
    "ours": "this library",
    "cvxpy": "CVXPY and Clarabel",
    "pyscnn": "pyscnn",
    "adam": "Adam, best of the seeds",
}


def gap_against_time(ax, curves, target=None):
    """Certified relative gap against seconds, {program: (seconds, gaps)}, on logarithmic axes."""
    for program, (seconds, gaps) in curves.items():
        colour, marker = PROGRAMS[program]
        many = len(seconds) > 20
        ax.plot(
            seconds,
            gaps,
            color=colour,
            marker=None if many else marker,
            markersize=4,
            label=NAMES[program],
        )
    if target is not None:
        ax.axhline(target, color=GREY, linewidth=0.8, linestyle=":", label="gap asked for")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("time (s)")
    ax.set_ylabel("certified relative gap")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def time_against_n(ax, times, references=None):
    """Seconds against the number of samples, {program: (n, seconds)}, and references likewise.

    A reference is a yardstick with a label of its own, drawn grey; at most three.
    """
    for program, (n, seconds) in times.items():
        colour, marker = PROGRAMS[program]
        ax.plot(n, seconds, color=colour, marker=marker, markersize=4, label=NAMES[program])
    for (label, (n, seconds)), style in zip(
        (references or {}).items(), ["--", ":", "-."], strict=False
    ):
        ax.plot(n, seconds, color=GREY, linestyle=style, linewidth=1.2, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("number of samples n")
    ax.set_ylabel("time (s)")
    ax.legend(loc="best")
    return ax


def time_of_a_proof(ax, dimensions, seconds, tolerance):
    """Seconds of one proof to a relative tolerance against the dimension, logarithmic."""
    ax.plot(dimensions, seconds, color=BLUE, marker="o", markersize=4)
    ax.set_yscale("log")
    ax.set_xticks(dimensions)
    ax.set_xlabel("dimension d (n = 1,000)")
    ax.set_ylabel(f"time of a proof to a gap of {tolerance:g} (s)")
    return ax


def cells_of_a_proof(ax, sizes, cells, chambers, tolerance, xlabel):
    """Cells that a proof needed, against n or d, beside the chambers that a list would have."""
    ax.plot(sizes, chambers, color=GREY, linestyle="--", linewidth=1, label="chambers")
    ax.plot(
        sizes,
        cells,
        color=BLUE,
        marker="o",
        markersize=4,
        label=f"cells of a proof to {tolerance:g}",
    )
    ax.set_yscale("log")
    if max(sizes) >= 100 * min(sizes):
        ax.set_xscale("log")
    else:
        ax.set_xticks(sizes)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("number")
    ax.legend(loc="upper left")
    return ax


def times_to_gap(ax, names, ours, seeds, title):
    """A line for each problem: ours, and each seed of Adam, at the seconds it took to a gap.

    Names, ours (k,) and seeds, k arrays, go together; inf is never, drawn beyond the last.
    """
    known = [one for line in (ours, *seeds) for one in line if one < float("inf")]
    never = 4 * max(known, default=1.0)
    for row, (first, others) in enumerate(zip(ours, seeds, strict=True)):
        for program, times in (("adam", others), ("ours", [first])):
            colour, marker = PROGRAMS[program]
            for one in times:
                face = colour if one < never else "white"
                place = min(one, never), row
                ax.plot(*place, marker, color=colour, markerfacecolor=face, markersize=5)
    for program, name in (("ours", "this library"), ("adam", "Adam, a seed each")):
        colour, marker = PROGRAMS[program]
        ax.plot([], [], marker, color=colour, markersize=5, label=name)
    ax.axvline(never / 2, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("time (s); behind the line: never")
    ax.set_title(title)
    return ax


def cells_of_outputs(ax, lines, xlabel, tolerance):
    """Cells that proofs of several outputs needed, {label: (sizes, cells)}."""
    for shade, (label, (sizes, cells)) in zip((BLUE, SKY, PINK, GREY), lines.items(), strict=False):
        ax.plot(sizes, cells, color=shade, marker="o", markersize=4, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(f"cells of a proof to {tolerance:g}")
    ax.set_ylim(bottom=1)
    ax.legend(loc="lower right", ncols=2)
    return ax
