"""The smallest weight decay at which the zero network is optimal."""

from hidden_convexity.geometry.hyperplanes import coordinates
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.certificate import SHARP


def beta_max(X, y, loss="squared", slope=0.0, skip=False, intercept=False, sample_weight=None):
    """The smallest weight decay at which a network without neurons is optimal.

    M(y) for the squared and the hinge loss without free terms; half of that for the logistic loss,
    whose residual at the outputs 0 is y / 2, and M(y - 1/c) for the softmax loss of c classes; with
    weights, rows of these times the weights; with free terms M at the residual of their best fit.

    Parameters
    ----------
    X, y, loss, slope, skip, intercept, sample_weight
        As in `TrainingProblem`.

    Returns
    -------
    float
        From above: to rounding if the rank is 2 or the chambers are at most 100,000, otherwise, and
        with several outputs, to 1e-7.

    Raises
    ------
    TypeError, ValueError
        As `TrainingProblem`, or if a proof is out of reach.

    References
    ----------
    Theory: beta-max.
    """
    problem = TrainingProblem(X, y, 1.0, loss, slope, skip, intercept, sample_weight)
    try:
        layer = HiddenLayer.of(problem, proof=True, exact=True)
    except ValueError as error:
        rows, rank = coordinates(problem.pooling.rows).rows.shape
        raise ValueError(
            f"X must have a lower rank or fewer rows for beta_max to be proven, got {rows} "
            f"samples of rank {rank}; hidden_convexity.oracle.Ascent(X)(y).value is a lower "
            "bound, found by search"
        ) from error
    program = layer.program(problem)
    return layer.last(program.residual(program.outputs([])), tolerance=SHARP).bound
