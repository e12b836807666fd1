"""Building SVG and HTML elements as escaped text.

Attributes are given as keyword arguments; `_` in a name becomes `-`, a trailing `_` is dropped, None leaves the
attribute out. There are never inline styles: the pages' Content-Security-Policy forbids them, so looks come from
classes. Numbers are written with at most one decimal.
"""

from markupsafe import Markup, escape

Value = str | int | float | None


def element(name: str, *children: str, **attributes: Value) -> Markup:
    """One element; children that are not markup are escaped."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(children)
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup(written), inside)  # noqa: S704 - every value is escaped above


def text(words: str, *, x: float, y: float, **attributes: Value) -> Markup:
    """A line of text."""
    return element("text", words, x=x, y=y, **attributes)


def mark(*shape: str, label: str, href: str, tip_x: float, tip_y: float) -> Markup:
    """A shape that can be focused: it leads to its row in the table, and says its label on hover and focus."""
    return element(
        "a",
        element("title", label),
        *shape,
        text(label, x=tip_x, y=tip_y, class_="tip", aria_hidden="true"),
        href=href,
        class_="mark",
        aria_label=label,
        data_step="",
    )


def drawing(*children: str, width: float, height: float, labelled_by: str) -> Markup:
    """A whole drawing, scaled to the width that the page gives it."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {_plain(width)} {_plain(height)}",
        width=width,
        height=height,
        role="group",
        aria_labelledby=labelled_by,
        class_="chart",
    )


def _plain(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)
