-- The specification's monthly partitions, to the letter. PostgreSQL refuses the first statement: a primary key of a
-- partitioned table must include the column that it is partitioned by (D-32). Columns that the specification leaves
-- to the reader are those of its own table; the reference to the state row is not among what it shows (D-38).

create table {schema}.process_events (
  id uuid primary key default gen_random_uuid(),
  process_id uuid not null,
  event_type text not null,
  event_data jsonb not null default '{}'::jsonb,
  created_at timestamptz default now(),
  event_sequence integer not null,
  published_at timestamptz,
  acknowledged_by text[] default '{}',
  delivery_attempts integer default 0,
  event_category text default 'system',
  event_priority integer default 5,
  event_source text default 'backend',
  expires_at timestamptz,
  archived boolean default false
) partition by range (created_at);

create table {schema}.process_events_{first_name} partition of {schema}.process_events
  for values from ('{first}') to ('{second}');

create table {schema}.process_events_{second_name} partition of {schema}.process_events
  for values from ('{second}') to ('{third}');
