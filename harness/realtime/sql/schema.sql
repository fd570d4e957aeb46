-- What the server needs inside the database, in the schema `realtime`: the subscriptions, by the names that the real
-- server gives them, and functions that are all named `harness_…` so that they cannot collide with the real ones.
-- Run by a superuser at every start; safe to run again.

create schema if not exists realtime;

do $block$
begin
  if to_regtype('realtime.equality_op') is null then
    create type realtime.equality_op as enum (
      'eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'in', 'like', 'ilike', 'is', 'match', 'imatch', 'isdistinct'
    );
  end if;
  if to_regtype('realtime.user_defined_filter') is null then
    create type realtime.user_defined_filter as (
      column_name text, op realtime.equality_op, value text, negate boolean
    );
  end if;
end
$block$;

create or replace function realtime.to_regrole(role_name text)
returns regrole
language sql immutable set search_path = ''
as $function$ select pg_catalog.quote_ident(role_name)::pg_catalog.regrole $function$;

-- One row for each table that a binding names (realtime-facts 4.1). `id` is what the server knows it by.
create table if not exists realtime.subscription (
  id bigint generated always as identity primary key,
  subscription_id uuid not null,
  entity regclass not null,
  filters realtime.user_defined_filter[] not null default '{}',
  claims jsonb not null,
  claims_role regrole not null generated always as (realtime.to_regrole(claims ->> 'role')) stored,
  created_at timestamp not null default timezone('utc', now()),
  action_filter text default '*' check (action_filter in ('*', 'INSERT', 'UPDATE', 'DELETE')),
  selected_columns text[]
);
create index if not exists ix_realtime_subscription_entity on realtime.subscription (entity);
create unique index if not exists subscription_subscription_id_entity_filters_key on realtime.subscription (
  subscription_id, entity, filters, action_filter, coalesce(selected_columns, '{}')
);

-- Rows that somebody else has deleted: their channels are dead until they join again (realtime-facts 11.8). The
-- server reads this with every batch, so it is empty, and not in the WAL.
create unlogged table if not exists realtime.harness_forgotten (id bigint primary key);

create or replace function realtime.harness_forget()
returns trigger
language plpgsql security definer set search_path = ''
as $function$
begin
  if tg_op = 'TRUNCATE' then
    insert into realtime.harness_forgotten select id from realtime.subscription on conflict do nothing;
  else
    insert into realtime.harness_forgotten select id from deleted on conflict do nothing;
  end if;
  return null;
end
$function$;

create or replace trigger harness_deleted after delete on realtime.subscription
referencing old table as deleted for each statement
when (current_setting('application_name') not like 'realtime\_subscription\_manager%')
execute function realtime.harness_forget();

create or replace trigger harness_truncated before truncate on realtime.subscription
for each statement execute function realtime.harness_forget();

-- Refuses, in the real server's words, a filter that its column cannot be compared by (realtime-facts 4.2,
-- recording p03b). An array, json or point column passes, and raises later (recording p16).
create or replace function realtime.harness_check_filter(filter realtime.user_defined_filter, type regtype)
returns void
language plpgsql stable
as $function$
declare
  values_given int;
begin
  case filter.op
  when 'in' then
    execute format('select cardinality(%L::%s)', filter.value, (type || '[]')::regtype) into values_given;
    if values_given > 100 then
      raise exception 'too many values for `in` filter. Maximum 100';
    end if;
  when 'is' then
    if filter.value not in ('null', 'true', 'false', 'unknown') then
      raise exception 'invalid value for is filter: must be null, true, false, or unknown';
    elsif filter.value <> 'null' and type <> 'boolean'::regtype then
      raise exception 'is % filter requires a boolean column, got %', filter.value, type;
    end if;
  when 'like', 'ilike' then
    if not exists (select from pg_operator where oprname = '~~' and oprleft = type) then
      raise exception 'operator % requires a text-compatible column type, got %', filter.op, type;
    end if;
  when 'match', 'imatch' then
    if not exists (
      select from pg_operator
      where oprname = case filter.op when 'match' then '~' else '~*' end
        and oprleft = type and oprright = type and oprresult = 'boolean'::regtype
    ) then
      raise exception 'operator % requires a text-compatible column type, got %', filter.op, type;
    end if;
    begin
      perform '' ~ filter.value;
    exception when others then
      raise exception 'invalid regular expression for % filter: %', filter.op, sqlerrm;
    end;
  else
    execute format('select to_jsonb(%L::%s)', filter.value, type);
  end case;
end
$function$;

create or replace function realtime.subscription_check_filters()
returns trigger
language plpgsql
as $function$
declare
  granted text[] := array(
    select attname from pg_attribute
    where attrelid = new.entity and attnum > 0 and not attisdropped
      and has_column_privilege((new.claims ->> 'role')::name, attrelid, attnum, 'select')
  );
  filter realtime.user_defined_filter;
  wanted text;
begin
  foreach filter in array new.filters loop
    if filter.column_name <> all (granted) then
      raise exception 'invalid column for filter %', filter.column_name;
    end if;
    perform realtime.harness_check_filter(filter, atttypid)
    from pg_attribute where attrelid = new.entity and attname = filter.column_name;
  end loop;
  foreach wanted in array coalesce(new.selected_columns, '{}') loop
    if wanted <> all (granted) then
      raise exception 'invalid column for select %', wanted;
    end if;
  end loop;
  -- one order, so that the same binding is the same row
  new.filters := array(select f from unnest(new.filters) f order by f.column_name, f.op, f.value, f.negate);
  new.selected_columns := (select array_agg(name order by name) from unnest(new.selected_columns) name);
  return new;
end
$function$;

create or replace trigger tr_check_filters before insert or update on realtime.subscription
for each row execute function realtime.subscription_check_filters();

-- Makes the rows of a channel, all or none: one for each published table that an element of `wanted` names.
--   wanted: [{id, schema, table, filters: [{column_name, op, value, negate}], action, selected}]
-- With `patterns` names are LIKE patterns and a lone * stands for all; without, they are names. What a row's trigger
-- raises is raised with the element's position as DATATYPE; RH404 is an element that names no table.
create or replace function realtime.harness_subscribe(publication text, wanted jsonb, claims jsonb, patterns boolean)
returns table (element_at int, number bigint, relation oid)
language plpgsql
as $function$
#variable_conflict use_column
declare
  element record;
  state text; said text; details text; hints text; on_table text; on_column text; on_constraint text;
begin
  for element in
    select e.*, w.at from jsonb_array_elements(wanted) with ordinality as w (value, at),
      jsonb_to_record(w.value) as e (id uuid, schema text, "table" text, filters jsonb, action text, selected text[])
  loop
    begin
      return query
        insert into realtime.subscription as made
          (subscription_id, entity, filters, claims, action_filter, selected_columns)
        select element.id, format('%I.%I', p.schemaname, p.tablename)::regclass,
               array(select f from jsonb_populate_recordset(null::realtime.user_defined_filter, element.filters) f),
               harness_subscribe.claims, element.action, element.selected
        from pg_publication_tables p
        where p.pubname = harness_subscribe.publication
          and case when patterns
            then p.schemaname::text like case element.schema when '*' then '%' else element.schema end escape ''
              and p.tablename::text like case element."table" when '*' then '%' else element."table" end escape ''
            else element.schema in ('*', p.schemaname::text) and element."table" in ('*', p.tablename::text)
          end
        on conflict (subscription_id, entity, filters, action_filter, coalesce(selected_columns, '{}'))
        do update set claims = excluded.claims, created_at = timezone('utc', now())
        returning element.at::int, made.id, made.entity::oid;
      if not found then
        raise exception using errcode = 'RH404', message = 'no such table is published';
      end if;
    exception when others then
      get stacked diagnostics state = returned_sqlstate, said = message_text, details = pg_exception_detail,
        hints = pg_exception_hint, on_table = table_name, on_column = column_name, on_constraint = constraint_name;
      raise exception using errcode = state, message = said, detail = details, hint = hints, table = on_table,
        column = on_column, constraint = on_constraint, datatype = element.at::text;
    end;
  end loop;
end
$function$;

-- Our own publication, from which changes are read: the tables and actions of the user's, without its row filters and
-- column lists, leaves for partitions, and generated columns where PostgreSQL can publish them (18). So pgoutput
-- gives what wal2json gives the real server (realtime-facts 4.9 and 11.27).
create or replace function realtime.harness_mirror(original text, mirror text)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  theirs pg_publication := (select p from pg_publication p where p.pubname = original);
  ours pg_publication := (select p from pg_publication p where p.pubname = mirror);
  statement text;
begin
  if ours.oid is not null and ours.puballtables is distinct from coalesce(theirs.puballtables, false) then
    execute format('drop publication %I', mirror);
    ours := null;
  end if;
  if ours.oid is null then
    execute format('create publication %I %s', mirror, case when theirs.puballtables then 'for all tables' end);
    if current_setting('server_version_num')::int >= 180000 then
      execute format('alter publication %I set (publish_generated_columns = stored)', mirror);
    end if;
    select p.* into ours from pg_publication p where p.pubname = mirror;
  end if;
  execute format(
    'alter publication %I set (publish = %L)', mirror,
    concat_ws(', ', case when theirs.pubinsert then 'insert' end, case when theirs.pubupdate then 'update' end,
              case when theirs.pubdelete then 'delete' end)
  );
  for statement in
    select format('alter publication %I %s table %s', mirror, case when t.prrelid is null then 'drop' else 'add' end,
                  coalesce(t.prrelid, o.prrelid)::regclass)
    from (select prrelid from pg_publication_rel where prpubid = theirs.oid) t
    full join (select prrelid from pg_publication_rel where prpubid = ours.oid) o using (prrelid)
    where t.prrelid is null or o.prrelid is null
  loop
    execute statement;
  end loop;
  if to_regclass('pg_catalog.pg_publication_namespace') is not null then
    for statement in execute
      'select format(''alter publication %I %s tables in schema %I'', $3::text,
                     case when t.pnnspid is null then ''drop'' else ''add'' end, n.nspname)
       from (select pnnspid from pg_publication_namespace where pnpubid = $1) t
       full join (select pnnspid from pg_publication_namespace where pnpubid = $2) o using (pnnspid)
       join pg_namespace n on n.oid = coalesce(t.pnnspid, o.pnnspid)
       where t.pnnspid is null or o.pnnspid is null'
      using theirs.oid, ours.oid, mirror
    loop
      execute statement;
    end loop;
  end if;
end
$function$;

-- Which publications are mirrored; kept so by whatever alters one of them, in its own transaction.
create table if not exists realtime.harness_mirrored (original text primary key, mirror text not null);

create or replace function realtime.harness_keep_mirrors()
returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
begin
  if current_setting('realtime.harness_mirroring', true) = 'on' then
    return;
  end if;
  perform set_config('realtime.harness_mirroring', 'on', true);
  perform realtime.harness_mirror(original, mirror) from realtime.harness_mirrored;
  perform set_config('realtime.harness_mirroring', 'off', true);
exception when others then  -- nobody's own statement may fail for our sake
  raise warning 'the publication of the realtime harness was not brought into step: %', sqlerrm;
end
$function$;

drop event trigger if exists harness_keep_mirrors;
create event trigger harness_keep_mirrors on ddl_command_end
when tag in ('CREATE PUBLICATION', 'ALTER PUBLICATION', 'DROP PUBLICATION')
execute function realtime.harness_keep_mirrors();

-- The columns of a table in the order of the catalog. Type names are complete, whatever the search path is.
create or replace function realtime.harness_columns(relation oid)
returns table (
  name text, type_name text, bare_type text, full_type text, built_in boolean, enum boolean, key boolean, attnum smallint
)
language sql stable set search_path = ''
as $function$
  select a.attname::text, t.typname::text,
         pg_catalog.format_type(a.atttypid, null), pg_catalog.format_type(a.atttypid, a.atttypmod),
         t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace, t.typtype = 'e',
         exists (
           select from pg_catalog.pg_index i
           where i.indrelid = a.attrelid and i.indisprimary and a.attnum = any (i.indkey)
         ),
         a.attnum
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_type t on t.oid = a.atttypid
  where a.attrelid = harness_columns.relation and a.attnum > 0 and not a.attisdropped
  order by a.attnum
$function$;

-- Whether a value meets a filter, both cast to the column's type; null counts as no. The value goes through JSON
-- first, as in the real server: an array comes out as `["a"]`, which is no array literal, so it raises (recording
-- p16), as does a type without the operator. With `tolerant` what raises is null.
create or replace function realtime.harness_meets(
  type text, op text, value text, literal text, negate boolean, tolerant boolean
)
returns boolean
language plpgsql stable
as $function$
declare
  through_json text;
  met boolean;
begin
  if type = 'bytea' then
    through_json := value;
  else
    execute format('select to_jsonb(%L::%s) #>> ''{}''', value, type) into through_json;
  end if;
  execute case op
    when 'is' then format('select %L::%s is %s %s', through_json, type, case when negate then 'not' end, literal)
    when 'isdistinct' then format(
      'select %L::%s is %s distinct from %L::%s', through_json, type, case when negate then 'not' end, literal, type)
    when 'in' then format('select %L::%s = any (%L::%s[])', through_json, type, literal, type)
    else format('select %L::%s %s %L::%s', through_json, type, case op
      when 'eq' then '=' when 'neq' then '<>' when 'lt' then '<' when 'lte' then '<=' when 'gt' then '>'
      when 'gte' then '>=' when 'like' then '~~' when 'ilike' then '~~*' when 'match' then '~' when 'imatch' then '~*'
    end, literal, type)
  end into met;
  return case when negate and op not in ('is', 'isdistinct') then not met else met end;
exception when others then
  if tolerant then
    return null;
  end if;
  raise;
end
$function$;

-- "Do rows with these keys exist?": $1 is a JSON array of objects of the key's columns as text. A table
-- without one has no statement: nobody asks then, see `refusal` in visibility.py.
-- `limit 1` keeps PostgreSQL from reading the whole table to answer many at once.
create or replace function realtime.harness_key_statement(relation oid)
returns text
language sql stable set search_path = ''
as $function$
  select pg_catalog.format(
    'select array_agg(coalesce((select true from %I.%I where %s limit 1), false) order by harness_given.number)'
    ' from jsonb_array_elements($1) with ordinality as harness_given (value, number)',
    n.nspname, c.relname,
    pg_catalog.string_agg(
      pg_catalog.format('%I.%I = (harness_given.value ->> %L)::%s', c.relname, k.name, k.name, k.full_type), ' and ')
  )
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join realtime.harness_columns(c.oid) k on k.key
  where c.oid = harness_key_statement.relation
  group by n.nspname, c.relname
$function$;

-- "Would these rows pass?": $1 is a JSON array of objects of all columns as text; the table's SELECT policies of a
-- role are applied to each as to a row of the table. What the policies read elsewhere is read as it is now.
create or replace function realtime.harness_version_statement(relation oid, role text)
returns text
language sql stable set search_path = ''
as $function$
  select pg_catalog.format(
    'select array_agg(coalesce((select true from (select %s) as %I'
    ' where not row_security_active(%s::oid) or ((%s) and (%s)) limit 1), false) order by harness_given.number)'
    ' from jsonb_array_elements($1) with ordinality as harness_given (value, number)',
    (select pg_catalog.string_agg(
       pg_catalog.format('(harness_given.value ->> %L)::%s as %I', k.name, k.full_type, k.name), ', ')
     from realtime.harness_columns(c.oid) k),
    c.relname, c.oid,
    coalesce(pg_catalog.string_agg(pg_catalog.pg_get_expr(p.polqual, c.oid), ' or ') filter (where p.polpermissive), 'false'),
    coalesce(pg_catalog.string_agg(pg_catalog.pg_get_expr(p.polqual, c.oid), ' and ') filter (where not p.polpermissive), 'true')
  )
  from pg_catalog.pg_class c
  left join pg_catalog.pg_policy p on p.polrelid = c.oid and p.polcmd in ('r', '*') and exists (
    select from pg_catalog.unnest(p.polroles) member
    where member = 0 or pg_catalog.pg_has_role(harness_version_statement.role::name, member, 'usage')
  )
  where c.oid = harness_version_statement.relation
  group by c.oid, c.relname
$function$;

-- The name of a prepared statement that answers `how` for a role; made when there is none. It stays prepared: PostgreSQL
-- plans it once, not for every subscriber. `stamp` is another whenever the table was altered. What a change of grants or
-- memberships decides is looked at every time: such a change alters no table.
create or replace function realtime.harness_prepare(relation oid, stamp int, role text, how text)
returns text
language plpgsql
as $function$
declare
  statement text := case how when 'version' then realtime.harness_version_statement(relation, role) end;
  wanted text := format(
    'harness_%s_%s_%s', how, coalesce(md5(statement), format('%s_%s', relation, stamp)), quote_ident(role)::regrole::oid);
begin
  if how = 'key' and exists (
    select from pg_index i cross join unnest(i.indkey) key
    where i.indrelid = relation and i.indisprimary and not has_column_privilege(role::name, relation, key, 'select')
  ) then
    return null;
  elsif exists (select from pg_prepared_statements p where p.name = wanted) then
    return wanted;
  end if;
  statement := case how
    when 'key' then realtime.harness_key_statement(relation)
    when 'version' then statement
    when 'bypass' then format(
      'select array_fill(not row_security_active(%s::oid), array[jsonb_array_length($1)])', relation)
  end;
  if statement is not null then
    execute format('prepare %I (jsonb) as %s', wanted, statement);
  end if;
  return case when statement is not null then wanted end;
end
$function$;

-- Judges a batch in one call.
--   tables: [{relation, role}] -> [{schema, table, secured, columns, granted}], columns and granted in one order
--   checks: [{relation, stamp, role, how, claims, given}] -> [[boolean]], null where row security is off
-- and the rows of realtime.subscription that somebody else has deleted.
-- `how` is what a policy is asked about: `key` the rows with those keys as they are now, `version` the rows as given,
-- `bypass` no row at all, only whether the role is bound by row security. Checks with equal relation, role and how
-- should stand together. A policy that raises makes the call raise; with `tolerant` it hides the rows.
create or replace function realtime.harness_judge(tables jsonb, checks jsonb, tolerant boolean)
returns jsonb
language plpgsql volatile
as $function$
declare
  grants jsonb;
  verdicts jsonb := '[]';
  verdict boolean[];
  asked record;
  what text := '';
  prepared text;
begin
  select coalesce(jsonb_agg(jsonb_build_object(
           'schema', n.nspname, 'table', c.relname, 'secured', c.relrowsecurity,
           'columns', k.columns, 'granted', k.granted) order by t.number), '[]')
  into grants
  from rows from (jsonb_to_recordset(tables) as (relation oid, role name)) with ordinality as t (relation, role, number)
  left join pg_class c on c.oid = t.relation
  left join pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select jsonb_agg(a.attname order by a.attnum) as columns,
           jsonb_agg(has_column_privilege(t.role, c.oid, a.attnum, 'select') order by a.attnum) as granted
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) k on true;

  for asked in
    select q.*, c.relrowsecurity as secured
    from rows from (
      jsonb_to_recordset(checks) as (relation oid, stamp int, role text, how text, claims text, given jsonb)
    ) with ordinality as q (relation, stamp, role, how, claims, given, number)
    left join pg_class c on c.oid = q.relation
    order by q.number
  loop
    verdict := null;
    if asked.secured then
      if what <> concat_ws(' ', asked.relation, asked.how, asked.role) then
        perform set_config('role', 'none', true);
        prepared := realtime.harness_prepare(asked.relation, asked.stamp, asked.role, asked.how);
        what := concat_ws(' ', asked.relation, asked.how, asked.role);
        perform set_config('role', asked.role, true);
      end if;
      if prepared is not null then
        perform set_config('request.jwt.claims', asked.claims, true);
        if tolerant then
          begin
            execute format('execute %I (%L)', prepared, asked.given) into verdict;
          exception when others then
            verdict := array_fill(false, array[jsonb_array_length(asked.given)]);
          end;
        else
          execute format('execute %I (%L)', prepared, asked.given) into verdict;
        end if;
      end if;
    end if;
    verdicts := verdicts || jsonb_build_array(to_jsonb(verdict));
  end loop;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return jsonb_build_object(
    'grants', grants, 'verdicts', verdicts,
    'forgotten', (select coalesce(jsonb_agg(id), '[]') from realtime.harness_forgotten)
  );
end
$function$;

revoke all on function realtime.harness_judge(jsonb, jsonb, boolean) from public;
revoke all on function realtime.harness_mirror(text, text) from public;
