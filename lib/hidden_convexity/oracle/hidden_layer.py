"""What training and certificates ask of the data, made once: coordinates, passes, oracles."""

from dataclasses import dataclass, replace

import numpy as np

from hidden_convexity.foundations.reach import SEARCH, OutOfReach
from hidden_convexity.geometry.hyperplanes import coordinates
from hidden_convexity.oracle import SEARCHED, Ascent, Exhaustive, proving_oracle, searching_oracle
from hidden_convexity.oracle.pooled import Pooled
from hidden_convexity.oracle.several_outputs import (
    VectorAscent,
    VectorCircle,
    vector_proving_oracle,
)
from hidden_convexity.problem.restricted.hinge import HingeProgram
from hidden_convexity.problem.restricted.passes import Passes, PooledPasses
from hidden_convexity.problem.restricted.program import RestrictedProgram
from hidden_convexity.problem.restricted.shared import SharedProgram


@dataclass(frozen=True, eq=False)
class HiddenLayer:
    """The rows that the neurons of a problem see, in as few coordinates as their rank allows.

    Attributes
    ----------
    basis : (d, r) ndarray
        Orthonormal columns; a neuron of weights z in the coordinates has the weights basis z.
    passes : Circle, Passes or PooledPasses
        Predictions, correlations and Gram matrices of neurons in the coordinates.
    search, last : oracle
        The one that looks for violators, and the one that is asked when it finds none.
    scope : {"global", "searched"}
        What a bound by `last` is worth.

    Notes
    -----
    With several outputs the oracles bound ||N'(Xu)_+||.
    """

    basis: np.ndarray
    passes: object
    search: object
    last: object
    scope: str

    @classmethod
    def of(cls, problem, proof, progress=False, last_starts=None, exact=False, client=None):
        """Of a problem with one output or several.

        Parameters
        ----------
        problem : TrainingProblem
        proof : bool
            Whether `last` proves; where the rank is two it always does.
        progress : bool
            Show a progress bar during proofs.
        last_starts : int or None
            Without a proof: random starts of `last`; None to ask `search` again.
        exact : bool
            Of one output: prefer an exact maximum to a fast bound where the chambers are few.
        client : distributed.Client or None
            A Dask cluster for the cells of branch and bound.

        Raises
        ------
        OutOfReach
            If a proof is: the message says how to go on.
        """
        space = coordinates(problem.pooling.rows)
        pooling = replace(problem.pooling, rows=space.rows)
        rows = pooling.signed_rows
        dropped = np.resize(space.dropped, len(rows))
        in_plane = rows.shape[1] == 2
        scope = "global" if proof or in_plane else "searched"
        if problem.y.ndim == 2:
            search = VectorCircle(rows, dropped) if in_plane else VectorAscent(rows)
            last = search
            if proof and not in_plane:
                last = _proving(vector_proving_oracle, rows, progress, dropped, client)
            elif last_starts is not None and not in_plane:
                last = VectorAscent(rows, last_starts, rng=1)
            return cls._pooled(space.basis, pooling, search, last, scope)
        if proof and not in_plane:
            last = _proving(proving_oracle, rows, exact, progress, dropped, client)
            listed = isinstance(last, Exhaustive) and len(last.arrangement) <= SEARCHED
            search = last if listed else Ascent(rows)
        else:
            search = searching_oracle(rows, dropped)
            again = in_plane or last_starts is None
            last = search if again else Ascent(rows, last_starts, rng=1)
        if pooling.averages is None and pooling.slope == 0:
            return cls(space.basis, search if in_plane else Passes(rows), search, last, scope)
        return cls._pooled(space.basis, pooling, search, last, scope)

    @classmethod
    def _pooled(cls, basis, pooling, search, last, scope):
        search, again = Pooled(search, pooling), last is search
        last = search if again else Pooled(last, pooling)
        return cls(basis, PooledPasses(pooling), search, last, scope)

    def program(self, problem):
        """The program over a few neurons of a problem on these data, at any weight decay."""
        kind = RestrictedProgram if problem.y.ndim == 1 else SharedProgram
        kind = HingeProgram if problem.loss == "hinge" else kind
        return kind(problem, self.passes, self.basis)


def _proving(oracle, *data):
    """The oracle that proves, or an OutOfReach that advises in words of who takes `proof`."""
    try:
        return oracle(*data)
    except OutOfReach as error:
        raise error.instead({"proof": SEARCH, "X": error.ways["X"]}) from None
