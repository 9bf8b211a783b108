"""What pictures show is where the text says it is."""

import matplotlib.pyplot as plt
import numpy as np

from hidden_convexity.companion import plotting


def test_a_response_stands_below_the_moment_it_belongs_to():
    # Bursts at the rise of a cycle stood below its summit: the lower panel had margins of its own.
    t = np.arange(1823.0, 1890.0)
    fig, axes = plt.subplots(2, 1)
    plotting.rectified_outputs(axes, t, np.ones_like(t), np.ones_like(t), np.zeros_like(t))
    assert axes[0].get_xlim() == axes[1].get_xlim() == (t[0], t[-1])
    plt.close(fig)
