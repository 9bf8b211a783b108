"""One call of branch and bound with several outputs: what differs from that of one."""

import numpy as np

from hidden_convexity.geometry.hyperplanes import row_lengths
from hidden_convexity.oracle.search import Search
from hidden_convexity.oracle.several_outputs.cells import explore, seed


def explore_stack(stack, *limits):
    """`explore` of a stack, by a name that workers of a cluster can import."""
    return explore(*stack, *limits)


class VectorSearch(Search):
    """One call of the oracle, in units in which sum ||l_i|| ||x_i|| = 1 for the rows l_i of N."""

    # An ascent takes turns between u and the outputs, many times as long as one output's.
    highest = 0

    def _prepare(self, oracle):
        """The weighted rows, with their unit l_i, and what is linear."""
        N = self.nu
        shares = N[oracle.nonzero] * (oracle.sizes[oracle.nonzero] / self.scale)[:, None]
        # Rows of one line are one: (-t)_+ = (t)_+ - t.
        of_lines = np.zeros((len(oracle.lines), N.shape[1]))
        np.add.at(of_lines, oracle.line, shares)
        flipped = oracle.flipped
        self.linear = -oracle.lines[oracle.line[flipped]].T @ shares[flipped]
        sizes = row_lengths(of_lines)
        used = sizes > 0
        self.units = np.ascontiguousarray(of_lines[used] / sizes[used, None])
        self.rows = (np.ascontiguousarray((sizes[used, None] * oracle.lines[used]).T),)

    def _explore(self):
        return explore_stack

    def _limits(self, most_cells, work):
        return self.units, self.enough, most_cells, work

    def _seed(self, box):
        return seed(*self.rows, self.units, box, self.linear, self.enough)

    @staticmethod
    def _outcome(result):
        return result[6:10]
