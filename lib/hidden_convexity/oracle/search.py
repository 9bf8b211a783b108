"""One call of branch and bound: its cells explored in rounds, everywhere, until none is open.

What the cells are of, one output or several, is left to a few methods.
"""

import itertools
import math

import numpy as np

from hidden_convexity.foundations.compilation import working_seconds
from hidden_convexity.foundations.interruption import STOPPED, Interrupted, by_the_user
from hidden_convexity.foundations.progress import progress_bar
from hidden_convexity.oracle.box_oracle import FINEST
from hidden_convexity.oracle.boxes import explore, seed
from hidden_convexity.oracle.cluster import explored, stacks_at_once
from hidden_convexity.oracle.maximum import DualMaximum
from hidden_convexity.oracle.stacks import open_stacks
from hidden_convexity.oracle.threads import in_threads

# Work, in products, a stack gets between two meetings: a few milliseconds, then up to a second.
FIRST_WORK, MOST_WORK = 1_000_000, 100_000_000
# Open cells of each stack, the highest, from whose centres is ascended at a meeting: at most so
# many, and one for so many products with all rows as the stack was explored for. Measured at ranks
# 4 and 5, an ascent takes as long as one or two.
HIGHEST, PRODUCTS_EACH = 8, 10
# A violator ends a proof whose bound is within this factor of it, and until then only cells of a
# higher bound are split: the first have bounds that would be all that is known if time were up.
NEAR = 1.5
# No limit, where the number of cells is one.
MOST_EVER = 2**62


def explore_stack(stack, *limits):
    """`explore` of a stack, by a name that workers of a cluster can import."""
    return explore(*stack, *limits)


class Search:
    """One call of the oracle, in units in which sum |nu_i| ||x_i|| = 1.

    Parameters
    ----------
    oracle : BranchAndBound or VectorBranchAndBound
        Whose rows and budgets it keeps to.
    nu : (n,) or (n, c) ndarray
    scale : float
        The sum, not zero.
    tolerance, level, stop
        As in the call.
    found : DualMaximum
        Of the ascents.
    """

    # Open cells of a stack to ascend from; see HIGHEST.
    highest = HIGHEST

    def __init__(self, oracle, nu, scale, tolerance, level, found, stop=np.inf):
        self.oracle, self.nu, self.scale = oracle, nu, scale
        self.tolerance, self.level, self.found = tolerance, level, found
        # What ascents have reached is no reason to end: it may be a neuron that is there.
        self.stop = max(stop, (1 + FINEST) * found.value)
        self._prepare(oracle)
        self.allowance = oracle.allowance(nu) / scale
        # Below this, cells can't be told apart; what moved rows are charged is another matter.
        self.rounding = oracle.rounding(nu) / scale
        self.closed, self.cells = 0.0, 0
        self._at_once = stacks_at_once(oracle.client)

    def _prepare(self, oracle):
        """The weighted rows of each sign, and what is linear."""
        nu = self.nu
        share = nu[oracle.nonzero] * oracle.sizes[oracle.nonzero] / self.scale
        weights = np.bincount(oracle.line, share, minlength=len(oracle.lines))
        flipped = oracle.flipped
        self.linear = -share[flipped] @ oracle.lines[oracle.line[flipped]]
        weighted = weights * oracle.lines.T
        self.rows = np.ascontiguousarray(weighted[:, weights > 0]), -weighted[:, weights < 0]

    @property
    def enough(self):
        """Cells bounded by this, in scaled units, are closed."""
        goal = max(self.found.value, self.level) / self.scale
        margin = (NEAR - 1 if self.found.value > self.stop else self.tolerance) * goal
        # A maximum so small that rounding exceeds the tolerance is still told apart from more.
        return max(goal + margin - min(self.allowance, margin / 2), self.rounding)

    def run(self):
        """Explore in rounds until no cell is open or the budget ends.

        Raises
        ------
        Interrupted
            By the user, with the maximum as far as it is proven.
        """
        oracle, start = self.oracle, working_seconds()
        work = max(FIRST_WORK, 10 * self._size())
        with progress_bar(oracle.progress, desc="proof", unit="cell") as bar:
            stacks = in_threads(self._seed, self._first_cells(), worthwhile=work > FIRST_WORK)
            self.cells = len(stacks)
            stacks = open_stacks(stacks, work, oracle.max_memory, self._at_once)
            try:
                while (
                    stacks
                    and oracle.rank > 1
                    and self.cells < oracle.max_cells
                    and not self._stops(stacks)
                    and (left := oracle.max_seconds + start - working_seconds()) > 0
                ):
                    more = max(work, min(2 * work, MOST_WORK))
                    stacks = self._round(stacks, work, left)
                    stacks = open_stacks(stacks, more, oracle.max_memory, self._at_once)
                    work = more
                    bar.update(self.cells - bar.n)
            except STOPPED as stopped:
                if not by_the_user(stopped):
                    raise
                raise Interrupted(self._maximum(stacks)) from stopped
        return self._maximum(stacks)

    def _stops(self, stacks):
        """Whether a violator ends it: not while the bound is far above."""
        if self.found.value <= self.stop:
            return False
        return self._reached(stacks) * self.scale <= NEAR * self.found.value

    def _reached(self, stacks):
        """The largest bound of a cell, closed or open, in scaled units."""
        return max([self.closed, *(stack[2].max(initial=0.0) for stack in stacks)])

    def _size(self):
        """Products of all rows with one direction."""
        return sum(rows.size for rows in self.rows)

    def _round(self, stacks, work, seconds):
        """Explore the first stacks, for so much work each; all that are open then."""
        chosen, others = stacks[: self._at_once], stacks[self._at_once :]
        most_cells = max((self.oracle.max_cells - self.cells) // len(chosen), 1)
        limits = self._limits(most_cells, work)
        done = explored(self.oracle.client, self._explore(), chosen, limits, work, seconds)
        self._collect([result for result in done if result is not None], work)
        kept = zip(chosen, done, strict=True)
        return others + [
            stack if result is None else result[: len(stack)] for stack, result in kept
        ]

    def _explore(self):
        return explore_stack

    def _limits(self, most_cells, work):
        """Arguments of `explore` after those of the stack."""
        return self.enough, most_cells, work, *self._room(0)

    def _maximum(self, stacks):
        """What is proven while these stacks are open."""
        bound = (self._reached(stacks) + self.allowance) * self.scale
        directions, values = self.found.directions, self.found.values
        return DualMaximum.proven(self.oracle.X, self.nu, bound, directions, values, self.cells)

    def cover(self, max_cells):
        """Explore depth first, keeping the closed cells; see `BranchAndBound.cover`."""
        parts, pieces = [], math.factorial(self.oracle.rank - 1)
        for box in self._first_cells():
            room = self._room(max_cells // pieces - sum(len(bounds) for _, bounds in parts))
            limits = self.enough, max_cells, MOST_EVER
            *stack, _, _, _, _, kept = explore(*self._seed(box), *limits, *room)
            if len(stack[2]) or kept == len(room[1]):
                raise ValueError(
                    f"more than max_cells={max_cells} cells are needed; raise it or the tolerance"
                )
            parts.append([array[:kept] for array in room])
        boxes, bounds = map(np.concatenate, zip(*parts, strict=True))
        vertices = np.concatenate([_simplices(box) for box in boxes]) @ self.oracle.basis.T
        vertices /= np.linalg.norm(vertices, axis=2, keepdims=True)
        return vertices, (np.repeat(bounds, pieces) + self.allowance) * self.scale

    def _first_cells(self):
        """Boxes (2, rank): the faces of the cube, as centres and half-widths."""
        axes = np.eye(self.oracle.rank)
        return (np.array([s * axis, 1 - axis]) for axis in axes for s in (1.0, -1.0))

    def _seed(self, box):
        return seed(*self.rows, box, self.linear, self.enough)

    def _room(self, cells):
        """Arrays for as many closed cells."""
        rank = self.oracle.rank
        return np.empty((cells, 2, rank)), np.empty(cells)

    @staticmethod
    def _outcome(result):
        """Largest bound of a closed cell, cells, best direction and its value, of `explore`."""
        return result[5:9]

    def _collect(self, done, work):
        """Count cells, note closed bounds, and ascend from where there may be more than is known.

        That is from centres that are better, and from those of the highest open cells: violators
        that all ascents have missed were seen to be met by centres when most cells were closed.
        """
        starts, each = [], min(work // max(PRODUCTS_EACH * self._size(), 1), self.highest)
        for result in done:
            closed, cells, peak, height = self._outcome(result)
            self.closed = max(self.closed, closed)
            self.cells += cells
            boxes, bounds = result[0], result[2].max(axis=1)
            better = abs(height) * self.scale > self.found.value
            if better or (each and len(boxes)):
                starts.append(peak)
            starts.extend(boxes[np.argsort(-bounds, kind="stable")[:each], 0])
        if starts:
            known = self.found.directions
            starts = np.concatenate([known, np.array(starts) @ self.oracle.basis.T])
            self.found = self.oracle.climb(self.nu, level=self.level, starts=starts)


def _simplices(box):
    """Kuhn's simplices of a box (2, d): from one corner to the opposite one, side by side, in all
    orders of the sides; ((d-1)!, d, d)."""
    sides = np.diag(2 * box[1])[box[1] > 0]
    orders = itertools.permutations(range(len(sides)))
    paths = [np.concatenate([[box[0] - box[1]], sides[list(order)]]) for order in orders]
    return np.cumsum(paths, axis=1)
