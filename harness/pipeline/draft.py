"""The article while it is made: what the steps have brought so far."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.events.types import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image to be made for a section."""

    placeholder_id: str
    section_index: int


@dataclass(slots=True, kw_only=True)
class Draft:
    """Grows from step to step; the flow alone writes to it. `attempts` counts those of each section (D-73)."""

    keywords: tuple[str, ...]
    persona: Choice | None = None
    theme: Choice | None = None
    queries: tuple[str, ...] = ()
    synthesis: str = ""
    headings: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sections: list[str] = field(default_factory=list)
    attempts: Counter[int] = field(default_factory=Counter)
    article_id: str = ""

    @property
    def title(self) -> str:
        return self.theme.title if self.theme else ""

    @property
    def text(self) -> str:
        """The article: its sections, joined."""
        return "".join(self.sections)

    def pictures_of(self, section_index: int) -> tuple[str, ...]:
        """Placeholder ids of a section's images."""
        return tuple(one.placeholder_id for one in self.pictures if one.section_index == section_index)

    def context(self) -> Mapping[str, Any]:
        """The article context that is saved with the state, as JSON."""
        return {
            "keywords": list(self.keywords),
            "persona": self.persona.model_dump(mode="json") if self.persona else None,
            "theme": self.theme.model_dump(mode="json") if self.theme else None,
            "queries": list(self.queries),
            "synthesis": self.synthesis,
            "headings": list(self.headings),
            "sections": list(self.sections),
        }
