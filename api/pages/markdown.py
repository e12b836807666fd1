"""The little Markdown that our own papers use, read into parts that a page draws: no more than stands in them.

Blocks, parted by empty lines: `#` and `##` headings, paragraphs, numbered lists, fenced code, tables with a head, and a
picture alone on its lines. Within a line: `code`, **strong**, *emphasis* and [words](address).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_PICTURE = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)")
_SPAN = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)]+)\)")
_KINDS = ("code", "strong", "em", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a line: plain, code, strong, em or link."""

    kind: str
    text: str
    address: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """h1, h2, p, code, picture, list or table. `lines` are its line, items or head; `rows` a table's rows."""

    kind: str
    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = field(default=())
    text: str = ""
    address: str = ""


def read_blocks(text: str) -> Iterator[Block]:
    """The blocks of a paper, in order."""
    gathered: list[str] = []
    fenced = False
    for line in [*text.splitlines(), ""]:
        fenced ^= line.startswith("```")
        if line or fenced:
            gathered.append(line)
        elif gathered:
            yield _block(gathered)
            gathered = []


def _block(lines: list[str]) -> Block:
    first, whole = lines[0], " ".join(lines)
    picture = _PICTURE.fullmatch(whole)
    if picture is not None:
        return Block(kind="picture", text=picture[1], address=picture[2])
    if first.startswith("```"):
        return Block(kind="code", text="\n".join(lines[1:-1]))
    if first.startswith("|"):
        head, _, *rows = [tuple(map(_line, row.strip("|").split("|"))) for row in lines]
        return Block(kind="table", lines=head, rows=tuple(rows))
    if first.startswith("1. "):
        items = re.split(r" (?=\d+\. )", re.sub(r" +", " ", whole))
        return Block(kind="list", lines=tuple(_line(item.partition(". ")[2]) for item in items))
    for mark, kind in (("# ", "h1"), ("## ", "h2")):
        if first.startswith(mark):
            return Block(kind=kind, lines=(_line(whole.removeprefix(mark)),))
    return Block(kind="p", lines=(_line(whole),))


def _line(text: str) -> Line:
    spans, at, text = [], 0, text.strip()
    for found in _SPAN.finditer(text):
        if found.start() > at:
            spans.append(Span(kind="plain", text=text[at : found.start()]))
        kind, words = next((kind, words) for kind, words in zip(_KINDS, found.groups(), strict=False) if words)
        spans.append(Span(kind=kind, text=words, address=found[5] or ""))
        at = found.end()
    return (*spans, *((Span(kind="plain", text=text[at:]),) if at < len(text) else ()))
