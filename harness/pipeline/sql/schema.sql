-- The application's tables, version 1. Run by harness/pipeline/schema.py, which puts the quoted name of the schema
-- in place of {schema}. May be run again at any time: what is there already stays as it is.
--
-- process_events and the extended fields of generated_articles_state are the specification's, to the letter. What
-- differs is decided in spec-decisions: no partitions (D-32, D-37), large texts in tables that are not published
-- (D-45, D-48), numbers from a counter row (D-16, D-34), real columns for what clients read (D-42, D-43), and the
-- row security, publication and grants that the specification leaves out (D-31).

-- Two migrations of one database take turns.
select pg_advisory_xact_lock(4817201);

create schema if not exists {schema};

create table if not exists {schema}.schema_version (
  version integer primary key,
  applied_at timestamptz not null default now()
);

do $$
begin
  if exists (select 1 from {schema}.schema_version where version > 1) then
    raise exception 'the tables in {schema} were made by a newer harness: upgrade it, or use another --schema';
  end if;
end
$$;

insert into {schema}.schema_version (version) values (1) on conflict do nothing;

-- Roles and auth functions, where no Supabase has made them already --------------------------------------------------

do $$
declare
  role_name text;
begin
  foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
    begin
      if not exists (select 1 from pg_roles where rolname = role_name) then
        execute format(
          'create role %I nologin noinherit %s',
          role_name, case role_name when 'service_role' then 'bypassrls' else '' end
        );
      end if;
    exception
      -- Roles belong to the cluster: a migration of another database was faster.
      when duplicate_object or unique_violation then null;
    end;
  end loop;

  if to_regnamespace('auth') is null then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;

  if to_regprocedure('auth.jwt()') is null then
    create function auth.jwt() returns jsonb language sql stable as $f$
      select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
      )::jsonb
    $f$;
  end if;

  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid language sql stable as $f$
      select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
      )::uuid
    $f$;
  end if;

  if to_regprocedure('auth.role()') is null then
    create function auth.role() returns text language sql stable as $f$
      select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
      )
    $f$;
  end if;
end
$$;

-- The two published tables -------------------------------------------------------------------------------------------

create table if not exists {schema}.generated_articles_state (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  status text not null default 'new',
  current_step text,
  title text,
  error_message text,
  initial_request jsonb not null default '{}'::jsonb,
  -- The context itself is in article_contexts (D-45).
  article_context_sha256 text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  -- As in the specification.
  realtime_channel text,
  last_realtime_event jsonb,
  realtime_subscriptions jsonb default '[]'::jsonb,
  executing_step text,
  step_execution_start timestamptz,
  step_execution_metadata jsonb default '{}'::jsonb,
  background_task_id text,
  task_priority integer default 5,
  retry_count integer default 0,
  max_retries integer default 3,
  user_input_timeout timestamptz,
  input_reminder_sent boolean default false,
  interaction_history jsonb default '[]'::jsonb,
  process_type text default 'article_generation',
  parent_process_id uuid references {schema}.generated_articles_state (id),
  process_tags text[] default '{}',
  step_durations jsonb default '{}'::jsonb,
  total_processing_time interval,
  estimated_completion_time timestamptz,

  -- D-42, D-43: what clients read, and how far the row is comparable with the events.
  last_event_sequence integer not null default 0,
  is_waiting_for_input boolean not null default false,
  expected_user_input text
);

create index if not exists idx_generated_articles_state_owner on {schema}.generated_articles_state (user_id, id);

create table if not exists {schema}.process_events (
  id uuid primary key default gen_random_uuid(),
  process_id uuid not null references {schema}.generated_articles_state (id) on delete cascade,

  event_type text not null,
  event_data jsonb not null default '{}'::jsonb,
  event_sequence integer not null,

  created_at timestamptz default now(),
  published_at timestamptz,
  acknowledged_by text[] default '{}',
  delivery_attempts integer default 0,

  event_category text default 'system',
  event_priority integer default 5,
  event_source text default 'backend',

  expires_at timestamptz,
  archived boolean default false,

  constraint unique_process_sequence unique (process_id, event_sequence)
);

create index if not exists idx_process_events_process_id on {schema}.process_events (process_id);
create index if not exists idx_process_events_created_at on {schema}.process_events (created_at desc);
create index if not exists idx_process_events_type on {schema}.process_events (event_type);
create index if not exists idx_process_events_category on {schema}.process_events (event_category);
create index if not exists idx_process_events_published on {schema}.process_events (published_at desc)
  where published_at is not null;
create index if not exists idx_process_events_undelivered on {schema}.process_events (process_id, event_sequence)
  where delivery_attempts < 3 and acknowledged_by = '{}';

-- Tables that are not published --------------------------------------------------------------------------------------

-- No foreign key: the last number outlives cleanup and deletion, so that no number is given twice (D-34).
create table if not exists {schema}.process_event_counters (
  process_id uuid primary key,
  last_sequence integer not null default 0
);

create table if not exists {schema}.process_event_cursors (
  process_id uuid not null references {schema}.generated_articles_state (id) on delete cascade,
  user_id uuid not null,
  up_to_sequence integer not null,
  updated_at timestamptz not null,
  primary key (process_id, user_id)
);

create table if not exists {schema}.article_contexts (
  process_id uuid primary key references {schema}.generated_articles_state (id) on delete cascade,
  context jsonb not null,
  sha256 text not null,
  updated_at timestamptz not null
);

create table if not exists {schema}.article_contents (
  article_id uuid primary key,
  process_id uuid not null unique references {schema}.generated_articles_state (id) on delete cascade,
  title text not null,
  content text not null,
  sha256 text not null,
  created_at timestamptz not null
);

-- Writing an event ---------------------------------------------------------------------------------------------------

-- Gives the event the next number of its process and inserts it; says which number, and whether it was new.
-- The counter row stays locked until the caller's transaction ends, so that within a process the order of numbers is
-- the order of commits (D-19) and a rollback leaves no hole (D-18). An id that is there already keeps its number, and
-- no number is spent (D-22): it is looked for after the lock is held, when the first attempt has ended either way.
create or replace function {schema}.publish_process_event(
  event_id uuid, of_process uuid, type_of_event text, data jsonb, category text, priority integer, source text,
  emitted_at timestamptz, out event_sequence integer, out inserted boolean
)
language plpgsql
set search_path = ''
as $$
begin
  insert into {schema}.process_event_counters (process_id) values (of_process) on conflict do nothing;
  perform 1 from {schema}.process_event_counters as c where c.process_id = of_process for update;

  select e.event_sequence into event_sequence from {schema}.process_events as e where e.id = event_id;
  inserted := not found;
  if not inserted then
    return;
  end if;

  update {schema}.process_event_counters as c
    set last_sequence = c.last_sequence + 1
    where c.process_id = of_process
    returning c.last_sequence into event_sequence;

  insert into {schema}.process_events (
    id, process_id, event_type, event_data, event_sequence, created_at, published_at,
    event_category, event_priority, event_source
  ) values (
    event_id, of_process, type_of_event, data, publish_process_event.event_sequence, clock_timestamp(), emitted_at,
    category, priority, source
  );
end
$$;

revoke all on function {schema}.publish_process_event from public;

-- Who may read what --------------------------------------------------------------------------------------------------

grant usage on schema {schema} to anon, authenticated, service_role;
grant select on {schema}.generated_articles_state, {schema}.process_events, {schema}.process_event_cursors,
  {schema}.article_contexts, {schema}.article_contents to anon, authenticated;
grant all on {schema}.schema_version, {schema}.generated_articles_state, {schema}.process_events,
  {schema}.process_event_counters, {schema}.process_event_cursors, {schema}.article_contexts,
  {schema}.article_contents to service_role;
grant execute on function {schema}.publish_process_event to service_role;

alter table {schema}.schema_version enable row level security;
alter table {schema}.generated_articles_state enable row level security;
alter table {schema}.process_events enable row level security;
alter table {schema}.process_event_counters enable row level security;
alter table {schema}.process_event_cursors enable row level security;
alter table {schema}.article_contexts enable row level security;
alter table {schema}.article_contents enable row level security;

drop policy if exists "an owner reads their own" on {schema}.generated_articles_state;
create policy "an owner reads their own" on {schema}.generated_articles_state
  for select to authenticated using (user_id = (select auth.uid()));

drop policy if exists "an owner reads their own" on {schema}.process_events;
create policy "an owner reads their own" on {schema}.process_events
  for select to authenticated using (
    exists (
      select 1 from {schema}.generated_articles_state as s
      where s.id = process_events.process_id and s.user_id = (select auth.uid())
    )
  );

drop policy if exists "an owner reads their own" on {schema}.process_event_cursors;
create policy "an owner reads their own" on {schema}.process_event_cursors
  for select to authenticated using (user_id = (select auth.uid()));

drop policy if exists "an owner reads their own" on {schema}.article_contexts;
create policy "an owner reads their own" on {schema}.article_contexts
  for select to authenticated using (
    exists (
      select 1 from {schema}.generated_articles_state as s
      where s.id = article_contexts.process_id and s.user_id = (select auth.uid())
    )
  );

drop policy if exists "an owner reads their own" on {schema}.article_contents;
create policy "an owner reads their own" on {schema}.article_contents
  for select to authenticated using (
    exists (
      select 1 from {schema}.generated_articles_state as s
      where s.id = article_contents.process_id and s.user_id = (select auth.uid())
    )
  );

-- What Realtime sees -------------------------------------------------------------------------------------------------

do $$
declare
  published regclass;
begin
  if not exists (select 1 from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
  foreach published in array array[
    '{schema}.generated_articles_state'::regclass, '{schema}.process_events'::regclass
  ] loop
    if not exists (
      select 1 from pg_publication as p
      where p.pubname = 'supabase_realtime' and (
        p.puballtables
        or exists (select 1 from pg_publication_rel as r where r.prpubid = p.oid and r.prrelid = published)
      )
    ) then
      execute format('alter publication supabase_realtime add table %s', published);
    end if;
  end loop;
end
$$;
