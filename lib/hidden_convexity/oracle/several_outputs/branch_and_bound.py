"""The proving oracle for several outputs: cells whose number grows neither with n nor with c."""

import itertools
import time

import numpy as np

from hidden_convexity.foundations.blas import one_blas_thread
from hidden_convexity.foundations.interruption import STOPPED, Interrupted, by_the_user
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.branch_and_bound import FINEST, PATH_ROUNDING, BranchAndBound
from hidden_convexity.oracle.cluster import explored
from hidden_convexity.oracle.maximum import EPS, DualMaximum, dual_matrix
from hidden_convexity.oracle.search import Search
from hidden_convexity.oracle.several_outputs.ascent import VectorAscent
from hidden_convexity.oracle.several_outputs.cells import explore, seed
from hidden_convexity.oracle.threads import in_threads

# Budget of a call: a minute was seen to end before the proof for ten classes of images did.
SECONDS = 600.0
# Work, in products, a stack gets between two meetings: a few milliseconds, then up to a second.
FIRST_WORK, MOST_WORK = 1_000_000, 50_000_000


def explore_stack(stack, *limits):
    """`explore` of a stack, by a name that workers of a cluster can import."""
    return explore(*stack, *limits)


class VectorBranchAndBound:
    """Bound the maximum of ||N'(Xu)_+|| over ||u|| <= 1 from both sides, to a tolerance.

    Parameters
    ----------
    X : (n, d) array_like
        Data of rank at most 12 (in practice about 5), one sample a row; zero, repeated, opposite
        and dependent rows are welcome.
    random_starts : int
        Random starts of the ascents that precede the proof.
    **options
        As for `BranchAndBound`, which prepares the rows: `max_cells`, `max_seconds`, `rng`,
        `progress`, `dropped` and `client`. The default budget is ten minutes.

    Raises
    ------
    TypeError, ValueError
        As `BranchAndBound`.

    Notes
    -----
    A call whose budget ends returns the bound reached, which is valid.

    References
    ----------
    Theory: cell-bound-outputs.
    """

    def __init__(self, X, random_starts=64, **options):
        self.lines = BranchAndBound(X, random_starts=0, **{"max_seconds": SECONDS} | options)
        self.X, self.rank = self.lines.X, self.lines.rank
        self.ascent = VectorAscent(self.X, random_starts, options.get("rng", 0))

    def __repr__(self):
        n, d = self.X.shape
        return f"VectorBranchAndBound(n={n}, d={d}, rank={self.rank})"

    @property
    def max_seconds(self):
        """Budget of a call."""
        return self.lines.max_seconds

    @max_seconds.setter
    def max_seconds(self, seconds):
        self.lines.max_seconds = seconds

    def __call__(self, N, tolerance=0.0, level=0.0, starts=None):
        """The maximum of ||N'(Xu)_+|| up to the tolerance, with the local maximisers met.

        Parameters
        ----------
        N : (n, c) array_like
            Dual point.
        tolerance : float
            The proof stops at bound <= (1 + tolerance) max(value, level).
        level : float
            A value that matters: whatever lies below it need not be told apart.
        starts : (k, d) array_like or None
            Directions to ascend from as well.

        Returns
        -------
        DualMaximum
        """
        N = dual_matrix(N, self.X)
        with one_blas_thread():
            found = self.ascent(N, level=level, starts=self.lines._with_axes(starts))
            scale = float(row_lengths(N) @ self.lines._sizes)
            if scale == 0.0:
                return DualMaximum(0.0, self.allowance(N), found.directions, found.values)
            return _Search(self, N, scale, max(tolerance, FINEST), level, found).run()

    def allowance(self, N):
        """What the bound at N (n, c) includes for rounding, moved rows and `dropped`.

        That of one output, in units of sum ||l_i|| ||x_i|| for the rows l_i of N, and 2 c eps more
        for norms of c entries.
        """
        N = dual_matrix(N, self.X)
        lengths = (1 + (N.shape[1] + 4) * EPS) * row_lengths(N)
        return self.rounding(N) + self.lines._moved.charge(lengths)

    def rounding(self, N):
        """The part of the `allowance` that is not for moved rows."""
        sums = (len(N) + 2 * N.shape[1] + PATH_ROUNDING * self.rank) * np.sqrt(self.rank) * EPS
        return sums * float(row_lengths(N) @ self.lines._sizes)


class _Search(Search):
    """One call of the oracle, in units in which sum ||l_i|| ||x_i|| = 1.

    When a cell is closed is that of one output; its cells are simplicial cones.
    """

    def __init__(self, oracle, N, scale, tolerance, level, found):
        self.oracle, self.N, self.scale = oracle, N, scale
        self.tolerance, self.level, self.found = tolerance, level, found
        rows = oracle.lines
        shares = N[rows._nonzero] * (rows._sizes[rows._nonzero] / scale)[:, None]
        # Rows of one line are one: (-t)_+ = (t)_+ - t.
        of_lines = np.zeros((len(rows._lines), N.shape[1]))
        np.add.at(of_lines, rows._line, shares)
        flipped = rows._flipped
        self.linear = -rows._lines[rows._line[flipped]].T @ shares[flipped]
        sizes = row_lengths(of_lines)
        used = sizes > 0
        self.units = np.ascontiguousarray(of_lines[used] / sizes[used, None])
        self.rows = np.ascontiguousarray((sizes[used, None] * rows._lines[used]).T)
        self.allowance = oracle.allowance(N) / scale
        # Below this, cells can't be told apart; what moved rows are charged is another matter.
        self.rounding = oracle.rounding(N) / scale
        self.closed, self.cells = 0.0, 0

    def run(self):
        """As of one output; raises Interrupted."""
        oracle, options = self.oracle, self.oracle.lines
        start, work = time.monotonic(), max(FIRST_WORK, 10 * self.rows.size)
        with progress_bar(options.progress, desc="proof", unit="cell") as bar:
            stacks = in_threads(self._seed, self._first_cells(), worthwhile=work > FIRST_WORK)
            self.cells = len(stacks)
            stacks = self._open(stacks)
            try:
                while (
                    stacks
                    and oracle.rank > 1
                    and self.cells < options.max_cells
                    and (left := options.max_seconds + start - time.monotonic()) > 0
                ):
                    stacks = self._round(stacks, work, left)
                    work = max(work, min(2 * work, MOST_WORK))
                    bar.update(self.cells - bar.n)
            except STOPPED as stopped:
                if not by_the_user(stopped):
                    raise
                raise Interrupted(self._maximum(stacks)) from stopped
        return self._maximum(stacks)

    def _round(self, stacks, work, seconds):
        """Explore all stacks, for so much work each; those that are open then."""
        options = self.oracle.lines
        most_cells = max((options.max_cells - self.cells) // len(stacks), 1)
        limits = self.units, self.enough, most_cells, work
        done = explored(options.client, explore_stack, stacks, limits, work, seconds)
        self._collect([result for result in done if result is not None])
        kept = zip(stacks, done, strict=True)
        return self._open([stack if result is None else result[:6] for stack, result in kept])

    def _maximum(self, stacks):
        """What is proven while these stacks are open."""
        reached = max([self.closed, *(stack[2].max() for stack in stacks)])
        bound = (reached + self.allowance) * self.scale
        directions, values = self.found.directions, self.found.values
        return DualMaximum.proven(self.oracle.X, self.N, bound, directions, values, self.cells)

    def _first_cells(self):
        """The orthants, (rank, rank)."""
        axes = np.eye(self.oracle.rank)
        return (axes * s for s in itertools.product((1.0, -1.0), repeat=self.oracle.rank))

    def _seed(self, cone):
        return seed(self.rows, self.units, cone, self.linear, self.enough)

    def _open(self, stacks):
        """Stacks with open cells; what closed at once has its bound noted."""
        opened = []
        for stack in stacks:
            if len(stack[2]) and stack[2].max() > self.enough:
                opened.append(stack)
            elif len(stack[2]):
                self.closed = max(self.closed, float(stack[2].max()))
        return opened

    def _collect(self, done):
        """Count cells, note closed bounds, and ascend from vertices better than the incumbent."""
        peaks = []
        for *_, closed, cells, peak, height in done:
            self.closed = max(self.closed, closed)
            self.cells += cells
            if height * self.scale > self.found.value:
                peaks.append(self.oracle.lines._basis @ peak)
        if peaks:
            starts = np.concatenate([self.found.directions, peaks])
            self.found = self.oracle.ascent(self.N, level=self.level, starts=starts)
