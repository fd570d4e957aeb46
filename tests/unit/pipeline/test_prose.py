"""Texts are deterministic, varied and cut without loss."""

from random import Random

import pytest

from harness.pipeline.prose import KEYWORDS, Prose, keywords_of, pieces


def test_the_same_seed_writes_the_same() -> None:
    one, same, other = (Prose(Random(seed)) for seed in (1, 1, 2))

    texts = [pen.section("見出し", chars=800) for pen in (one, same, other)]

    assert texts[0] == texts[1] != texts[2]
    assert one.personas() == same.personas()


def test_a_section_is_html_of_at_least_the_wanted_length() -> None:
    text = Prose(Random(3)).section("札幌 & <冬>", chars=2000)

    assert text.startswith("<h2>札幌 &amp; &lt;冬&gt;</h2>\n<p>")
    assert text.endswith("</p>\n")
    assert 2000 <= len(text) < 2600
    assert "{" not in text


def test_options_are_numbered_and_differ() -> None:
    pen = Prose(Random(4))

    for options in (pen.personas(), pen.themes()):
        assert [option.index for option in options] == [0, 1, 2]
        assert len({option.title for option in options}) == 3


def test_asking_again_gives_something_else() -> None:
    pen = Prose(Random(5))

    assert pen.themes() != pen.themes()


@pytest.mark.parametrize("count", [1, 7, 30])
def test_headings_and_queries_do_not_repeat(count: int) -> None:
    pen = Prose(Random(6))

    assert len(set(pen.headings(count))) == len(set(pen.queries(count))) == count


def test_the_keywords_of_the_request_are_written_about() -> None:
    pen = Prose(Random(7), keywords=("京都", "{1}町家", "改修", "四つ目"))

    title = pen.themes()[0].title
    text = pen.section("題", chars=3000)

    assert any(word in title for word in ("京都", "町家", "改修"))
    assert "札幌" not in text + title


def test_one_keyword_is_enough() -> None:
    assert Prose(Random(8), keywords=("函館",)).analysis()["keywords"] == ["函館"]


@pytest.mark.parametrize("request_", [{}, {"keywords": "札幌"}, {"keywords": [1, ""]}, {"keywords": []}])
def test_a_request_without_keywords_gets_the_usual_ones(request_: dict[str, object]) -> None:
    assert keywords_of(request_) == KEYWORDS


def test_keywords_are_the_texts_among_what_is_given() -> None:
    assert keywords_of({"keywords": ["京都", 3, "町家"]}) == ("京都", "町家")


@pytest.mark.parametrize("count", [1, 3, 8, 11])
def test_pieces_joined_are_the_text(count: int) -> None:
    text = "札幌の冬🏔は長い。"

    cut = list(pieces(text, count))

    assert "".join(cut) == text
    assert len(cut) == count
    assert max(map(len, cut)) - min(map(len, cut)) <= 1
