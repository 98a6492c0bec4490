"""Figures in a notebook: sharp, small, with alternative text and a caption that every viewer shows.

A picture that is displayed as such keeps its alternative text in the metadata of the output, where
neither JupyterLab nor ``nbconvert`` looks. So figures are displayed as HTML.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from typing import Any

DPI, SHOWN = 144, 72  # drawn at twice the pixels that a page gives them, for today's screens
QUALITY = 80  # of photographs; plots are stored without loss


def webp_of(figure: Any) -> tuple[bytes, int]:
    """A matplotlib figure as a WebP file, and its width on the page in pixels; it is closed.

    Figures with a photograph or a mesh in them lose what no eye sees; plots lose nothing. Both are
    smaller than a PNG file of 256 colours.
    """
    import matplotlib.pyplot as plt
    from PIL import Image

    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.05)
    photograph = any(
        picture.get_array().ndim == 3 for axis in figure.axes for picture in axis.get_images()
    )
    plt.close(figure)
    drawn = Image.open(raw).convert("RGB")
    drawn.save(small, format="webp", lossless=not photograph, quality=QUALITY, method=6)
    return small.getvalue(), round(drawn.width * SHOWN / DPI)


def figure_html(figure: Any, alt: str, caption: str | None = None) -> str:
    """A matplotlib figure as one HTML element; the figure is closed.

    Args:
        alt: what is to be seen, for those who cannot.
        caption: what it says, one sentence, below it. None: no caption.
    """
    data, width = webp_of(figure)
    source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
    picture = f'<img alt="{html.escape(alt)}" width="{width}" src="{source}">'
    below = f"<figcaption><em>{html.escape(caption or '', quote=False)}</em></figcaption>"
    return f'<figure style="margin: 0">{picture}{below if caption else ""}</figure>'


def show(figure: Any, alt: str, caption: str | None = None) -> None:
    """Display a matplotlib figure in a notebook.

    Args:
        alt, caption: see :func:`figure_html`. The alternative text is also what a terminal prints.
    """
    from IPython.display import display

    page = figure_html(figure, alt, caption)
    display({"text/html": page, "text/plain": f"[figure: {alt}]"}, raw=True)


def slide(draw: Callable[..., Any], alt: str, caption: str | None = None, **sliders: Any) -> None:
    """Display sliders and the figure that ``draw(**values)`` returns; it follows the sliders.

    One picture is replaced in place. ``ipywidgets.interact`` captures the output of a function
    instead, whose messages now and then hang a notebook that is run without a browser.

    Args:
        alt, caption: see :func:`figure_html`; ``{names}`` of sliders are filled in.
    """
    import ipywidgets as widgets  # type: ignore[import-untyped]
    from IPython.display import display

    picture = widgets.HTML()

    def update(_: Any = None) -> None:
        values = {name: slider.value for name, slider in sliders.items()}
        words = [text.format(**values) if text else None for text in (alt, caption)]
        picture.value = figure_html(draw(**values), str(words[0]), words[1])

    for name, slider in sliders.items():
        slider.description = slider.description or name
        slider.observe(update, "value")
    update()
    display(widgets.VBox([*sliders.values(), picture]))
