#!/usr/bin/env bash
# podman.sh up|down|env : Podman's service, speaking as a Docker engine does, for the tests.
#
# It has images, containers, networks and a socket of its own: neither Docker's nor those of the Podman that may be in use here are
# touched. Where Podman is missing, on Debian and as root, it is installed. `up` may be called again at any time, also after a crash;
# `down` ends what `up` has started and removes all that was made with it. The base image is taken from Docker (engine.sh up).
#
#   MLDEPLOY_INFRA_DIR     state: log, process number, images, socket            (default /var/tmp/mldeploy-infra)
#   MLDEPLOY_TEST_BASE     base image of the tests, as Docker knows it           (default mldeploy-test/python:3.11)
set -euo pipefail

: "${MLDEPLOY_INFRA_DIR:=/var/tmp/mldeploy-infra}"
: "${MLDEPLOY_TEST_BASE:=mldeploy-test/python:3.11}"
state=$MLDEPLOY_INFRA_DIR/podman
socket=$state/run/podman/podman.sock # below a folder that can be given out as a user's own
network=mldeploy-tests
base=localhost/$MLDEPLOY_TEST_BASE
[ "${1:-}" = env ] || mkdir -p "$state/run/podman"
export CONTAINERS_CONF=$state/containers.conf CONTAINERS_STORAGE_CONF=$state/storage.conf
export CONTAINERS_REGISTRIES_CONF=$state/registries.conf

say() { echo "podman.sh: $*" >&2; }

# A process is known by its number and its start time: after a crash the number may be somebody else's.
birth() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; }
alive() {
  local pid born
  read -r pid born <"$state/service" 2>/dev/null && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ]
}
answers() { curl -sf -o /dev/null --unix-socket "$socket" http://podman/_ping; }

packages() {
  local missing=()
  for pair in podman=podman runc=runc catatonit=catatonit iptables=iptables curl=curl; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ -e /usr/lib/podman/netavark ] || [ -e /usr/libexec/podman/netavark ] || missing+=(netavark)
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    say "only root on Debian can install ${missing[*]} here"; exit 3
  fi
  say "installing ${missing[*]}"
  apt-get update -q >"$state/apt.log" 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >>"$state/apt.log" 2>&1
}

configuration() {
  # runc, because crun runs nothing where both versions of control groups are mounted; limits that a machine without
  # CAP_SYS_RESOURCE can give; subnets of its own, so that Docker's networks and a cluster's are left alone.
  cat >"$CONTAINERS_CONF" <<C
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "$state/tmp"
volume_path = "$state/root/volumes"
[network]
network_backend = "netavark"
network_config_dir = "$state/networks"
default_network = "$network"
default_subnet_pools = [{"base" = "10.233.0.0/16", "size" = 24}]
C
  # Bridges and rules are told apart by their names, and those of the usual network are the usual Podman's.
  mkdir -p "$state/networks"
  cat >"$state/networks/$network.json" <<C
{"name": "$network", "id": "$(printf %s "$network" | sha256sum | cut -c1-64)", "driver": "bridge",
 "network_interface": "mldpodman0", "created": "2024-01-01T00:00:00Z",
 "subnets": [{"subnet": "10.232.0.0/24", "gateway": "10.232.0.1"}],
 "ipv6_enabled": false, "internal": false, "dns_enabled": false, "ipam_options": {"driver": "host-local"}}
C
  cat >"$CONTAINERS_STORAGE_CONF" <<C
[storage]
driver = "overlay"
graphroot = "$state/root"
runroot = "$state/runroot"
C
  # Podman, unlike Docker, speaks plain HTTP to a registry of this machine only where it is told to.
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' 127.0.0.1:5000 127.0.0.1:5002 >"$CONTAINERS_REGISTRIES_CONF"
}

base() {
  podman image exists "$base" && return
  say "taking $MLDEPLOY_TEST_BASE from Docker"
  docker save "$MLDEPLOY_TEST_BASE" | podman load >/dev/null
  podman image exists "$base"
}

up() {
  exec 9>"$state/lock"; flock 9 # two calls at once: the second finds what the first has made
  packages
  if ! answers; then
    configuration
    rm -f "$socket"
    say "starting Podman's service (log: $state/log)"
    cd "$state" # what watches a container leaves a file where it was started
    setsid podman system service --time=0 "unix://$socket" >"$state/log" 2>&1 </dev/null 9>&- &
    echo "$! $(birth $!)" >"$state/service"
    for _ in $(seq 240); do answers && break; alive || break; sleep 0.25; done
    if ! answers; then say "it did not come up:"; tail -n 20 "$state/log" >&2; exit 1; fi
  fi
  base
  env_lines
}
env_lines() {
  echo "export MLDEPLOY_TEST_PODMAN=unix://$socket"
  echo "export MLDEPLOY_TEST_PODMAN_BASE=$base"
}
down() {
  exec 9>"$state/lock"; flock 9
  # Never without its own configuration: Podman would take the one of the machine.
  if [ -f "$CONTAINERS_CONF" ] && [ -f "$CONTAINERS_STORAGE_CONF" ] && command -v podman >/dev/null; then
    podman rm --all --force --time 1 >/dev/null || true
    podman network prune --force >/dev/null || true
  fi
  if alive; then
    say "stopping Podman's service"
    local pid; read -r pid _ <"$state/service"
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 80); do alive || break; sleep 0.25; done
    if alive; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  awk -v state="$state/" 'index($2, state) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n1 umount --lazy
  rm -rf "$state"
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  env) env_lines ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
