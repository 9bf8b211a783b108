"""What a figure's SVG needs beside the drawing: a title, and nothing cut off by its edge."""

import io
from html import escape

# Points that something may reach beyond a figure's edge: half of a line's width, and roundoff. A
# letter cut by less is still read.
CUT_TOLERANCE = 1.0


def drawn(fig, name):
    """Return the bytes of a figure's SVG.

    Raises
    ------
    ValueError
        If the edge cuts what is drawn. A notebook crops its picture to the ink, and would hide it.
    """
    picture, inked = io.BytesIO(), []
    # Measured as it is drawn, by the same renderer: on pixels, letters have other widths.
    measuring = fig.canvas.mpl_connect(
        "draw_event", lambda event: inked.append(fig.get_tightbbox(event.renderer))
    )
    fig.savefig(picture, format="svg", metadata={"Date": None})
    fig.canvas.mpl_disconnect(measuring)
    ink, (width, height) = inked[-1], fig.get_size_inches()
    beyond = 72 * max(-ink.x0, -ink.y0, ink.x1 - width, ink.y1 - height)  # points an inch
    if beyond > CUT_TOLERANCE:
        raise ValueError(
            f"fig: something of {name} reaches {beyond:.0f} points beyond the edge of its "
            f"{width:g} by {height:g} inches and is cut off in the file; draw it larger, or with "
            "constrained layout"
        )
    return picture.getvalue()


def titled(picture, alt):
    """An SVG with a title, which is what a screen reader reads where there is no alt text."""
    title = f" <title>{escape(alt)}</title>\n <metadata>".encode()
    return picture.replace(b" <metadata>", title, 1)
