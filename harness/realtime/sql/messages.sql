-- Broadcasts in the database: the table realtime.messages with the functions that write to it, by the real server's
-- names (realtime-facts 5.3 and 5.6, recordings p05c), and our own helpers, named `harness_…`. Run by a superuser at
-- every start; safe to run again. Policies that somebody has made on the table stay.

create schema if not exists realtime;

do $$
declare
  missing text;
begin
  foreach missing in array array['anon', 'authenticated', 'service_role'] loop
    begin
      if to_regrole(missing) is null then
        execute format(
          'create role %I nologin noinherit %s', missing, case missing when 'service_role' then 'bypassrls' else '' end
        );
      end if;
    exception when duplicate_object or unique_violation then
      null; -- roles belong to the cluster: another database was faster
    end;
  end loop;
end
$$;

grant usage on schema realtime to anon, authenticated, service_role;

create table if not exists realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default timezone('utc', now()),
  inserted_at timestamp not null default timezone('utc', now()),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  primary key (id, inserted_at),
  constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime_messages_publication') then
    create publication supabase_realtime_messages_publication for table realtime.messages;
  end if;
end
$$;

-- The topic about which policies are asked, and that of the last realtime.send in this transaction.
create or replace function realtime.topic()
returns text
language sql stable
as $function$
  select nullif(current_setting('realtime.topic', true), '')
$function$;

-- Broadcast a payload, which gets an `id` unless it has one. Never fails: what goes wrong is a warning.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql
as $function$
declare
  message_id uuid := gen_random_uuid();
begin
  perform set_config('realtime.topic', send.topic, true);
  insert into realtime.messages (id, payload, event, topic, private, extension)
  values (
    message_id,
    case when send.payload ? 'id' then send.payload else jsonb_set(send.payload, '{id}', to_jsonb(message_id)) end,
    send.event, send.topic, send.private, 'broadcast'
  );
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$function$;

-- The same for bytes, which stay as they are.
create or replace function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
returns void
language plpgsql
as $function$
begin
  perform set_config('realtime.topic', send_binary.topic, true);
  insert into realtime.messages (id, binary_payload, event, topic, private, extension)
  values (
    gen_random_uuid(), send_binary.payload, send_binary.event, send_binary.topic, send_binary.private, 'broadcast'
  );
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$function$;

-- For row triggers: broadcast the change of a row, privately.
create or replace function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text default 'ROW'
)
returns void
language plpgsql
as $function$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object(
      'old_record', old, 'record', new, 'operation', operation, 'table', table_name, 'schema', table_schema
    ),
    event_name, topic_name
  );
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end
$function$;

-- The janitor: partitions from the day before `today` (UTC) to three days after it; those that ended more than
-- 72 hours ago are dropped.
create or replace function realtime.harness_partitions(today date)
returns void
language plpgsql
as $function$
declare
  day date;
  expired text;
begin
  perform pg_advisory_xact_lock(hashtext('realtime.harness_partitions'));
  for day in select generate_series(today - 1, today + 3, interval '1 day') loop
    execute format(
      'create table if not exists realtime.%I partition of realtime.messages for values from (%L) to (%L)',
      to_char(day, '"messages_"YYYY_MM_DD'), day::timestamp, (day + 1)::timestamp
    );
  end loop;
  for expired in
    select c.relname
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'realtime.messages'::regclass
      and c.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
      and to_date(substr(c.relname, 10), 'YYYY_MM_DD') < today - 3
  loop
    execute format('drop table if exists realtime.%I', expired);
  end loop;
end
$function$;

-- Which of the extensions `reads` a user may read on a topic, and which of `writes` he may write: row security is
-- asked with rows that are undone again. A policy that raises makes the call raise, as does a role that is none.
create or replace function realtime.harness_authorise(
  as_role text, on_topic text, claims text, headers text, reads text[], writes text[]
)
returns table (readable text[], writable text[])
language plpgsql volatile
as $function$
declare
  probes uuid[];
  wanted text;
begin
  readable := '{}';
  writable := '{}';
  begin
    with probe as (
      insert into realtime.messages (topic, extension) select on_topic, unnest(reads) returning id
    )
    select array_agg(probe.id) into probes from probe;
    perform set_config('role', as_role, true),
            set_config('realtime.topic', on_topic, true),
            set_config('request.jwt.claims', claims, true),
            set_config('request.jwt.claim.sub', claims::jsonb ->> 'sub', true),
            set_config('request.jwt.claim.role', as_role, true),
            set_config('request.headers', headers, true);
    if probes is not null then
      readable := array(select m.extension from realtime.messages m where m.id = any (probes));
    end if;
    foreach wanted in array writes loop
      begin
        insert into realtime.messages (topic, extension) values (on_topic, wanted);
        writable := writable || wanted;
      exception when insufficient_privilege then
        null; -- it may not
      end;
    end loop;
    raise sqlstate 'RTUND';
  exception when sqlstate 'RTUND' then
    null; -- undone: probes, role and settings
  end;
  return next;
end
$function$;

revoke all on function realtime.harness_partitions(date) from public;
revoke all on function realtime.harness_authorise(text, text, text, text, text[], text[]) from public;
