"""The smallest weight decay at which the zero network is optimal."""

from hidden_convexity.foundations.reach import LOWER_RANK, OutOfReach
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
        with several outputs, to 1e-7. With free terms it is M of the residual as it is computed,
        which rounds in proportion to y.

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
    except OutOfReach as error:
        layer = HiddenLayer.of(problem, proof=False)
        least = layer.search(_at_zero(layer, problem)).value
        found = f"the lower bound {least:.9g} on it, found by search"
        raise error.instead({"found": found, "X": LOWER_RANK}) from None
    return layer.last(_at_zero(layer, problem), tolerance=SHARP).bound


def _at_zero(layer, problem):
    """The residual of the network without neurons."""
    program = layer.program(problem)
    return program.residual(program.outputs([]))
