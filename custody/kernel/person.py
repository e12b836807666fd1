"""Whose name it is, however it was typed: what is compared where people are counted.

One person: NFKC and casefolded; without accents, spaces, punctuation, marks on Latin letters and what cannot be seen;
what stands behind a comma before the rest; letters of other scripts, and odd ones of the Latin script, as the plain
Latin ones that they look like. What can be taken for another person's name (`looks_like`) may be that person, and may
be another one. Scripts that hardly anybody writes a name in have whole alphabets that look Latin: their letters are
told (`has_rare_letters`), and not compared (UTS 39 section 3.1, UAX 31 table 5).
"""

import re
import unicodedata
from functools import lru_cache

_UNSEEN = frozenset({"Cc", "Cf"})
_UNSEEN_LETTERS = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Of Default_Ignorable_Code_Point what is of another category."""
_IOTA_BELOW = "\u0345"
"""A mark that becomes a letter once it is casefolded; under a Greek letter it is a part of it by then."""
_IN_WORDS = frozenset("LNM")
_ACCENTS = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_ODD_LATIN = re.compile(r"LATIN (?:SMALL )?LETTER (?:[A-Z]+ )*([A-Z])(?: WITH .+)?")
_LOOKS = str.maketrans(
    "авекмнорстухіјѕһԁԛԝѵӏαβεζηικμνορτυχօսհոցɑ",
    "abekmhopctyxijshdqwvlabezhikmnoptyxouhnga",
)
_ALIKE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"})
_EVERYDAY = _ALIKE_SCRIPTS | {
    *("ARABIC", "BENGALI", "BOPOMOFO", "CJK", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GUJARATI", "GURMUKHI", "HANGUL"),
    *("HEBREW", "HIRAGANA", "IDEOGRAPHIC", "KANNADA", "KATAKANA", "KHMER", "LAO", "MALAYALAM", "MYANMAR", "ORIYA"),
    *("SINHALA", "TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN"),
}
_FROM_AFAR = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"))


@lru_cache(maxsize=4_096)
def fold_person(person: str) -> str:
    """What all spellings of one person have in common."""
    return "".join(_words(person)) or _seen(person)


def looks_like(one: str, other: str) -> bool:
    """Whether two names that are not one person's can be taken for each other: by letters, their order, or initials."""
    if fold_person(one) == fold_person(other):
        return False
    if _from_afar(one) == _from_afar(other):
        return True
    *mine, surname = _words(one) or [""]
    *theirs, other_surname = _words(other) or [""]
    if sorted([*mine, surname]) == sorted([*theirs, other_surname]):
        return True
    pairs = list(zip(mine, theirs, strict=False))
    fit = all(a == b or (1 in {len(a), len(b)} and a[0] == b[0]) for a, b in pairs)
    return fit and surname == other_surname and len(mine) == len(theirs)


def mixes_scripts(person: str) -> bool:
    """Whether letters of several scripts that look alike stand in one word."""
    return any(len(_ALIKE_SCRIPTS.intersection(map(_script, word))) > 1 for word in person.split())


def has_rare_letters(person: str) -> bool:
    """Whether a letter is of no script that names are written in every day; nor are clicks, which have no case."""
    return any(map(_is_rare, _seen(person)))


def _is_rare(char: str) -> bool:
    script, kind = _script(char), unicodedata.category(char)
    return bool(script) and kind != "Lm" and (script not in _EVERYDAY or (script, kind) == ("LATIN", "Lo"))


def _words(person: str) -> list[str]:
    seen = _seen(person)
    behind, comma, before = seen.partition(",")
    ordered = f"{before} {behind}" if comma else seen
    plain = "".join(map(_plain, _ACCENTS.sub("", unicodedata.normalize("NFD", ordered)).translate(_LOOKS)))
    return "".join(char if unicodedata.category(char)[0] in _IN_WORDS else " " for char in _bare(plain)).split()


def _bare(plain: str) -> str:
    """Without the marks on Latin letters, and without letters that stand as marks do, such as an apostrophe."""
    kept = list[str]()
    for char in plain:
        kind = unicodedata.category(char)
        if (kind[0] != "M" and kind != "Lm") or (kept and not kept[-1].isascii()):
            kept.append(char)
    return "".join(kept)


def _seen(person: str) -> str:
    whole = _UNSEEN_LETTERS.sub("", unicodedata.normalize("NFKC", _UNSEEN_LETTERS.sub("", person)))
    folded = unicodedata.normalize("NFKC", whole.replace(_IOTA_BELOW, "").casefold())
    seen = "".join(char for char in folded if char.isspace() or unicodedata.category(char) not in _UNSEEN)
    return " ".join(seen.split())


def _plain(char: str) -> str:
    """A Latin letter with a stroke, a hook or the like, or a small capital, without it."""
    odd = None if char.isascii() else _ODD_LATIN.fullmatch(unicodedata.name(char, ""))
    return char if odd is None else odd[1].lower()


def _from_afar(person: str) -> str:
    folded = fold_person(person)
    for seen, as_if in _FROM_AFAR:
        folded = folded.replace(seen, as_if)
    return folded


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""
