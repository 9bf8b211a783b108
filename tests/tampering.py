"""Files of certificates that somebody has bent, and what the checker says of them."""

import numpy as np
import pytest

from hidden_convexity import verify


def tampered(path, tmp_path, **changes):
    """A copy of a file with some arrays changed; None takes one away."""
    with np.load(path) as archive:
        content = dict(archive) | changes
    other = tmp_path / "tampered.npz"
    np.savez(other, **{name: array for name, array in content.items() if array is not None})
    return other


def refused(path):
    """The name of what does not hold, for which a file is refused."""
    with pytest.raises(verify.Refused) as caught:
        verify.verify(path)
    return caught.value.name
