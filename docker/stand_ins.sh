#!/bin/sh
# Builds images that stand in for supabase/postgres and supabase/realtime where those cannot be pulled:
# Debian's PostgreSQL and our own engine. Nothing is pulled; needs a Docker engine, Debian's packages, and pip.
#
#   eval "$(docker/stand_ins.sh)"        prints the variables that docker-compose.supabase.yml reads
#
# What is built already is not built again: the base is known by the content of this recipe, the rest by Docker's cache.
set -eu
cd "$(dirname "$0")"

suite=bookworm
packages=base-files,base-passwd,bash,dash,coreutils,sed,grep,findutils,libc-bin,ca-certificates,curl,postgresql-15,python3-venv
base=realtime-harness/base:$(echo "$suite $packages" | sha256sum | cut -c 1-12)
postgres=realtime-harness/stand-in-postgres:15
engine=realtime-harness/engine:stand-in

tell() { echo "stand_ins.sh: $*" >&2; }
die() { tell "$*"; exit 2; }
quietly() { "$@" >"$scratch/log" 2>&1 || { tail -n 20 "$scratch/log" >&2; die "failed: $*"; }; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || die "no Docker engine answers: see docker/engine.sh"

# Packages unpacked, not installed: a quarter of the time, and all that the two programs need.
make_base() {
  command -v mmdebstrap >/dev/null || quietly apt-get -qq install -y --no-install-recommends mmdebstrap
  quietly mmdebstrap --variant=extract --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include="$packages" "$suite" "$scratch/root"
  (
    cd "$scratch/root"
    cp usr/share/base-passwd/passwd.master etc/passwd
    cp usr/share/base-passwd/group.master etc/group
    # curl trusts nobody here and needs not: it asks its own container. LLVM serves only PostgreSQL's JIT, which is off.
    tar -c --exclude='./usr/lib/*/libLLVM*' --exclude='./usr/lib/*/libz3*' --exclude='./usr/lib/llvm*' \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
      --exclude='./usr/share/i18n' --exclude='./dev/*' .
  ) | docker import - "$base" >/dev/null
}

# Wheels for the Python of the suite, at the versions of the lock.
fetch_wheels() {
  wanted=$(cat ../requirements.lock engine.in | sha256sum)
  [ "$(cat wheels/.fetched 2>/dev/null)" = "$wanted" ] && return
  rm -f wheels/*.whl
  quietly "${PYTHON:-python3}" -m pip download -q --disable-pip-version-check --only-binary :all: \
    --python-version 3.11 -d wheels -c ../requirements.lock -r engine.in
  echo "$wanted" >wheels/.fetched
}

if ! docker image inspect "$base" >/dev/null 2>&1; then
  tell "making the base from Debian's packages (half a minute, once)"
  make_base
fi
fetch_wheels
quietly docker build -q --build-arg "BASE=$base" -t "$postgres" -f stand_ins/postgres.Dockerfile stand_ins
quietly docker build -q --build-arg "BASE=$base" -t "$engine" ..
tell "built $postgres and $engine"
printf 'export SUPABASE_POSTGRES_IMAGE=%s SUPABASE_REALTIME_IMAGE=%s\n' "$postgres" "$engine"
