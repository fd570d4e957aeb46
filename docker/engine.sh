#!/bin/sh
# A Docker engine of our own, for tests on a machine that has none: Debian's, started by hand as root, with
# everything that it keeps in one folder.
#
#   eval "$(docker/engine.sh start)"     installs and starts it unless an engine answers already
#   docker/engine.sh stop                stops it; images and layers stay for the next start
#   docker/engine.sh purge               stops it and removes all that it kept
#
# `start` prints what to export. Where it cannot start one it says why on stderr, prints HARNESS_NO_DOCKER with the
# reason, at which the tests that need an engine skip, and succeeds all the same.
set -eu

state=${HARNESS_DOCKER_DIR:-/tmp/realtime-harness-docker}
pidfile=$state/dockerd.pid
host=unix://$state/docker.sock

tell() { echo "engine.sh: $*" >&2; }

cannot() {
  tell "no Docker engine: $*"
  printf "export HARNESS_NO_DOCKER='%s'\n" "$(printf %s "$*" | tr "'\n" '  ')"
  exit 0
}

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
has_compose() { docker compose version >/dev/null 2>&1; }
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >"$state/apt.log" 2>&1; }
apt_said() { tail -n 3 "$state/apt.log"; }

install_docker() {
  command -v apt-get >/dev/null || cannot "this is no Debian, so it cannot be installed here"
  apt update || cannot "apt-get update failed: $(apt_said)"
  apt install -y --no-install-recommends docker.io iptables || cannot "docker.io cannot be installed: $(apt_said)"
}

# Debian 12 has compose 1 only; the plugin of Debian 13 runs there (tech.md 13). It is taken out of its package, not
# installed, so that the machine's own packages stay what they are.
install_compose() {
  apt install -y --no-install-recommends mmdebstrap || cannot "mmdebstrap cannot be installed: $(apt_said)"
  mmdebstrap --quiet --variant=extract --include=docker-compose trixie "$state/compose" >"$state/apt.log" 2>&1 \
    || cannot "the compose plugin cannot be had: $(apt_said)"
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  cp "$state/compose/usr/libexec/docker/cli-plugins/docker-compose" "$DOCKER_CONFIG/cli-plugins/"
  rm -rf "$state/compose"
}

start_dockerd() {
  rm -f "$pidfile"
  nohup setsid dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$pidfile" -H "$host" \
    >"$state/dockerd.log" 2>&1 </dev/null &
  daemon=$!
  tries=300
  until answers; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "$daemon" 2>/dev/null; then
      stop
      cannot "dockerd did not come up: $(tail -n 2 "$state/dockerd.log")"
    fi
    sleep 0.1
  done
}

start() {
  if answers && has_compose; then
    tell "an engine answers already"
    exit 0
  fi
  [ "$(id -u)" = 0 ] || cannot "only root can start one; start your own and set DOCKER_HOST"
  mkdir -p "$state"
  chmod 700 "$state"
  export DOCKER_HOST="$host" DOCKER_CONFIG="$state/config"
  command -v dockerd >/dev/null || install_docker
  has_compose || install_compose
  answers || start_dockerd
  tell "Docker $(docker version --format '{{.Server.Version}}') at $host"
  printf 'export DOCKER_HOST=%s DOCKER_CONFIG=%s\n' "$DOCKER_HOST" "$DOCKER_CONFIG"
}

stop() {
  [ -s "$pidfile" ] || return 0
  pid=$(cat "$pidfile")
  tries=150
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  purge) stop; rm -rf "$state" ;;
  *) tell "usage: engine.sh start | stop | purge"; exit 64 ;;
esac
