-- Every query of the server that is no function. A line `-- name: …` begins one; the lines under it say what it is.

-- name: columns
-- The columns of each of the relations $1 in the order of the catalog, with the table's present name.
select r.relation, n.nspname as schema, c.relname as table,
       k.name, k.type_name, k.bare_type, k.full_type, k.built_in, k.enum, k.key
from unnest($1::oid[]) as r (relation)
join pg_class c on c.oid = r.relation
join pg_namespace n on n.oid = c.relnamespace
cross join realtime.harness_columns(r.relation) k
order by r.relation, k.attnum;

-- name: subscribe
-- The rows of $2 in realtime.subscription; see harness_subscribe in schema.sql.
select element_at, number, relation from realtime.harness_subscribe($1, $2, $3, $4);

-- name: clear
-- No row is left of anybody; a worker starts so (realtime-facts 4.1).
with forgotten as (delete from realtime.harness_forgotten) delete from realtime.subscription;

-- name: remove
-- Away with the rows $1, and with the memory of the rows $2, which somebody else has deleted.
with forgotten as (delete from realtime.harness_forgotten where id = any ($2::bigint[]))
delete from realtime.subscription where id = any ($1::bigint[]);

-- name: published
-- The tables of publication $1.
select format('%I.%I', schemaname, tablename)::regclass::oid as relation
from pg_publication_tables where pubname = $1::text;

-- name: mirror
-- Our own publication $2 of the same tables as $1, now and from now on; see harness_mirror in schema.sql.
with mirrored as (
  insert into realtime.harness_mirrored values ($1, $2) on conflict (original) do update set mirror = excluded.mirror
)
select realtime.harness_mirror($1, $2);

-- name: release
-- End the session that holds slot $1.
select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1::text and active_pid is not null;

-- name: compare
-- Whether each value $3 meets its filter: types $1, operators $2, literals $4, negated $5; null for neither. With $6
-- what raises is null.
select realtime.harness_meets(c.type, c.op, c.value, c.literal, c.negate, $6) as met
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[]) with ordinality
  as c (type, op, value, literal, negate, number)
order by c.number;

-- name: judge
-- Grants and verdicts of a batch, in one round trip; see harness_judge in schema.sql.
select realtime.harness_judge($1::jsonb, $2::jsonb, $3)::text as judged;

-- name: began
-- When this PostgreSQL was started.
select pg_postmaster_start_time()::text as began;
