"""Japanese article texts, as a language model might write them: the same generator state gives the same text.

Beside the flow, which decides when what is said. Sentences are our own patterns over word lists; people and
companies are Faker's (tech.md 11).
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from random import Random
from typing import Any, Final

from harness.events.types import Choice

KEYWORDS: Final = ("札幌", "注文住宅", "自然素材")
"""What an article is about when the request does not say."""

_READERS: Final = (
    ("子育て中の共働き夫婦", "家事の負担を減らし、子どもとの時間を増やしたい"),
    ("定年を前にした夫婦", "老後も安心して暮らせる環境を整えたい"),
    ("はじめて検討する若い世代", "失敗しない選び方を基礎から知りたい"),
    ("地元に戻った単身者", "限られた予算で納得のいくものを選びたい"),
    ("小さな会社の経営者", "信頼できる相手に長く任せたい"),
    ("比較を重ねる慎重派", "数字と事例を見てから決めたい"),
)
_ANGLES: Final = (
    ("{0}の{1}で後悔しないための完全ガイド", "費用、時期、相談先を順に整理し、{1}の全体像をつかめる構成です。"),
    ("{1}のプロが教える{2}の選び方と注意点", "現場の声をもとに、{2}の長所と短所を公平に比べます。"),
    ("{0}で{2}を選ぶ人が増えている五つの理由", "{0}ならではの事情から、{2}が選ばれる背景を解説します。"),
    ("{1}と{2}の費用はいくらかかる?内訳と節約のコツ", "見積もりの読み方から{2}の維持費まで、具体的な数字で示します。"),
    ("実例でわかる{0}の{1}:{2}のある暮らし", "三つの実例を通して、{2}のある暮らしを想像できるようにします。"),
)
_HEADINGS: Final = (
    "{0}の{1}が注目される背景",
    "{2}の基本とよくある誤解",
    "{1}にかかる費用と期間の目安",
    "失敗しない依頼先の選び方",
    "{0}の気候と{2}の相性",
    "実例に学ぶ{1}の工夫",
    "手入れと長く使うためのコツ",
    "相談から完成までの流れ",
    "よくある質問とその答え",
    "{1}で使える制度と支援",
    "{2}を選ぶ前に確かめたいこと",
    "まとめ:{0}で納得のいく{1}を",
)
_QUERIES: Final = (
    "{0} {1} 費用 相場",
    "{1} {2} デメリット",
    "{0} {2} 事例",
    "{1} 補助金 {0}",
    "{2} 手入れ 方法",
    "{0} {1} 口コミ",
    "{1} 依頼先 選び方",
)
_SUBJECTS: Final = (
    "{1}を考えるとき",
    "{0}で暮らす人にとって",
    "{2}を取り入れる場合",
    "専門家の間では",
    "近年の調査によると",
)
_TOPICS: Final = (
    "断熱性能",
    "日々の手入れ",
    "初期費用",
    "家族の健康",
    "地域の気候",
    "完成後の満足度",
    "依頼先の実績",
    "素材の質感",
)
_CLAIMS: Final = (
    "{topic}を軽く見ることはできません。",
    "{topic}が判断の分かれ目になります。",
    "まず{topic}を確かめておくと安心です。",
    "{topic}について早めに相談することをおすすめします。",
    "{topic}への関心が年々高まっています。",
    "{topic}と費用の釣り合いを考えることが大切です。",
)
_DETAILS: Final = (
    "たとえば、{company}が手がけた例では、{number}%の世帯が「{topic}に満足している」と答えました。",
    "{person}さんは「{topic}を優先して本当に良かった」と話します。",
    "目安として、検討を始めてから完成までに{number}週間ほどを見込むとよいでしょう。",
    "一方で、{topic}だけを追い求めると予算が{number}万円ほど膨らむこともあります。",
    "比べるときは、少なくとも三社から見積もりを取り、{topic}の説明を聞き比べてください。",
)
_SCENES: Final = (
    "明るい居間で過ごす家族",
    "木の質感を生かした室内",
    "雪景色の中の外観",
    "打ち合わせをする担当者",
    "素材の見本を並べた机",
)


class Prose:
    """Writes one article. Every call draws from `rng`, so asking again gives something else."""

    def __init__(self, rng: Random, *, keywords: Sequence[str] = KEYWORDS) -> None:
        self._rng = rng
        self.keywords: Final = tuple(keywords)
        place, subject, feature = (*self.keywords, *KEYWORDS[len(self.keywords) :])[:3]
        self._words: Final = (place, subject, feature)
        from faker import Faker  # here, because its import takes as long as the start of PostgreSQL's programs

        self._names = Faker("ja_JP")
        self._names.seed_instance(rng.getrandbits(32))

    def analysis(self) -> Mapping[str, Any]:
        """What keyword analysis finds."""
        volume = {word: self._rng.randrange(10, 500) * 10 for word in self.keywords}
        return {"keywords": list(self.keywords), "monthly_searches": volume, "main_keyword": self._words[1]}

    def personas(self) -> tuple[Choice, ...]:
        """Three readers to write for."""
        return tuple(
            Choice(
                index=index,
                title=f"{self._names.name()}({who})",
                description=f"{self._fill('{0}')}に住む{who}。{wish}。",
            )
            for index, (who, wish) in enumerate(self._rng.sample(_READERS, 3))
        )

    def themes(self) -> tuple[Choice, ...]:
        """Three titles with what the article would tell."""
        return tuple(
            Choice(
                index=index,
                title=self._fill(title),
                description=self._fill(description),
                keywords=(*self.keywords, topic),
            )
            for index, ((title, description), topic) in enumerate(
                zip(self._rng.sample(_ANGLES, 3), self._rng.sample(_TOPICS, 3), strict=True)
            )
        )

    def queries(self, count: int) -> tuple[str, ...]:
        """What to look up, all different."""
        return self._drawn(_QUERIES, count, "{text} {round}")

    def plan(self, queries: Sequence[str]) -> Choice:
        """A research plan to approve."""
        return Choice(index=0, title=f"調査計画:{len(queries)}件の検索", description="、".join(queries))

    def findings(self) -> int:
        """How many sources a query finds."""
        return self._rng.randrange(3, 12)

    def synthesis(self) -> str:
        """What the research amounts to."""
        return "".join(self._sentence() for _ in range(3))

    def headings(self, count: int) -> tuple[str, ...]:
        """One heading a section, all different."""
        return self._drawn(_HEADINGS, count, "{text}(その{round})")

    def outline(self, title: str, headings: Sequence[str]) -> Choice:
        """An outline to approve."""
        return Choice(index=0, title=title, description=" / ".join(headings))

    def section(self, heading: str, *, chars: int) -> str:
        """The HTML of a section: its heading and paragraphs, at least `chars` characters."""
        parts = [f"<h2>{escape(heading)}</h2>\n"]
        while sum(map(len, parts)) < chars:
            parts.append(f"<p>{''.join(self._sentence() for _ in range(self._rng.randrange(3, 6)))}</p>\n")
        return "".join(parts)

    def image(self, heading: str) -> tuple[str, str]:
        """A picture's description and the prompt for it."""
        scene = self._rng.choice(_SCENES)
        return f"{scene}(「{heading}」の挿絵)", f"{scene}、自然光、落ち着いた色調、写真のような仕上がり"

    def _sentence(self) -> str:
        topic = self._rng.choice(_TOPICS)
        if self._rng.random() < 0.3:
            detail = self._rng.choice(_DETAILS)
            return detail.format(
                topic=topic,
                number=self._rng.randrange(8, 96),
                company=self._names.company() if "{company}" in detail else "",
                person=self._names.last_name() if "{person}" in detail else "",
            )
        return f"{self._fill(self._rng.choice(_SUBJECTS))}、{self._rng.choice(_CLAIMS).format(topic=topic)}"

    def _drawn(self, patterns: Sequence[str], count: int, again: str) -> tuple[str, ...]:
        """`count` texts without repetition; where the patterns do not suffice, `again` numbers the rounds."""
        texts: list[str] = []
        while len(texts) < count:
            number = len(texts) // len(patterns) + 1
            filled = (self._fill(pattern) for pattern in self._rng.sample(patterns, len(patterns)))
            texts.extend(text if number == 1 else again.format(text=text, round=number) for text in filled)
        return tuple(texts[:count])

    def _fill(self, pattern: str) -> str:
        # Not str.format: a keyword is the user's and may hold braces.
        for place, word in enumerate(self._words):
            pattern = pattern.replace(f"{{{place}}}", word)
        return pattern


def keywords_of(initial_request: Mapping[str, Any]) -> tuple[str, ...]:
    """The keywords of a request, or `KEYWORDS` where it has none that are text."""
    given = initial_request.get("keywords")
    words = [word for word in given if isinstance(word, str) and word] if isinstance(given, list) else []
    return tuple(words) or KEYWORDS


def pieces(text: str, count: int) -> Iterator[str]:
    """Cut the text into `count` pieces of nearly equal length, none empty while there are characters enough."""
    for number in range(count):
        yield text[len(text) * number // count : len(text) * (number + 1) // count]
