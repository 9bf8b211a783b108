"""Objects whose arrays nobody changes by accident, wherever they have been."""

import numpy as np


class ReadOnlyArrays:
    """Copies and unpickled objects keep their arrays read-only, which NumPy alone forgets."""

    def __setstate__(self, state):
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        self.__dict__.update(state)
