-- The same partitions, repaired as little as PostgreSQL asks for: `created_at` is in every key. Then the number of an
-- event is unique only within one instant (D-37), the months after the second have no partition (D-36), and what a
-- publication and the WAL name are the partitions (D-40).

create table {schema}.process_events (
  id uuid not null default gen_random_uuid(),
  process_id uuid not null,
  event_type text not null,
  event_data jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default now(),
  event_sequence integer not null,
  published_at timestamptz,
  acknowledged_by text[] default '{}',
  delivery_attempts integer default 0,
  event_category text default 'system',
  event_priority integer default 5,
  event_source text default 'backend',
  expires_at timestamptz,
  archived boolean default false,
  primary key (id, created_at),
  constraint unique_process_sequence unique (process_id, event_sequence, created_at)
) partition by range (created_at);

create table {schema}.process_events_{first_name} partition of {schema}.process_events
  for values from ('{first}') to ('{second}');

create table {schema}.process_events_{second_name} partition of {schema}.process_events
  for values from ('{second}') to ('{third}');
