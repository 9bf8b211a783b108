"""A picture with sliders, drawn again while they move."""

import base64
import io

from matplotlib.figure import Figure


class Interactive:
    """A figure that is drawn again whenever a slider moves. Let a notebook cell end with it.

    Where no kernel runs, on a web page for instance, it is the picture at the sliders' first
    values.

    Parameters
    ----------
    draw : callable
        ``draw(fig, **values)`` draws on an empty figure from the sliders' values.
    size : tuple of float
        Width and height of the figure in inches.
    **sliders : tuple of float
        For each argument of `draw` its smallest value, its largest, its first, and the step.
    """

    def __init__(self, draw, size, **sliders):
        from ipywidgets import FloatSlider, Image, VBox

        self._draw, self._figure = draw, Figure(figsize=size)
        self.sliders = {
            name: FloatSlider(
                min=low, max=high, value=first, step=step, description=name.replace("_", " ")
            )
            for name, (low, high, first, step) in sliders.items()
        }
        self.picture = Image(value=self._drawn(), format="png")
        for slider in self.sliders.values():
            slider.observe(self._moved, "value")
        self.widget = VBox([*self.sliders.values(), self.picture])

    def _drawn(self):
        self._figure.clear()
        self._draw(self._figure, **{name: slider.value for name, slider in self.sliders.items()})
        png = io.BytesIO()
        self._figure.savefig(png, format="png")
        return png.getvalue()

    def _moved(self, change):
        self.picture.value = self._drawn()

    def __repr__(self):
        return f"Interactive({', '.join(self.sliders)}): run the notebook to move the sliders"

    def _repr_mimebundle_(self, include=None, exclude=None):
        picture = {"image/png": base64.b64encode(self.picture.value).decode()}
        return self.widget._repr_mimebundle_() | picture | {"text/plain": repr(self)}
