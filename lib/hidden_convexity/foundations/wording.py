"""Words for the reader."""


def counted(count, noun):
    """A count and its noun in words for the reader: "1 vector", "2 vectors"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
