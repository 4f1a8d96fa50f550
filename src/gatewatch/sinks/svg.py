"""SVG elements from data: every text and attribute is escaped twice over, for the reader and for the markup."""

from __future__ import annotations

import unicodedata

import markupsafe
from markupsafe import Markup

from gatewatch.sinks.escape import ELLIPSIS, clip, escape

CHAR = 0.6  # width of a digit of the widest system font, in its size
LONGEST = 2000  # characters of a text, however long the name was
_NARROW, _BROAD = frozenset("iljI.,:;'|!()[]/ "), frozenset("mwMW@%…")


def element(name: str, *children: str | Markup, **attributes: str | float | None) -> Markup:
    """Return an element.

    Children that are no :class:`Markup` are text. Of attributes, ``class_`` is ``class``, ``a_b`` is ``a-b``, and None leaves one out.
    """
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    inner = "".join(child if isinstance(child, Markup) else markupsafe.escape(clip(child, LONGEST)) for child in children)
    return Markup(f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>")  # noqa: S704 - every part is escaped above


def text_width(text: str, size: float) -> float:
    """Return about how wide *text* is drawn, rather too wide than too narrow: no font can be asked."""
    return sum(_width(char) for char in text) * size


def label(text: str, x: float, y: float, *, room: float, size: float = 11, class_: str = "", anchor: str = "start") -> Markup:
    """Return *text* at (x, y), clipped to *room* units; what was cut can be read on hover."""
    whole = clip(text, 300)
    shown = whole
    if text_width(whole, size) > room:
        used, kept = size, 0  # the ellipsis
        while kept < len(whole) and used + _width(whole[kept]) * size <= room:
            used += _width(whole[kept]) * size
            kept += 1
        shown = whole[: max(kept, 1)] + ELLIPSIS
    cut = (element("title", clip(text, 500)),) if shown != text else ()
    return element("text", *cut, shown, x=x, y=y, font_size=size, class_=class_ or None, text_anchor=None if anchor == "start" else anchor)


def _width(char: str) -> float:
    if char in _NARROW:
        return 0.38
    if char in _BROAD or unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.74 if char.isupper() else 0.63


def picture(name: str, title: str, description: str, width: float, height: float, *children: Markup) -> Markup:
    """Return the whole picture, with *title* and *description* for who cannot see it; *name* makes its ids unique on the page."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}", width=width, height=height, role="img",
        aria_labelledby=f"{name}-title", aria_describedby=f"{name}-desc",
    )  # fmt: skip


def _value(value: str | float | None) -> str:
    if isinstance(value, str):
        return str(markupsafe.escape(escape(value)))
    return f"{value:.1f}".rstrip("0").rstrip(".") if value is not None else ""
