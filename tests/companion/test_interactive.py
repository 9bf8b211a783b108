"""A picture with sliders is drawn again as they move, and stays a picture without a kernel."""

import base64
import subprocess
import sys

import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("matplotlib")
from hidden_convexity.companion import plotting


def test_it_is_drawn_at_the_first_values_and_again_when_a_slider_moves():
    drawn = []
    shown = plotting.Interactive(
        lambda fig, height: drawn.append((len(fig.axes), height, fig.subplots().plot([0, height]))),
        size=(2, 2),
        height=(0.0, 2.0, 1.0, 0.5),
    )
    first = bytes(shown.picture.value)
    shown.sliders["height"].value = 2.0
    # Each time on an empty figure.
    assert [entry[:2] for entry in drawn] == [(0, 1.0), (0, 2.0)]
    assert first.startswith(b"\x89PNG") and shown.picture.value != first
    bundle = shown._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == shown.picture.value
    assert bundle["text/plain"] == repr(shown)
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_without_matplotlib_the_plots_name_the_extra():
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "try:\n    import hidden_convexity.companion.plotting\n"
        "except ImportError as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 'pip install "hidden-convexity[notebooks]"' in run.stdout
