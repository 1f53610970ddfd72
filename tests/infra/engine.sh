#!/usr/bin/env bash
# engine.sh up|down|env|buildx : a Docker engine, a registry, a registry that wants a password, and a base image, for the tests.
#
# `buildx` makes docker buildx, where nobody else finds it, and prints its path; it takes minutes, once, and waits for another call
# that makes it already. In CI `up` begins with it in the background, so that the tests before those of builders need not wait.
#
# An engine that answers is used as it is. Where there is none, on Debian and as root, one is started; every step says what it
# starts. `up` may be called again at any time, also after a crash; `down` ends what `up` started and nothing else.
#
#   MLDEPLOY_INFRA_DIR     state: logs, process numbers, the registries' files   (default /var/tmp/mldeploy-infra)
#   MLDEPLOY_TEST_BASE     base image of the tests; made here where it is missing (default mldeploy-test/python:3.11)
#   MLDEPLOY_TEST_PROGRAMS folder that may have docker-buildx.xz; else it is built with Go
#   MLDEPLOY_TEST_SUITE    Debian release that the base image is made from        (default bookworm)
set -euo pipefail

: "${MLDEPLOY_INFRA_DIR:=/var/tmp/mldeploy-infra}"
: "${MLDEPLOY_TEST_BASE:=mldeploy-test/python:3.11}"
: "${MLDEPLOY_TEST_SUITE:=bookworm}"
here=$(cd "$(dirname "$0")" && pwd)
state=$MLDEPLOY_INFRA_DIR
open_registry=127.0.0.1:5000
locked_registry=127.0.0.1:5002
buildx_version=v0.37.2 # the newest that the Go module proxy has with all its parts; it speaks to the BuildKit of Docker 20.10
buildx=$state/bin/docker-buildx-$buildx_version
mkdir -p "$state"/{log,run}

say() { echo "engine.sh: $*" >&2; }

# A process is known by its number and its start time: after a crash the number may be somebody else's.
birth() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; }
start() {
  local name=$1; shift
  say "starting $name (log: $state/log/$name.log)"
  setsid "$@" >"$state/log/$name.log" 2>&1 </dev/null 9>&- &
  echo "$! $(birth $!)" >"$state/run/$name"
}
alive() { # NAME: whether the process that was started under this name still runs
  local pid born
  read -r pid born <"$state/run/$1" 2>/dev/null && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ]
}
await() { # WHAT COMMAND...
  local what=$1; shift
  for _ in $(seq 240); do "$@" >/dev/null 2>&1 && return; sleep 0.25; done
  say "$what did not come up within a minute:"; tail -n 20 "$state/log/$what.log" >&2 || true
  exit 1
}

packages() {
  local missing=()
  for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    say "no Docker engine answers, and only root on Debian can install ${missing[*]} here"; exit 3
  fi
  say "installing ${missing[*]}"
  apt-get update -q >"$state/log/apt.log" 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >>"$state/log/apt.log" 2>&1
}

engine() {
  docker info >/dev/null 2>&1 && return
  packages docker=docker.io dockerd=docker.io containerd=containerd runc=runc iptables=iptables ip=iproute2
  if ! ctr version >/dev/null 2>&1; then # asked, not looked for: a containerd that was killed leaves its socket
    start containerd containerd
    await containerd ctr version
  fi
  rm -f /var/run/docker.pid # of an engine that was killed: the number may be another process by now
  start dockerd dockerd --containerd /run/containerd/containerd.sock --shutdown-timeout 5
  await dockerd docker info
}

registry() { # NAME ADDRESS: plain HTTP; engines accept that for the loopback address
  local name=$1 address=$2 auth=""
  curl -s -o /dev/null "http://$address/v2/" && return
  packages docker-registry=docker-registry
  if [ "$name" = locked-registry ]; then
    perl -e 'print "tester:", crypt("correct horse", "\$2y\$05\$abcdefghijklmnopqrstuu"), "\n"' >"$state/htpasswd"
    auth="auth: {htpasswd: {realm: tests, path: $state/htpasswd}}"
  fi
  cat >"$state/$name.yml" <<Y
version: 0.1
storage: {filesystem: {rootdirectory: $state/$name}, delete: {enabled: true}}
http: {addr: "$address"}
$auth
Y
  start "$name" docker-registry serve "$state/$name.yml"
  await "$name" curl -s "http://$address/v2/"
}

base() { # a Debian with Python, in the place of python:X.Y-slim where no public registry is reached
  docker image inspect "$MLDEPLOY_TEST_BASE" >/dev/null 2>&1 && return
  packages mmdebstrap=mmdebstrap
  say "making $MLDEPLOY_TEST_BASE from Debian $MLDEPLOY_TEST_SUITE (about a minute)"
  mmdebstrap --quiet --variant=minbase --include=python3,python3-pip,python3-venv,ca-certificates \
    "$MLDEPLOY_TEST_SUITE" "$state/base.tar" 2>"$state/log/base.log"
  docker import "$state/base.tar" "$MLDEPLOY_TEST_BASE" >/dev/null
  rm "$state/base.tar"
}

buildx() { # the plugin of Docker's command line that speaks to BuildKit
  exec 9>"$state/lock-buildx"; flock 9
  if [ ! -x "$buildx" ]; then
    mkdir -p "$state/bin"
    if [ -f "${MLDEPLOY_TEST_PROGRAMS:-/nowhere}/docker-buildx.xz" ] && command -v xz >/dev/null; then
      say "unpacking docker buildx"
      xz -dc "$MLDEPLOY_TEST_PROGRAMS/docker-buildx.xz" >"$buildx.part"
      chmod +x "$buildx.part"
    else
      command -v go >/dev/null || { say "docker buildx $buildx_version is built with Go, which is not here"; exit 4; }
      say "building docker buildx $buildx_version from Go modules (minutes; log: $state/log/build-buildx.log)"
      GOBIN=$state/bin/made nice -n 19 go install \
        -ldflags "-s -w -X github.com/docker/buildx/version.Version=$buildx_version" \
        "github.com/docker/buildx/cmd/buildx@$buildx_version" >"$state/log/build-buildx.log" 2>&1 9>&- ||
        { tail -n 20 "$state/log/build-buildx.log" >&2; exit 1; }
      mv "$state/bin/made/buildx" "$buildx.part"
    fi
    mv "$buildx.part" "$buildx"
  fi
  echo "$buildx"
}

up() {
  exec 9>"$state/lock"; flock 9 # two calls at once: the second finds what the first has made
  engine
  registry registry "$open_registry"
  registry locked-registry "$locked_registry"
  base
  if [ "${CI:-}" = true ] && [ ! -x "$buildx" ] && ! alive buildx; then start buildx "$here/engine.sh" buildx; fi
  env_lines
}
env_lines() {
  echo "export MLDEPLOY_BASE_IMAGE=$MLDEPLOY_TEST_BASE"
  echo "export MLDEPLOY_TEST_REGISTRY=$open_registry"
  echo "export MLDEPLOY_TEST_LOCKED_REGISTRY=$locked_registry"
}
down() {
  exec 9>"$state/lock"; flock 9
  for name in buildx locked-registry registry dockerd containerd; do
    [ -f "$state/run/$name" ] || continue
    if alive "$name"; then
      say "stopping $name"
      local pid; read -r pid _ <"$state/run/$name"
      if [ "$name" = buildx ]; then pid=-$pid; fi # with what it has started
      kill -- "$pid" 2>/dev/null || true
      for _ in $(seq 80); do alive "$name" || break; sleep 0.25; done
      if alive "$name"; then kill -9 -- "$pid" 2>/dev/null || true; fi
    fi
    rm -f "$state/run/$name"
  done
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  env) env_lines ;;
  buildx) buildx ;;
  *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
