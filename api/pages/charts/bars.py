"""Horizontal bars from nothing to all of it, or from one side to the other, each in a drawing of its own.

`share_bar` shows a probability, with a whisker for the range in which it moves if one kind of evidence is left out.
`weight_bar` shows decibans for (right) and against (left). The figures stand beside the bars as text, so the drawings
themselves are left out of what a screen reader says.
"""

from markupsafe import Markup

from api.pages.svg import element

LENGTH, HEIGHT, THICK = 320.0, 20.0, 11.0


def share_bar(share: float, whisker: tuple[float, float] | None = None) -> Markup:
    """A bar of a share between 0 and 1."""
    parts = [
        element("rect", x=0, y=1, width=LENGTH, height=THICK, rx=3, class_="track"),
        element("rect", x=0, y=1, width=max(share * LENGTH, 1.5), height=THICK, rx=3, class_="fill"),
    ]
    if whisker is not None:
        low, high = (max(min(end * LENGTH, LENGTH - 1), 1) for end in whisker)
        parts.append(element("path", d=f"M{low:.1f} 13v6m0 -3H{high:.1f}m0 -3v6", class_="whisker"))
    return _bar(parts)


def weight_bar(decibans: float, *, most: float) -> Markup:
    """A bar from the middle: to the right what speaks for, to the left what speaks against."""
    half = LENGTH / 2
    length = min(abs(decibans) / max(most, 1e-9), 1.0) * (half - 2)
    left = half if decibans >= 0 else half - length
    return _bar(
        [
            element("line", x1=half, x2=half, y1=0, y2=HEIGHT, class_="axis"),
            element(
                "rect",
                x=left,
                y=(HEIGHT - THICK) / 2,
                width=max(length, 1.0),
                height=THICK,
                rx=3,
                class_="fill" if decibans >= 0 else "against",
            ),
        ]
    )


def _bar(parts: list[Markup]) -> Markup:
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {LENGTH:.0f} {HEIGHT:.0f}",
        class_="stick",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )
