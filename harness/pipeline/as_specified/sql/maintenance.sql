-- The specification's automatic cleanup, to the letter: what was never archived is deleted after three months, then
-- `system` and `debug` events are archived after one. So important events go and heartbeats stay for ever (D-33).

create or replace function {schema}.cleanup_old_process_events() returns void as $$
begin
  delete from {schema}.process_events
  where created_at < now() - interval '3 months'
    and archived = false;

  update {schema}.process_events
  set archived = true
  where created_at < now() - interval '1 month'
    and event_category in ('system', 'debug');
end;
$$ language plpgsql;
