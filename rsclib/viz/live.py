"""A figure in a notebook that follows a computation: drawn anew in place, and the last one stays."""

from __future__ import annotations

from typing import Any

from rsclib.viz.html import figure_html


class Live:
    """One place on the page, from the first ``draw`` on, for a figure that changes as a cell runs."""

    def __init__(self) -> None:
        self._place: Any = None

    def draw(self, figure: Any, alt: str, caption: str | None = None) -> None:
        """Put a matplotlib figure there instead of the last one; it is closed.

        Args:
            alt, caption: see :func:`rsclib.viz.html.figure_html`.
        """
        from IPython.display import display

        page = figure_html(figure, alt, caption)
        data = {"text/html": page, "text/plain": f"[figure: {alt}]"}
        if self._place is None:
            self._place = display(data, raw=True, display_id=True)
        else:
            self._place.update(data, raw=True)
