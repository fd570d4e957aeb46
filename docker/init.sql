-- What Realtime needs in its database before it starts. Run by psql, once, as the superuser supabase_admin, by the
-- image's own init scripts. Most of it is there in supabase/postgres already; what is missing is made here.
-- The application's tables come later, by the harness's own migration.

create schema if not exists _realtime authorization current_user;
create schema if not exists realtime authorization current_user;

select format('create role %I nologin noinherit %s', name, attributes)
from (values ('anon', ''), ('authenticated', ''), ('service_role', 'bypassrls')) as wanted (name, attributes)
where not exists (select from pg_roles where rolname = name)
\gexec

grant usage on schema public to anon, authenticated, service_role;

select 'create publication supabase_realtime'
where not exists (select from pg_publication where pubname = 'supabase_realtime')
\gexec

-- PostgreSQL 15.20 and its siblings of the same day refuse wal2json, which the real Realtime reads with, unless this
-- setting names it; older ones do not know the setting (realtime-facts 11.13). It holds from the next start on, and
-- the init scripts are followed by one.
select 'alter system set output_plugin_libraries = pgoutput, test_decoding, wal2json'
where exists (select from pg_settings where name = 'output_plugin_libraries')
\gexec
