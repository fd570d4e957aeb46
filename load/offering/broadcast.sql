-- Broadcast from the database for the application's two tables, as the vendor recommends where postgres_changes does
-- not scale: each new event and each update of a state row is sent to the private topic of its process, for its owner.
-- Run by load/offering/broadcasting.py. May be run again at any time. It stays in the database; to take it away:
--   drop function public.broadcast_process_event(), public.broadcast_process_state() cascade;
--   drop policy "the owner of a process hears its topic" on realtime.messages;

-- Several publishing processes of one run take turns.
select pg_advisory_xact_lock(4817202);

-- Whoever writes the row need not be allowed to write to realtime.messages: the functions are run as their owner.
create or replace function public.broadcast_process_event()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform realtime.broadcast_changes(
    'process:' || new.process_id, tg_op, tg_op, tg_table_name, tg_table_schema, new, old
  );
  return null;
end
$$;

create or replace function public.broadcast_process_state()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform realtime.broadcast_changes('process:' || new.id, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  return null;
end
$$;

revoke all on function public.broadcast_process_event(), public.broadcast_process_state() from public;

-- The same changes that readers ask of postgres_changes: what is acknowledged or cleaned up is nothing to them.
create or replace trigger broadcast_process_event
  after insert on public.process_events
  for each row execute function public.broadcast_process_event();

create or replace trigger broadcast_process_state
  after update on public.generated_articles_state
  for each row execute function public.broadcast_process_state();

drop policy if exists "the owner of a process hears its topic" on realtime.messages;
create policy "the owner of a process hears its topic" on realtime.messages
  for select to authenticated using (
    messages.extension = 'broadcast' and exists (
      select 1 from public.generated_articles_state as s
      where s.user_id = (select auth.uid()) and 'process:' || s.id = (select realtime.topic())
    )
  );
