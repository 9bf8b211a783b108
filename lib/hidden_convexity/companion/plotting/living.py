"""Pictures that move where no kernel runs: all they need is in the HTML, and nothing is fetched."""

import base64
import io
import json
from html import escape

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

# Functions of the page, called with what a picture is made of.
_RUN_FILM = """\
(name, frames, label, texts) => {
  const root = document.getElementById(name);
  const [picture, slider, button, output] =
    ["img", "input", "button", "output"].map(tag => root.querySelector(tag));
  let playing = null;
  const show = () => {
    picture.src = frames[slider.value];
    output.textContent = label + " " + texts[slider.value];
  };
  const stop = () => { clearInterval(playing); playing = null; button.textContent = "play"; };
  slider.oninput = () => { stop(); show(); };
  button.onclick = () => {
    if (playing !== null) return stop();
    if (+slider.value === frames.length - 1) { slider.value = 0; show(); }
    button.textContent = "pause";
    playing = setInterval(() => {
      slider.value = +slider.value + 1;
      show();
      if (+slider.value === frames.length - 1) stop();
    }, 700);
  };
}"""

# A face of a convex solid is seen where its corners, in order, go round the same way as from
# outside; so no face needs sorting by its distance.
_TURN_SOLID = """\
(name, {vertices, faces, fills, names}, turn) => {
  const svg = document.getElementById(name);
  const dot = (a, b) => a.reduce((sum, x, k) => sum + x * b[k], 0);
  const times = (A, B) => A.map(row => B[0].map((_, j) => dot(row, B.map(other => other[j]))));
  const rotate = (x, y) => {
    const [c, s, C, S] = [Math.cos(x), Math.sin(x), Math.cos(y), Math.sin(y)];
    turn = times([[c, 0, s], [S * s, C, -S * c], [-C * s, S, C * c]], turn);
    draw();
  };
  const add = (tag, attributes, title) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (title) element.appendChild(
      document.createElementNS("http://www.w3.org/2000/svg", "title")).textContent = title;
    svg.appendChild(element);
  };
  const draw = () => {
    const at = vertices.map(v => [dot(turn[0], v), -dot(turn[1], v)]);
    const seen = new Set();
    svg.replaceChildren();
    faces.forEach((face, k) => {
      const area = face.reduce((sum, v, i) => {
        const w = face[(i + 1) % face.length];
        return sum + at[w][0] * at[v][1] - at[v][0] * at[w][1];
      }, 0);
      if (area <= 0) return;
      face.forEach(v => seen.add(v));
      add("polygon", {points: face.map(v => at[v].join()).join(" "), fill: fills[k],
        stroke: "black", "stroke-width": 0.008, "stroke-linejoin": "round"});
    });
    for (const v of seen) add("circle", {cx: at[v][0], cy: at[v][1], r: 0.022}, names[v]);
  };
  svg.onpointerdown = event => svg.setPointerCapture(event.pointerId);
  svg.onpointermove = event => {
    if (svg.hasPointerCapture(event.pointerId))
      rotate(event.movementX * 0.01, event.movementY * 0.01);
  };
  const keys = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  svg.onkeydown = event => {
    const step = keys[event.key];
    if (step) { event.preventDefault(); rotate(0.1 * step[0], 0.1 * step[1]); }
  };
  draw();
}"""


def _called(function, *values):
    """A script that calls a function of the page."""
    given = ", ".join(json.dumps(value) for value in values)
    return f"<script>\n({function})({given});\n</script>"


class Film:
    """One picture along a parameter, all its frames drawn beforehand. Let a cell end with it.

    A slider, which the arrow keys move too, and a button run through the frames wherever scripts
    run: in JupyterLab, in the book, without a network. Nothing moves unless it is asked to.

    Parameters
    ----------
    draw : callable
        ``draw(fig, position)`` draws a frame on an empty figure.
    size : tuple of float
        Width and height of the figure in inches.
    positions : sequence
        One for each frame.
    label : str
        What the positions are.
    alt : str
        What the film shows, for a reader who can't see it.
    name : str
        Of the element in the page: another one for each film.
    texts : sequence of str, optional
        The positions as they are shown, three digits of each by default.
    start : int, optional
        The frame that is shown at first.
    """

    def __init__(self, draw, size, positions, *, label, alt, name, texts=None, start=0):
        self._draw, self._figure = draw, Figure(figsize=size)
        self.frames = [self._drawn(position) for position in positions]
        self._texts = [f"{one:.3g}" for one in positions] if texts is None else list(texts)
        self._label, self._alt, self._name, self._start = label, alt, name, start

    def _drawn(self, position):
        self._figure.clear()
        self._draw(self._figure, position)
        drawn, picture = io.BytesIO(), io.BytesIO()
        self._figure.savefig(drawn, format="png")
        # So many colours do for a drawing, and take half the bytes.
        few = Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        few.convert("RGB").save(picture, format="webp", lossless=True, quality=100, method=6)
        return "data:image/webp;base64," + base64.b64encode(picture.getvalue()).decode()

    def __repr__(self):
        return f"Film({len(self.frames)} frames along {self._label})"

    def _repr_html_(self):
        width = self._figure.get_figwidth() * self._figure.dpi
        alt, label = escape(self._alt), escape(self._label)
        film = (
            f'<div id="{self._name}" role="group" aria-label="{label}">\n'
            f'<img alt="{alt}" src="{self.frames[self._start]}" '
            f'style="width:{round(width)}px; max-width:100%; background:#fff">\n'
            '<div style="display:flex; gap:0.8em; align-items:center">\n'
            '<button type="button">play</button>\n'
            f'<input type="range" min="0" max="{len(self.frames) - 1}" step="1" '
            f'value="{self._start}" aria-label="{label}">\n'
            f'<output aria-live="polite">{label} {self._texts[self._start]}</output>\n'
            "</div></div>\n"
        )
        return film + _called(_RUN_FILM, self._name, self.frames, self._label, self._texts)


def turning_polyhedron(vertices, faces, fills, names, *, alt, name):
    """A convex polyhedron that a reader can turn; vertices show their names when pointed at.

    Parameters
    ----------
    vertices : (k, 3) ndarray
    faces : list of int arrays
        Vertices of each polygon, in order.
    fills, names : sequences of str
        A colour for each face, a name for each vertex.
    alt : str
        What it is, for a reader who can't see it.
    name : str
        Of the element in the page.

    Returns
    -------
    IPython.display.HTML
        A drawing that turns by mouse, finger or arrow keys, wherever scripts run.
    """
    from IPython.display import HTML

    centred = vertices - vertices.mean(axis=0)
    # Rounded, so that the same polyhedron is the same text on every machine.
    centred = (centred / np.linalg.norm(centred, axis=1).max()).round(4) + 0.0
    outward = [_from_outside(centred[face], face) for face in faces]
    eye = np.array([1.0, 0.27, 0.48]) / np.linalg.norm([1.0, 0.27, 0.48])
    right = np.cross([0, 0, 1.0], eye)
    right /= np.linalg.norm(right)
    turn = np.array([right, np.cross(eye, right), eye]).round(4) + 0.0
    solid = {
        "vertices": centred.tolist(),
        "faces": [[int(v) for v in face] for face in outward],
        "fills": [str(fill) for fill in fills],
        "names": list(names),
    }
    return HTML(
        f'<svg id="{name}" viewBox="-1.08 -1.08 2.16 2.16" width="420" tabindex="0" role="img"\n'
        f' aria-label="{escape(alt)}"\n'
        ' style="max-width:100%; background:#fff; touch-action:none; cursor:grab"></svg>\n'
        + _called(_TURN_SOLID, name, solid, turn.tolist())
    )


def _from_outside(corners, face):
    """The vertices of a face in the order in which they go round anticlockwise from outside."""
    normal = np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)
    return face if normal @ corners.mean(axis=0) > 0 else face[::-1]
