-- The statements of retention.py. Each begins with its name; what follows the name says what it is for.
--
-- The specification deletes what it did not archive before it archives anything, so that finished articles go and
-- heartbeats stay (D-33). Here only rows go whose news is told by rows that stay, and the counter rows stay (D-34).

-- name: archive
-- Marks rows older than $2 that are expendable and says when they expire: $3 after they were written. At least $1
-- rows, as long as there are any; all chunks of one section at once, because a part of a text is worth less than none.
-- A chunk becomes expendable with the end of its section, whose row has the whole text, and has that row's age.
update {schema}.process_events as e
set archived = true, expires_at = old.at + $3::interval
from (
  select expendable.id, expendable.at
  from (
    select c.id, c.process_id, 'section ' || (c.event_data ->> 'section_index') as part, done.created_at as at
    from {schema}.process_events as c
    join lateral (
      select max(d.created_at) as created_at
      from {schema}.process_events as d
      where d.process_id = c.process_id and d.event_type = 'section_completed'
        and d.event_data -> 'section_index' = c.event_data -> 'section_index'
        and (d.event_data ->> 'attempt')::integer >= (c.event_data ->> 'attempt')::integer
    ) as done on done.created_at is not null
    where c.event_type = 'section_chunk' and not c.archived
    union all
    select n.id, n.process_id, n.id::text, n.created_at
    from {schema}.process_events as n
    where n.event_type in ('research_progress', 'heartbeat') and not n.archived
  ) as expendable
  where expendable.at < now() - $2::interval
  order by expendable.process_id, expendable.part
  fetch first $1 rows with ties
) as old
where e.id = old.id;

-- name: delete
-- Deletes rows that are archived and expired. At least $1, as long as there are any; all chunks of one section at once.
delete from {schema}.process_events as e
using (
  select x.id
  from {schema}.process_events as x
  where x.archived and x.expires_at < now()
  order by x.process_id, case x.event_type
    when 'section_chunk' then 'section ' || (x.event_data ->> 'section_index') else x.id::text
  end
  fetch first $1 rows with ties
) as expired
where e.id = expired.id;
