"""Neurons that are one neuron to the solver's precision, put together."""

# Angles (radians) within which neurons may be consolidated, tried in turn.
CLOSE = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def consolidate(program, neurons, allowance, before):
    """Replace close neurons by one, if P rises by at most the allowance.

    Nor may it undo half of what has been gained on `before`, or rounds would go in circles. Without
    this they multiply around each optimal one. The sum of two is a secant step towards it.

    Parameters
    ----------
    program
        Whose `grouped(neurons, angle)` says what takes their place.
    neurons : list
    allowance, before : float
        The rise of P allowed, and P before the last step.
    """
    if not neurons:
        return []
    height = program.objective(neurons)
    limit = height + min(allowance, max(before - height, 0.0) / 2)
    for angle in CLOSE:
        grouped = program.grouped(neurons, angle)
        if len(grouped) == len(neurons):
            break
        if program.objective(grouped) <= limit:
            return grouped
    return neurons
