"""Ctrl-C: solvers end early with what they have."""

# What a user's interrupt may arrive as, see `by_the_user`.
STOPPED = (KeyboardInterrupt, SystemError)


def by_the_user(error):
    """Whether Ctrl-C is behind it: compiled code wraps an interrupt in SystemErrors."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a call that has a valid answer all the same, `found`.

    Who does not ask for it is interrupted as by any other.
    """

    def __init__(self, found):
        super().__init__()
        self.found = found
