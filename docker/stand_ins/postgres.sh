#!/bin/sh
# Makes the cluster at the first start, as supabase/postgres does: superuser supabase_admin, then the SQL files that
# are mounted under /docker-entrypoint-initdb.d/migrations, by a server that nobody else reaches.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
  password=$(mktemp)
  printf '%s' "$POSTGRES_PASSWORD" >"$password"
  initdb --username=supabase_admin --pwfile="$password" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 \
    --no-sync >/dev/null
  rm -f "$password"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  pg_ctl --wait --silent --options="-c config_file=/etc/postgresql/postgresql.conf -c listen_addresses=''" start
  for sql in /docker-entrypoint-initdb.d/migrations/*.sql; do
    psql -qX -v ON_ERROR_STOP=1 -U supabase_admin -d postgres -f "$sql"
  done
  pg_ctl --wait --silent --mode=fast stop
fi
exec "$@"
