"""The few pieces of HTML that a report is made of; every text is escaped here and nowhere else."""

from collections.abc import Iterable, Sequence
from html import escape

from custody.kernel.clock import to_iso


def para(text: str, *, name: str = "") -> str:
    """A paragraph."""
    return f'<p class="{escape(name)}">{escape(text)}</p>' if name else f"<p>{escape(text)}</p>"


def quote(text: str) -> str:
    """Somebody's own words."""
    return f"<blockquote>{escape(text)}</blockquote>"


def heading(text: str) -> str:
    """A heading inside a section."""
    return f"<h3>{escape(text)}</h3>"


def listing(items: Iterable[str]) -> str:
    """A list; nothing if it is empty."""
    rows = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{rows}</ul>" if rows else ""


def codes(items: Iterable[str]) -> str:
    """A list of commands or digests."""
    return "<ul>" + "".join(f"<li><code>{escape(item)}</code></li>" for item in items) + "</ul>"


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a caption; the first cell of a row is its heading. Says so if there are no rows."""
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    if not body:
        return para(f"{caption}: none.")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def section(name: str, title: str, parts: Iterable[str]) -> str:
    """A section with its heading."""
    body = "\n".join(part for part in parts if part)
    head = f'<section aria-labelledby="{escape(name)}"><h2 id="{escape(name)}">{escape(title)}</h2>'
    return f"{head}\n{body}\n</section>"


def link(name: str, title: str) -> str:
    """A line of the contents."""
    return f'<li><a href="#{escape(name)}">{escape(title)}</a></li>'


def moment(at_ms: int | None) -> str:
    """A time as people read it, in UTC; a dash if it is not known."""
    return "-" if at_ms is None else f"{to_iso(at_ms)[:19].replace('T', ' ')} UTC"
