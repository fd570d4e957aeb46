"""The columns of the two published tables (sql/schema.sql), and which of them a row lacks.

The server leaves columns out without a word: an unchanged large value (D-46), whatever is large in a row of more
than 1 MiB (D-45), everything in an error. So whoever receives a row says what did not come.
"""

from collections.abc import Mapping
from typing import Any, Final

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "generated_articles_state": (
        "id",
        "user_id",
        "status",
        "current_step",
        "title",
        "error_message",
        "initial_request",
        "article_context_sha256",
        "created_at",
        "updated_at",
        "realtime_channel",
        "last_realtime_event",
        "realtime_subscriptions",
        "executing_step",
        "step_execution_start",
        "step_execution_metadata",
        "background_task_id",
        "task_priority",
        "retry_count",
        "max_retries",
        "user_input_timeout",
        "input_reminder_sent",
        "interaction_history",
        "process_type",
        "parent_process_id",
        "process_tags",
        "step_durations",
        "total_processing_time",
        "estimated_completion_time",
        "last_event_sequence",
        "is_waiting_for_input",
        "expected_user_input",
    ),
    "process_events": (
        "id",
        "process_id",
        "event_type",
        "event_data",
        "event_sequence",
        "created_at",
        "published_at",
        "acknowledged_by",
        "delivery_attempts",
        "event_category",
        "event_priority",
        "event_source",
        "expires_at",
        "archived",
    ),
}
"""Table → its columns, in their order. A test holds them against schema.sql."""


def missing(table: str, record: Mapping[str, Any], columns: Mapping[str, tuple[str, ...]] = COLUMNS) -> tuple[str, ...]:
    """The columns of that table which the record does not have; none for a table that is not known."""
    return tuple(column for column in columns.get(table, ()) if column not in record)
