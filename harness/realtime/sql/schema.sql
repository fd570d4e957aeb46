-- What the server needs inside the database: functions in the schema `realtime`, all named `harness_…` so that
-- they cannot collide with the real server's. Run by a superuser at every start; safe to run again.

create schema if not exists realtime;

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

-- A value of a filter as its column's type prints it. Raises what the type's input function raises.
create or replace function realtime.harness_canonical(type text, value text)
returns text
language plpgsql stable
as $function$
declare
  canonical text;
begin
  execute format('select format(''%%s'', $1::%s)', type) into canonical using value;
  return canonical;
end
$function$;

-- Whether two texts are equal as values of a type; null if one is NULL. Raises for types without equality.
create or replace function realtime.harness_equal(type text, one text, other text)
returns boolean
language plpgsql stable
as $function$
declare
  equal boolean;
begin
  execute format('select $1::%s = $2::%s', type, type) into equal using one, other;
  return equal;
end
$function$;

-- "Does a row with this key exist?": $1 is a JSON object of the key's columns as text. A role that may not read
-- the whole key, or a table without one, gets "no": nobody asks then, see `refusal` in visibility.py.
create or replace function realtime.harness_key_statement(relation oid, role text)
returns text
language sql stable set search_path = ''
as $function$
  select case when pg_catalog.bool_and(
      pg_catalog.has_column_privilege(harness_key_statement.role::name, c.oid, k.attnum, 'select')
    ) then pg_catalog.format(
      'select exists (select from %I.%I where %s)', n.nspname, c.relname,
      pg_catalog.string_agg(pg_catalog.format('%I = ($1 ->> %L)::%s', k.name, k.name, k.full_type), ' and ')
    ) else 'select false' end
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join realtime.harness_columns(c.oid) k on k.key
  where c.oid = harness_key_statement.relation
  group by n.nspname, c.relname
$function$;

-- "Would this row pass?": $1 is a JSON object of all columns as text; the table's SELECT policies of a role are
-- applied to it as to a row of the table. What the policies read elsewhere is read as it is now.
create or replace function realtime.harness_version_statement(relation oid, role text)
returns text
language sql stable set search_path = ''
as $function$
  select pg_catalog.format(
    'select exists (select from (select %s) as %I where not row_security_active(%s::oid) or ((%s) and (%s)))',
    (select pg_catalog.string_agg(pg_catalog.format('($1 ->> %L)::%s as %I', k.name, k.full_type, k.name), ', ')
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

-- Judges a batch in one call.
--   tables: [{relation, role}]                     -> [{secured, selectable}]
--   checks: [{relation, role, claims, how, given}] -> [boolean], true where row security is off
-- `how` is what a policy is asked about: `key` the row with that key as it is now, `version` the row as given,
-- `bypass` no row at all, only whether the role is bound by row security. A policy that raises makes the call raise.
create or replace function realtime.harness_judge(tables jsonb, checks jsonb)
returns jsonb
language plpgsql volatile
as $function$
declare
  grants jsonb;
  verdicts boolean[] := '{}';
  verdict boolean;
  asked record;
  prepared text := '';
  statement text;
begin
  select coalesce(jsonb_agg(jsonb_build_object(
           'secured', coalesce(c.relrowsecurity, false),
           'selectable', (
             select coalesce(jsonb_agg(k.name), '[]') from realtime.harness_columns(c.oid) k
             where has_column_privilege(t.role::name, c.oid, k.attnum, 'select')
           )) order by t.number), '[]')
  into grants
  from rows from (jsonb_to_recordset(tables) as (relation oid, role text)) with ordinality as t (relation, role, number)
  left join pg_class c on c.oid = t.relation;

  for asked in
    select q.*, coalesce(c.relrowsecurity, false) as secured
    from rows from (
      jsonb_to_recordset(checks) as (relation oid, role text, claims text, how text, given jsonb)
    ) with ordinality as q (relation, role, claims, how, given, number)
    left join pg_class c on c.oid = q.relation
    order by q.number
  loop
    verdict := true;
    if asked.secured then
      if prepared <> concat_ws(' ', asked.relation, asked.how, asked.role) then
        perform set_config('role', 'none', true);
        statement := case asked.how
          when 'key' then realtime.harness_key_statement(asked.relation, asked.role)
          when 'version' then realtime.harness_version_statement(asked.relation, asked.role)
          when 'bypass' then format('select not row_security_active(%s::oid)', asked.relation)
        end;
        prepared := concat_ws(' ', asked.relation, asked.how, asked.role);
      end if;
      perform set_config('role', asked.role, true), set_config('request.jwt.claims', asked.claims, true);
      execute statement into verdict using asked.given;
    end if;
    verdicts := verdicts || coalesce(verdict, false);
  end loop;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return jsonb_build_object('grants', grants, 'verdicts', verdicts);
end
$function$;

revoke all on function realtime.harness_judge(jsonb, jsonb) from public;
