"""What stands on a page for what no HTML may hold, and the record keeps as it was said.

Control characters other than white space, and the code points that Unicode keeps for no character (HTML, 13.1 and
13.2.3.5).
"""

from collections.abc import Mapping

_NONE = 0xFFFD
_NO_CHARACTERS = (*range(0xFDD0, 0xFDF0), *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF)))
SIGNS: Mapping[int, int] = (
    {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\f\r"}
    | {0x7F: 0x2421}
    | dict.fromkeys((*range(0x80, 0xA0), *_NO_CHARACTERS), _NONE)
)


def shown_text(text: str) -> str:
    """The text with a sign in the place of each of these."""
    return text.translate(SIGNS)
