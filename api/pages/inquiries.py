"""What the lists need of a stored investigation: its headline and its links, without the rest of the document."""

from dataclasses import dataclass

import msgspec

from custody.store.tables import InquiryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLink:
    """One link of a stored ranking; `site` and `step` are None outside the chain."""

    site: str | None
    step: str | None
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """The answer of an investigation, likeliest link first."""

    headline: str
    links: tuple[StoredLink, ...]

    @property
    def leading(self) -> tuple[str, str | None] | None:
        """Site and step of the likeliest link; None if nothing in the chain leads."""
        first = self.links[0] if self.links else None
        return None if first is None or first.site is None else (first.site, first.step)


def stored_answer(row: InquiryRow | None) -> StoredAnswer | None:
    """The answer that was stored last; None before the first run."""
    if row is None or row.result is None:
        return None
    return msgspec.json.decode(row.result, type=StoredAnswer)
