-- Every query of the server that is no function. A line `-- name: …` begins one; the lines under it say what it is.

-- name: columns
-- The columns of each of the relations $1, in the order of the catalog.
select r.relation, k.name, k.type_name, k.bare_type, k.full_type, k.built_in, k.enum, k.key
from unnest($1::oid[]) as r (relation), realtime.harness_columns(r.relation) k
order by r.relation, k.attnum;

-- name: published
-- The tables of publication $1 that schema $2 and table $3 name, as LIKE patterns with * for % if $4, and which
-- of their columns role $5 may select. Raises if there is such a table and no such role.
select c.oid as relation, k.name, k.type_name, k.bare_type, k.full_type, k.built_in, k.enum, k.key,
       has_column_privilege(quote_ident($5::text)::regrole, c.oid, k.attnum, 'select') as selectable
from pg_publication_tables p
join pg_namespace n on n.nspname = p.schemaname
join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
cross join realtime.harness_columns(c.oid) k
where p.pubname = $1::text
  and case when $4::boolean
    then p.schemaname::text like replace($2::text, '*', '%') escape ''
      and p.tablename::text like replace($3::text, '*', '%') escape ''
    else $2::text in ('*', p.schemaname::text) and $3::text in ('*', p.tablename::text)
  end
order by c.oid, k.attnum;

-- name: canonical
-- The values $2 as their types $1 print them, in order.
select realtime.harness_canonical(v.type, v.value) as value
from unnest($1::text[], $2::text[]) with ordinality as v (type, value, number)
order by v.number;

-- name: equal
-- Whether the texts $2 and $3 are equal as values of the types $1, in order.
select realtime.harness_equal(v.type, v.one, v.other) as equal
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as v (type, one, other, number)
order by v.number;

-- name: judge
-- Grants and verdicts of a batch, in one round trip; see harness_judge in schema.sql.
select realtime.harness_judge($1::jsonb, $2::jsonb)::text as judged;
