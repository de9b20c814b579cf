"""Boxes, arrows and text with subscripts, as SVG.

The output depends on nothing but the calls, so a diagram can be compared with a file. The text
stays text, which scales, can be searched, and is read aloud.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

COLORS = {
    "word": ("#f1f1f1", "#777777"),
    "encoder": ("#d9e8f6", "#2f6ea5"),
    "decoder": ("#dcefdc", "#3b8047"),
    "context": ("#fde3c8", "#c0661b"),
    "plain": ("#ffffff", "#555555"),
}
INK, MARKED, FAINT = "#333333", "#c0661b", "#999999"
FONTS = {
    "math": "font-family=\"'STIX Two Text','Times New Roman','DejaVu Serif',serif\"",
    "code": "font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\"",
    "note": "font-family=\"'Helvetica Neue',Arial,'DejaVu Sans',sans-serif\"",
}

Point = tuple[float, float]


class Box(NamedTuple):
    """A box and the points at which arrows meet it."""

    x: float
    y: float
    width: float
    height: float

    def left(self, dy: float = 0) -> Point:
        return self.x - self.width / 2, self.y + dy

    def right(self, dy: float = 0) -> Point:
        return self.x + self.width / 2, self.y + dy

    def top(self, dx: float = 0) -> Point:
        return self.x + dx, self.y - self.height / 2

    def bottom(self, dx: float = 0) -> Point:
        return self.x + dx, self.y + self.height / 2


class Drawing:
    """A white page of a given size in pixels. Positions are those of centers."""

    def __init__(self, width: int, height: int, title: str):
        self._size = width, height
        self._title = title
        self._parts: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        label: str = "",
        kind: str = "plain",
        *,
        width: float = 52,
        height: float = 36,
        dashed: bool = False,
        size: int = 18,
    ) -> Box:
        """Draw a box with a formula in it, in the color of a kind of tensor."""
        fill, stroke = COLORS[kind]
        self._parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" '
            f'height="{height:g}" rx="5" fill="{fill}" stroke="{stroke}" stroke-width="1.5"'
            f"{_DASHES if dashed else ''}/>"
        )
        if label:
            self.math(x, y + size * 0.32, label, size=size)
        return Box(x, y, width, height)

    def arrow(
        self,
        *points: Point,
        color: str = INK,
        dashed: bool = False,
        head: bool = True,
        width: float = 1.5,
    ) -> None:
        """Draw straight lines from point to point, with a head at the last one."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width:g}"'
            f"{_DASHES if dashed else ''}/>"
        )
        if head:
            self._head(points[-2], points[-1], color)

    def math(
        self, x: float, y: float, formula: str, *, anchor: str = "middle", size: int = 18
    ) -> None:
        """Write a formula: `s_{j-1}` has a subscript; single letters and subscripts are italic."""
        self._text(x, y, _spans(formula, size), "math", anchor, size)

    def code(self, x: float, y: float, code: str, *, anchor: str = "start", size: int = 13) -> None:
        """Write a name of the code, or a shape."""
        self._text(x, y, escape(code, quote=False), "code", anchor, size)

    def note(
        self, x: float, y: float, words: str, *, anchor: str = "start", size: int = 13
    ) -> None:
        """Write words."""
        self._text(x, y, escape(words, quote=False), "note", anchor, size)

    def over(self, box: Box, to_the_right: bool) -> None:
        """Draw the small arrow over a letter that tells the directions of an encoder apart."""
        ends = [(box.x - 10, box.y - 15), (box.x + 8, box.y - 15)]
        self.arrow(*(ends if to_the_right else ends[::-1]), width=1)

    def svg(self) -> str:
        """Return the file."""
        width, height = self._size
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" role="img">',
                f"<title>{escape(self._title, quote=False)}</title>",
                # White, as readers in dark mode see the lines on it too.
                f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
                *self._parts,
                "</svg>\n",
            ]
        )

    def _text(self, x, y, content, font, anchor, size) -> None:
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" {FONTS[font]} font-size="{size}" '
            f'text-anchor="{anchor}" fill="{INK}" xml:space="preserve">{content}</text>'
        )

    def _head(self, before, tip, color) -> None:
        (x0, y0), (x, y) = before, tip
        length = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
        along_x, along_y = (x - x0) / length * 8, (y - y0) / length * 8
        corners = [
            (x, y),
            (x - along_x - along_y / 2, y - along_y + along_x / 2),
            (x - along_x + along_y / 2, y - along_y - along_x / 2),
        ]
        path = " ".join(f"{cx:.5g},{cy:.5g}" for cx, cy in corners)
        self._parts.append(f'<polygon points="{path}" fill="{color}"/>')


_DASHES = ' stroke-dasharray="5 4"'


def _spans(formula: str, size: int) -> str:
    """Return a formula as SVG text: `a_{ij}`, `a_i`, and words of several letters upright."""
    spans, lowered = [], False
    for index, plain in re.findall(r"_(\{[^}]*\}|.)|([^_]+)", formula):
        shift = ""
        if bool(index) != lowered:
            lowered = bool(index)
            shift = f' dy="{(1 if lowered else -1) * size * 0.28:.3g}"'
        smaller = f' font-size="{size * 0.7:.3g}"' if index else ""
        letters = "".join(_italic(index.strip("{}") if index else plain, every=bool(index)))
        spans.append(f"<tspan{shift}{smaller}>{letters}</tspan>")
    return "".join(spans)


def _italic(text: str, every: bool) -> Iterator[str]:
    """Set letters in italics: every letter, or only those that are alone."""
    for part in re.findall(r"[^\W\d_]+|[\W\d_]+", text.replace("-", "−")):
        slanted = part.isalpha() and (every or len(part) == 1)
        part = escape(part, quote=False)
        yield f'<tspan font-style="italic">{part}</tspan>' if slanted else part
