"""All chambers of data, which the convex programs of several rows go through."""

from hidden_convexity.geometry.arrangement import FEWER, Arrangement, TooManyChambers


def all_chambers(X):
    """The complete arrangement of X, or an error that advises in words of a row."""
    try:
        return Arrangement.enumerate(X)
    except TooManyChambers as error:
        train = "train(X, y, beta) of the row, which lists none"
        raise error.instead({"train": train, "X": FEWER}) from None
