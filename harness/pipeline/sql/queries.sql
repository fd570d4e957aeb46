-- The queries of store_postgres.py. Each begins with its name; what follows the name says what it is for.

-- name: create_process
-- A new row of generated_articles_state, once; times are the application's.
insert into {schema}.generated_articles_state (id, user_id, initial_request, realtime_channel, created_at, updated_at)
values ($1, $2, $3::text::jsonb, $4, $5, $5)
on conflict (id) do nothing;

-- name: publish_event
-- The event's number, and whether it was written just now (see the function in schema.sql).
select event_sequence, inserted
from {schema}.publish_process_event($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8);

-- name: publish_events
-- The same for many events, given as a JSON array of the function's arguments; the numbers in the order of the array.
select published.event_sequence
from jsonb_array_elements($1::text::jsonb) with ordinality as given (event, place)
cross join lateral jsonb_to_record(given.event) as e (
  event_id uuid, of_process uuid, type_of_event text, data jsonb, category text, priority integer, source text,
  emitted_at timestamptz
)
cross join lateral {schema}.publish_process_event(
  e.event_id, e.of_process, e.type_of_event, e.data, e.category, e.priority, e.source, e.emitted_at
) as published
order by given.place;

-- name: save_state
-- Writes the columns that are named in $2 and leaves the others as they are.
update {schema}.generated_articles_state as s set
  (
    status, current_step, title, error_message, article_context_sha256, executing_step, step_execution_start,
    step_execution_metadata, background_task_id, retry_count, max_retries, user_input_timeout, input_reminder_sent,
    interaction_history, step_durations, total_processing_time, estimated_completion_time, last_event_sequence,
    is_waiting_for_input, expected_user_input, updated_at
  ) = (
    select
      n.status, n.current_step, n.title, n.error_message, n.article_context_sha256, n.executing_step,
      n.step_execution_start, n.step_execution_metadata, n.background_task_id, n.retry_count, n.max_retries,
      n.user_input_timeout, n.input_reminder_sent, n.interaction_history, n.step_durations, n.total_processing_time,
      n.estimated_completion_time, n.last_event_sequence, n.is_waiting_for_input, n.expected_user_input, n.updated_at
    from jsonb_populate_record(s, $2::text::jsonb) as n
  )
where s.id = $1
returning s.id;

-- name: save_context
-- The process's context, whole.
insert into {schema}.article_contexts (process_id, context, sha256, updated_at)
values ($1, $2::text::jsonb, $3, $4)
on conflict (process_id) do update
  set context = excluded.context, sha256 = excluded.sha256, updated_at = excluded.updated_at;

-- name: events_since
-- One page of events after $2, at most $3, and the last number of the process, all of one moment.
select
  coalesce((select c.last_sequence from {schema}.process_event_counters as c where c.process_id = $1), 0)
    as last_sequence,
  coalesce((
    select jsonb_agg(to_jsonb(page) order by page.event_sequence)
    from (
      select * from {schema}.process_events as e
      where e.process_id = $1 and e.event_sequence > $2
      order by e.event_sequence
      limit $3
    ) as page
  ), '[]'::jsonb)::text as events;

-- name: last_sequence
-- The last number that was given in a process.
select last_sequence from {schema}.process_event_counters where process_id = $1;

-- name: state
-- The state row as JSON.
select to_jsonb(s)::text from {schema}.generated_articles_state as s where s.id = $1;

-- name: owner
-- Whose process it is.
select user_id from {schema}.generated_articles_state where id = $1;

-- name: acknowledge
-- Moves the user's cursor forward, never past the last event, and marks the rows that it passes (D-30).
with before as (
  select
    coalesce((select c.last_sequence from {schema}.process_event_counters as c where c.process_id = $1), 0) as last,
    coalesce((
      select k.up_to_sequence from {schema}.process_event_cursors as k where k.process_id = $1 and k.user_id = $2
    ), 0) as cursor
),
moved as (
  insert into {schema}.process_event_cursors as k (process_id, user_id, up_to_sequence, updated_at)
  select $1, $2, least($3::integer, b.last), $4 from before as b
  on conflict (process_id, user_id) do update
    set up_to_sequence = greatest(k.up_to_sequence, excluded.up_to_sequence), updated_at = excluded.updated_at
  returning k.up_to_sequence
),
marked as (
  update {schema}.process_events as e
  set acknowledged_by = array_append(e.acknowledged_by, $2::uuid::text), delivery_attempts = e.delivery_attempts + 1
  from before as b, moved as m
  where e.process_id = $1 and e.event_sequence > b.cursor and e.event_sequence <= m.up_to_sequence
    and not $2::uuid::text = any (e.acknowledged_by)
  returning e.id
)
select up_to_sequence from moved;

-- name: save_content
-- The finished article; once written it stays.
insert into {schema}.article_contents (article_id, process_id, title, content, sha256, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (process_id) do nothing;

-- name: content
-- The finished article.
select article_id, process_id, title, content, sha256 from {schema}.article_contents where process_id = $1;
