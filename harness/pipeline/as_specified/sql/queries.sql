-- The queries of store.py. Each begins with its name; what follows the name says what it is for.

-- name: max_sequence
-- The number that a worker begins to count from when it first sees a process (D-16, D-17, D-34).
select event_sequence from {schema}.process_events where process_id = $1 order by event_sequence desc limit 1;

-- name: insert_events
-- Rows under the numbers that the worker has counted to; a statement, and so a transaction, of its own.
insert into {schema}.process_events (
  id, process_id, event_type, event_data, event_sequence, event_category, event_priority, event_source, published_at
)
select
  n.id, n.process_id, n.event_type, n.event_data, n.event_sequence, n.event_category, n.event_priority, n.event_source,
  n.published_at
from jsonb_populate_recordset(null::{schema}.process_events, $1::text::jsonb) as n;

-- name: update_state
-- The columns that the specification's context save writes, and no others. Null if there is no such process.
update {schema}.generated_articles_state set
  article_context = $2::text::jsonb,
  status = $3,
  current_step = $4,
  updated_at = $5,
  realtime_channel = $6,
  executing_step = $7,
  step_execution_metadata = $8::text::jsonb
where id = $1
returning id;
