"""Ctrl-C: solvers end early with what they have."""

# What a user's interrupt may arrive as, see `by_the_user`.
STOPPED = (KeyboardInterrupt, SystemError)


def by_the_user(error):
    """Whether Ctrl-C is behind it: compiled code wraps an interrupt in SystemErrors."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
