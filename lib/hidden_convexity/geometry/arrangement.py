"""Activation patterns of data: the chambers of a central hyperplane arrangement.

Row x_i of X cuts the weight space by the hyperplane {u : x_i.u = 0}. A chamber is an open
full-dimensional cell of this arrangement; all weights in it switch the same samples on.
"""

from dataclasses import dataclass
from math import comb

import numpy as np

from hidden_convexity.foundations.reach import OutOfReach
from hidden_convexity.foundations.validation import data_matrix, whole_number
from hidden_convexity.geometry.chambers import half_of_chambers
from hidden_convexity.geometry.drawn_gates import draw
from hidden_convexity.geometry.hyperplanes import ROUNDING, distinct_lines, row_space, unit_rows
from hidden_convexity.geometry.packed_patterns import (
    distinct_patterns,
    packed_sides,
    strictly_inside,
)

FEWER = "an X with fewer rows or columns"
WAYS = {
    "sample": "Arrangement.sample(X, count)",
    "max_chambers": "a larger max_chambers",
    "X": FEWER,
}


class TooManyChambers(OutOfReach):
    """The arrangement may have more chambers than the caller allows to hold.

    Attributes
    ----------
    count : int
        The predicted number of chambers: exact in general position, an upper bound otherwise.
    max_chambers : int
        The number allowed.
    """

    def __init__(self, count, max_chambers, ways=WAYS):
        self._given, self.ways = (count, max_chambers), dict(ways)
        self.count, self.max_chambers = count, max_chambers
        self._say(f"X may have {count:,} chambers, more than the {max_chambers:,} allowed")


def count_chambers(n, rank):
    """Number of chambers of n hyperplanes through the origin in general position.

    Parameters
    ----------
    n : int
        Number of distinct hyperplanes, >= 0.
    rank : int
        Rank of their normals, >= 0.

    Returns
    -------
    int
        2 sum_{k < rank} C(n - 1, k), and 1 where there is no hyperplane.

    References
    ----------
    Cover (1965), *Geometrical and statistical properties of systems of linear inequalities*.

    Theory: cover-count.
    """
    n, rank = whole_number(n, "n", 0), whole_number(rank, "rank", 0)
    if n == 0 or rank == 0:
        return 1
    return 2 * sum(comb(n - 1, k) for k in range(min(rank, n)))


@dataclass(frozen=True, eq=False, repr=False)
class Arrangement:
    """Distinct activation patterns of X, each with a gate strictly inside its chamber.

    Build one with `Arrangement.enumerate` (every chamber), `Arrangement.sample` (those that random
    directions meet) or `Arrangement.from_gates` (those that your directions meet).

    Attributes
    ----------
    X : (n, d) ndarray
        The data.
    gates : (d, G) ndarray
        Unit vectors, one strictly inside each chamber.
    rank : int
        Rank of X.
    complete : bool
        Whether these are all chambers (enumerated) or only those that were met.

    Notes
    -----
    Patterns are stored as bits, one per distinct hyperplane; `patterns` unpacks them.
    """

    X: np.ndarray
    gates: np.ndarray
    rank: int
    complete: bool
    _bits: np.ndarray  # (G, ceil(lines / 8)) uint8, which side of each line's hyperplane
    _line: np.ndarray  # (n,) the line of each row, -1 for a zero row
    _flipped: np.ndarray  # (n,) bool, whether the row points against its line

    @classmethod
    def enumerate(cls, X, max_chambers=1_000_000):
        """Every chamber of the arrangement of the rows of X, in general position or not.

        Parameters
        ----------
        X : (n, d) array_like
            Data, one sample a row. Zero, repeated, opposite and nearly parallel rows are welcome,
            and so is any rank.
        max_chambers : int
            Largest number of chambers to hold.

        Returns
        -------
        Arrangement

        Raises
        ------
        TypeError, ValueError
            If X is not a finite real matrix.
        TooManyChambers
            If the predicted count is above `max_chambers`; raised before any enumeration.

        Notes
        -----
        An edge of a chamber lies in a plane in which rank - 2 hyperplanes meet. We visit these
        planes and, in each, the edges in order of angle, as `geometry.chambers` explains;
        no linear program is solved. A gate is the mean of the rays at the ends of its chamber's
        edges. Chambers whose gate rounding may move out, thinner than 1e-14, can be left out.
        Memory stays within a few times G (n / 8 + 8 d) bytes, those of the answer. Edelsbrunner,
        O'Rourke and Seidel (1986) for the size of the task; Zaslavsky (1975) for degenerate counts.

        References
        ----------
        Theory: cover-count, extreme-rays.
        """
        X = data_matrix(X)
        max_chambers = whole_number(max_chambers, "max_chambers", 1)
        unit = unit_rows(X)
        nonzero = np.flatnonzero(unit.any(axis=1))
        representatives, line, flipped = distinct_lines(unit[nonzero])
        row_line, row_flipped = np.full(len(X), -1), np.zeros(len(X), dtype=bool)
        row_line[nonzero], row_flipped[nonzero] = line, flipped

        normals = unit[nonzero][representatives]
        basis = row_space(normals)
        rank = basis.shape[1]
        predicted = count_chambers(len(normals), rank)
        if predicted > max_chambers:
            raise TooManyChambers(predicted, max_chambers)
        if rank == 0:
            bits, gates = np.zeros((1, 0), dtype=np.uint8), np.eye(X.shape[1])[:, :1]
        else:
            bits, gates = half_of_chambers(normals @ basis)
            gates = basis @ gates
            kept = np.flatnonzero(strictly_inside(normals, gates, bits))
            # In an order that depends on the patterns only, not on how they were met.
            kept = kept[distinct_patterns(bits[kept])[0]]
            bits, gates = bits[kept], gates[:, kept]
            opposite = bits ^ np.packbits(np.ones(len(normals), dtype=bool))
            bits = np.concatenate([bits, opposite])
            gates = np.concatenate([gates, -gates], axis=1)
        return cls(X, gates, rank, True, bits, row_line, row_flipped)

    @classmethod
    def sample(cls, X, count, rng=0, kind="gaussian", size=None, shape=None):
        """Chambers met by random directions.

        Parameters
        ----------
        X : (n, d) array_like
            Data, one sample a row.
        count : int
            Number of directions to draw, >= 1. Directions that meet the same chamber count once, so
            there are at most `count` patterns.
        rng : int or numpy.random.Generator
            Seed, or the generator to draw from.
        kind : {"gaussian", "wedge", "sparse", "patch"}
            Directions are standard Gaussian; or cross products of random samples, of random
            sketches of them where they have many dimensions; or Gaussian on `size` random features,
            zero elsewhere; or on a patch of neighbouring ones.
        size : int, optional
            Dimensions in which cross products are taken, at most (10 by default); features that a
            sparse direction sees (the root of d); length of a patch along each axis (3).
        shape : tuple of int, optional
            How the first columns of X are laid out, for patches: (d,), a signal, by default, or an
            image's (height, width). Columns beyond, of a bias, are seen by every patch.

        Returns
        -------
        Arrangement
            With `complete` False, whatever was met. Samples on a direction, as those of a cross
            product are, are off (of opposite ones the first), and its gate is moved into the
            chamber where they are; a direction is left out if there is none.

        Raises
        ------
        TypeError, ValueError
            If X is not a finite real matrix, count < 1, or kind, size and shape are not as above.

        References
        ----------
        Wang, Kim, Chu, Subramaniam and Pilanci (2024), arXiv:2406.02806, for cross products of
        sketches.
        """
        X = data_matrix(X)
        count = whole_number(count, "count", 1)
        try:
            rng = np.random.default_rng(rng)
        except (TypeError, ValueError) as error:
            raise type(error)(f"rng must be a seed or a Generator, got {rng!r}: {error}") from error
        return cls._met(X, draw(X, count, rng, kind, size, shape))

    @classmethod
    def from_gates(cls, X, gates):
        """Chambers met by given directions.

        Parameters
        ----------
        X : (n, d) array_like
            Data, one sample a row.
        gates : (d, G) array_like
            Directions, one a column, of any length, each strictly inside a chamber. Directions
            that meet the same chamber count once.

        Returns
        -------
        Arrangement
            With `complete` False, whatever was met.

        Raises
        ------
        TypeError, ValueError
            If X or gates is not a finite real matrix, their dimensions differ, or a gate is zero
            or on the hyperplane of a row, where roundoff would choose its chamber.
        """
        X, gates = data_matrix(X), data_matrix(gates, "gates")
        if len(gates) != X.shape[1]:
            raise ValueError(
                f"gates must have {X.shape[1]} rows, one per column of X, got shape {gates.shape}"
            )
        gates = unit_rows(gates.T).T
        unit = unit_rows(X)
        on_wall = (np.abs(unit[unit.any(axis=1)] @ gates) <= ROUNDING).any(axis=0)
        bad = np.flatnonzero(on_wall | ~gates.any(axis=0))
        if bad.size:
            raise ValueError(
                f"gates must be strictly inside chambers: {bad.size} are zero or on a sample's "
                f"hyperplane, the first is column {bad[0]}; move them off it, into the chamber "
                "that you mean"
            )
        return cls._met(X, gates)

    @classmethod
    def _met(cls, X, gates):
        """The distinct chambers of unit gates (d, G)."""
        unit = unit_rows(X)
        bits = packed_sides(unit, gates)
        first = np.sort(distinct_patterns(bits)[0])
        rank = row_space(X).shape[1]
        line = np.where(unit.any(axis=1), np.arange(len(X)), -1)
        return cls(X, gates[:, first], rank, False, bits[first], line, np.zeros(len(X), bool))

    @property
    def patterns(self):
        """(n, G) bool: whether sample i is active in chamber g; a zero row never is."""
        return self.unpack(slice(None))

    def unpack(self, chambers):
        """Patterns of some chambers only, as `patterns[:, chambers]` without holding the rest."""
        bits = self._bits[chambers]
        lines = np.unpackbits(bits, axis=1, count=8 * bits.shape[1]).astype(bool)
        lines = np.concatenate([lines, np.zeros((len(lines), 1), dtype=bool)], axis=1)
        return np.ascontiguousarray((lines[:, self._line] ^ self._flipped).T)

    def __len__(self):
        return self.gates.shape[1]

    def __repr__(self):
        kind = "" if self.complete else "sampled "
        plural = "" if len(self) == 1 else "s"
        return f"Arrangement(n={len(self.X)}, rank={self.rank}, {len(self)} {kind}chamber{plural})"
