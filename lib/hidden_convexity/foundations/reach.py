"""The error of what is out of reach, with the ways on that the function called accepts."""

# Ways on from a proof: for all, and for who takes the argument `proof`.
LOWER_RANK = "an X of lower rank"
SEARCH = "proof=False to search without proof"


class OutOfReach(ValueError):
    """What was asked for is out of reach; the message ends with what to ask for instead.

    A caller that passes it on replaces the ways by those that its own function takes.

    Parameters
    ----------
    reason : str
    ways : dict of str
        What to use instead, under the name of the argument that it is for.
    """

    def __init__(self, reason, ways):
        self._given, self.ways = (reason,), dict(ways)
        self._say(reason)

    def _say(self, reason):
        *most, last = self.ways.values()
        listed = f"{', '.join(most)} or {last}" if most else last
        self.args = (f"{reason}; use {listed}",)

    def instead(self, ways):
        """The same with other ways on."""
        return type(self)(*self._given, ways)

    def without(self, argument):
        """The same without the way on by an argument."""
        return self.instead({name: way for name, way in self.ways.items() if name != argument})

    def __reduce__(self):
        # An exception is made again from its message alone, on its way out of another process.
        return type(self), (*self._given, self.ways)
