"""The article while it is made."""

from harness.events.types import Choice
from harness.pipeline.draft import Draft, Picture


def test_the_article_is_its_sections_joined() -> None:
    draft = Draft(keywords=("札幌",), sections=["<p>一</p>\n", "<p>二</p>\n"])

    assert draft.text == "<p>一</p>\n<p>二</p>\n"
    assert draft.title == ""


def test_pictures_belong_to_sections() -> None:
    pictures = tuple(Picture(placeholder_id=f"image-{number}", section_index=number % 2) for number in range(3))

    draft = Draft(keywords=(), pictures=pictures)

    assert [draft.pictures_of(index) for index in range(3)] == [("image-0", "image-2"), ("image-1",), ()]


def test_the_context_is_json() -> None:
    draft = Draft(keywords=("札幌",), theme=Choice(index=1, title="題"), queries=("問",), headings=("章",))

    assert draft.context() == {
        "keywords": ["札幌"],
        "persona": None,
        "theme": {"index": 1, "title": "題", "description": "", "keywords": []},
        "queries": ["問"],
        "synthesis": "",
        "headings": ["章"],
        "sections": [],
    }
    assert draft.title == "題"
