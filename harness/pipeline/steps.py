"""What is done in each step of a generation; `WORK` lists them by the names of the workflow."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from harness.events.event import text_hash
from harness.events.types import ImageGenerated, ImagePlaceholderGenerated, ResearchProgress
from harness.events.workflow import STEPS
from harness.pipeline.desk import Desk
from harness.pipeline.draft import Picture
from harness.pipeline.store import Content
from harness.pipeline.writing import write_sections

Result = Mapping[str, Any]
"""What the event `step_completed` tells of a step."""


async def _analyse_keywords(desk: Desk) -> Result:
    await desk.process.rest(desk.options.step_s)
    return desk.prose.analysis()


async def _generate_personas(desk: Desk) -> Result:
    await desk.process.rest(desk.options.step_s)
    desk.draft.persona = await desk.decide("SELECT_PERSONA", desk.prose.personas)
    return {"persona": desk.draft.persona.title}


async def _generate_themes(desk: Desk) -> Result:
    await desk.process.rest(desk.options.step_s)
    desk.draft.theme = await desk.decide("SELECT_THEME", desk.prose.themes)
    return {"theme": desk.draft.theme.title}


async def _plan_research(desk: Desk) -> Result:
    def offer() -> tuple[Any, ...]:
        desk.draft.queries = desk.prose.queries(desk.options.research_queries)
        return (desk.prose.plan(desk.draft.queries),)

    await desk.process.rest(desk.options.step_s)
    await desk.decide("APPROVE_PLAN", offer)
    return {"queries": list(desk.draft.queries)}


async def _research(desk: Desk) -> Result:
    sources = 0
    for number, query in enumerate(desk.draft.queries, start=1):
        await desk.process.rest(desk.options.query_s)
        found = desk.prose.findings()
        sources += found
        progress = ResearchProgress(
            query_index=number, total_queries=len(desk.draft.queries), query=query, sources_found=found
        )
        await desk.process.tell(progress)
    return {"sources": sources}


async def _synthesise(desk: Desk) -> Result:
    await desk.process.rest(desk.options.step_s)
    desk.draft.synthesis = desk.prose.synthesis()
    return {"summary": desk.draft.synthesis}


async def _outline(desk: Desk) -> Result:
    def offer() -> tuple[Any, ...]:
        desk.draft.headings = desk.prose.headings(desk.options.sections)
        return (desk.prose.outline(desk.draft.title, desk.draft.headings),)

    await desk.process.rest(desk.options.step_s)
    await desk.decide("APPROVE_OUTLINE", offer)
    desk.draft.pictures = tuple(
        Picture(placeholder_id=f"image-{number + 1}", section_index=number % desk.options.sections)
        for number in range(desk.options.images)
    )
    return {"headings": list(desk.draft.headings)}


async def _generate_images(desk: Desk) -> Result:
    for picture in desk.draft.pictures:
        description, prompt = desk.prose.image(desk.draft.headings[picture.section_index])
        await desk.process.rest(desk.options.image_s)
        placeholder = ImagePlaceholderGenerated(
            placeholder_id=picture.placeholder_id,
            section_index=picture.section_index,
            description=description,
            prompt=prompt,
        )
        await desk.process.tell(placeholder)
        await desk.process.rest(desk.options.image_s)
        file = f"{desk.process.id}/{picture.placeholder_id}.webp"
        generated = ImageGenerated(
            placeholder_id=picture.placeholder_id,
            image_url=f"https://images.example/{file}",
            gcs_path=f"gs://articles/{file}",
        )
        await desk.process.tell(generated)
    return {"images": len(desk.draft.pictures)}


async def _edit(desk: Desk) -> Result:
    await desk.process.rest(desk.options.step_s)
    text = desk.draft.text
    content = Content(
        article_id=desk.draft.article_id,
        process_id=desk.process.id,
        title=desk.draft.title,
        content=text,
        sha256=text_hash(text),
    )
    await desk.states.save_content(content)
    return {"chars": len(text)}


WORK: Final[Mapping[str, Callable[[Desk], Awaitable[Result]]]] = {
    "keyword_analyzing": _analyse_keywords,
    "persona_generating": _generate_personas,
    "theme_generating": _generate_themes,
    "research_planning": _plan_research,
    "researching": _research,
    "research_synthesizing": _synthesise,
    "outline_generating": _outline,
    "writing_sections": write_sections,
    "image_generating": _generate_images,
    "editing": _edit,
}
assert tuple(WORK) == STEPS, "each step of the workflow has its work"

MESSAGES: Final[Mapping[str, str]] = {
    "keyword_analyzing": "キーワードを分析中...",
    "persona_generating": "ペルソナ案を生成中...",
    "theme_generating": "テーマ案を生成中...",
    "research_planning": "調査計画を作成中...",
    "researching": "調査を実行中...",
    "research_synthesizing": "調査結果を統合中...",
    "outline_generating": "アウトラインを生成中...",
    "writing_sections": "本文を執筆中...",
    "image_generating": "画像を生成中...",
    "editing": "推敲中...",
}
