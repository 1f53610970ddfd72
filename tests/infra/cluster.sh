#!/usr/bin/env bash
# cluster.sh up|down|env|purge, kill|start PART : one real Kubernetes node with metrics-server and KEDA on this machine, for the tests.
#
# Debian, as root, nothing installed before. It has a containerd, ports, a bridge and a folder of its own, so that nothing of the
# machine's own engine or cluster is touched. Every step says what it starts. `up` may be called again at any time, also after a
# crash; `down` ends what `up` started and keeps its files; `purge` removes those too. `kill` and `start` do so with the apiserver
# or the kubelet alone, for tests in which they are away.
#
#   MLDEPLOY_INFRA_DIR      state: keys, logs, process numbers, etcd            (default /var/tmp/mldeploy-infra)
#   MLDEPLOY_TEST_PROGRAMS  folder with kubenode.xz, metrics-server.xz, keda.xz, keda-config.tar.xz; what it does not have is
#                           built from Go modules (node/build.sh; minutes, once)
#   MLDEPLOY_TEST_PARTS     what runs beside the node                           (default "metrics-server keda")
set -euo pipefail

: "${MLDEPLOY_INFRA_DIR:=/var/tmp/mldeploy-infra}"
: "${MLDEPLOY_TEST_PROGRAMS:=}"
: "${MLDEPLOY_TEST_PARTS:=metrics-server keda}"
here=$(cd "$(dirname "$0")" && pwd)
state=$MLDEPLOY_INFRA_DIR/cluster
bin=$state/bin pki=$state/pki conf=$state/conf log=$state/log run=$state/run
short=/run/mldeploy-cluster # a socket's path ends at 108 characters
socket=$short/containerd.sock
context=mldeploy-test
api=127.0.0.1:17443
pause=mldeploy-test/pause:1
mkdir -p "$bin" "$pki" "$conf/cni" "$log" "$run" "$short"

say() { echo "cluster.sh: $*" >&2; }
k() { "$bin/kubenode" kubectl --kubeconfig "$conf/admin.kubeconfig" "$@"; }
on_containerd() { ctr --address "$socket" --namespace k8s.io "$@"; }

# A process is known by its number and its start time: after a crash the number may be somebody else's.
birth() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; }
alive() {
  local pid born
  [ -f "$run/$1" ] && read -r pid born <"$run/$1" && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ]
}
start() { # NAME COMMAND...
  local name=$1; shift
  alive "$name" && return
  say "starting $name (log: $log/$name.log)"
  NO_PROXY='*' no_proxy='*' setsid "$@" >"$log/$name.log" 2>&1 </dev/null 9>&- &
  echo "$! $(birth $!)" >"$run/$name"
}
stop() { # NAME
  if alive "$1"; then
    say "stopping $1"
    local pid; read -r pid _ <"$run/$1"
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 60); do alive "$1" || break; sleep 0.25; done
    if alive "$1"; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$run/$1"
}
await() { # NAME COMMAND...
  local name=$1; shift
  for _ in $(seq 480); do "$@" >/dev/null 2>&1 && return; sleep 0.25; done
  say "$name did not come up within two minutes:"; tail -n 20 "$log/$name.log" >&2 || true
  exit 1
}
has_part() { case " $MLDEPLOY_TEST_PARTS " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# -- what is needed ------------------------------------------------------------------------------------------------------

packages() {
  local missing=()
  for pair in conntrack=conntrack socat=socat ethtool=ethtool iptables=iptables ip=iproute2 openssl=openssl xz=xz-utils \
    containerd=containerd runc=runc; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  apt-get update -q >"$log/apt.log" 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >>"$log/apt.log" 2>&1
}
program() { # NAME
  [ -x "$bin/$1" ] && return
  if [ -n "$MLDEPLOY_TEST_PROGRAMS" ] && [ -f "$MLDEPLOY_TEST_PROGRAMS/$1.xz" ]; then
    say "unpacking $1"
    xz -dc "$MLDEPLOY_TEST_PROGRAMS/$1.xz" >"$bin/$1.part"
    chmod +x "$bin/$1.part"
    mv "$bin/$1.part" "$bin/$1"
  else
    say "building $1 from Go modules (minutes; log: $log/build-$1.log)"
    "$here/node/build.sh" "$1" "$bin" >"$log/build-$1.log" 2>&1 || { tail -n 20 "$log/build-$1.log" >&2; exit 1; }
  fi
}
programs() {
  program kubenode
  if has_part metrics-server; then program metrics-server; fi
  if has_part keda && [ ! -x "$bin/keda-adapter" ]; then
    program keda # as one program, whose name when it is called says which part it is; a build makes two
    if [ -x "$bin/keda" ]; then
      rm -rf "$bin/keda-config"
      mkdir "$bin/keda-config"
      tar -C "$bin/keda-config" -xJf "$MLDEPLOY_TEST_PROGRAMS/keda-config.tar.xz"
      ln -sf keda "$bin/keda-operator"
      ln -sf keda "$bin/keda-adapter" # last: it says that all is there
    fi
  fi
}

# -- who is who ----------------------------------------------------------------------------------------------------------

address() { hostname -I | awk '{print $1}'; } # of this machine: an EndpointSlice may not hold a loopback address
cert() { # NAME SUBJECT [EXTENSIONS]
  [ -e "$pki/$1.crt" ] && return
  local curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req "${curve[@]}" -keyout "$pki/$1.key" -subj "$2" -out "$pki/$1.csr" 2>/dev/null
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 365 \
    -out "$pki/$1.part" -extfile <(printf '%s' "${3:-extendedKeyUsage=clientAuth}") 2>/dev/null
  mv "$pki/$1.part" "$pki/$1.crt"
}
kubeconfig() { # NAME [CERTIFICATE]: everything in the file itself, so that it can be copied
  cat >"$conf/$1.kubeconfig" <<Y
apiVersion: v1
kind: Config
clusters:
- {name: $context, cluster: {server: "https://$api", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$pki/${2:-$1}.crt")
    client-key-data: $(base64 -w0 "$pki/${2:-$1}.key")
contexts:
- {name: $context, context: {cluster: $context, user: $1}}
current-context: $context
Y
}
identities() {
  local server=extendedKeyUsage=serverAuth svc=keda.svc
  if [ ! -e "$pki/ca.crt" ]; then
    openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=mldeploy-test \
      -keyout "$pki/ca.key" -out "$pki/ca.part" 2>/dev/null
    mv "$pki/ca.part" "$pki/ca.crt"
  fi
  cert apiserver /CN=kube-apiserver $'subjectAltName=IP:127.0.0.1,IP:10.97.0.1,DNS:localhost,DNS:kubernetes.default\n'$server
  cert to-kubelet /O=system:masters/CN=apiserver
  cert front-proxy /CN=front-proxy
  cert admin /O=system:masters/CN=admin
  cert manager /CN=system:kube-controller-manager
  cert scheduler /CN=system:kube-scheduler
  cert kubelet /O=system:nodes/CN=system:node:node-1
  cert proxy /CN=system:kube-proxy
  cert metrics-server /CN=metrics-server $'subjectAltName=DNS:metrics-server.kube-system.svc\n'$server
  # KEDA's two parts trust each other by one certificate, and come to the API server as KEDA's own service account.
  cert keda /CN=keda-operator "subjectAltName=IP:127.0.0.1,DNS:keda-operator.$svc,DNS:keda-metrics-apiserver.$svc
$server,clientAuth"
  cert keda-client /O=system:serviceaccounts/CN=system:serviceaccount:keda:keda-operator
  for one in admin manager scheduler kubelet proxy; do kubeconfig $one; done
  kubeconfig keda keda-client
  mkdir -p "$pki/keda"
  cp "$pki/ca.crt" "$pki/keda/ca.crt"; cp "$pki/keda.crt" "$pki/keda/tls.crt"; cp "$pki/keda.key" "$pki/keda/tls.key"
}

# -- the node ------------------------------------------------------------------------------------------------------------

containers() {
  cat >"$conf/containerd.toml" <<Y
version = 2
root = "$state/containerd"
state = "$short/containerd"
[grpc]
  address = "$socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "$state/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true  # without CAP_SYS_RESOURCE runc may not lower it, and no sandbox would start
  sandbox_image = "docker.io/$pause"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$conf/cni"
Y
  cat >"$conf/cni/10-mldeploy.conflist" <<Y
{"cniVersion": "1.0.0", "name": "mldeploy-test", "plugins": [
  {"type": "bridge", "bridge": "mldeploy0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$short/addresses",
            "ranges": [[{"subnet": "10.245.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}},
  {"type": "firewall"}]}
Y
  start containerd containerd -c "$conf/containerd.toml"
  await containerd ctr --address "$socket" version
  if ! on_containerd images ls -q | grep -qx "docker.io/$pause"; then # what holds a pod's namespaces: any program that waits
    say "making $pause"
    printf 'FROM %s\nENTRYPOINT ["sleep", "infinity"]\n' "${MLDEPLOY_TEST_BASE:-mldeploy-test/python:3.11}" |
      docker build -q -t "$pause" - >/dev/null 2>"$log/pause.log"
    docker save "$pause" | on_containerd images import - >/dev/null
  fi
}
control_plane() {
  local kube=$bin/kubenode as config=$conf
  start etcd "$kube" etcd --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:17379 --advertise-client-urls http://127.0.0.1:17379 \
    --listen-peer-urls http://127.0.0.1:17380 --initial-advertise-peer-urls http://127.0.0.1:17380 \
    --initial-cluster default=http://127.0.0.1:17380
  apiserver
  for as in manager scheduler; do
    local flags=(--kubeconfig="$config/$as.kubeconfig" --authentication-kubeconfig="$config/$as.kubeconfig"
      --authorization-kubeconfig="$config/$as.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false)
    if [ $as = manager ]; then
      flags+=(--secure-port=17257 --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/sa.key"
        --use-service-account-credentials --allocate-node-cidrs=false --cluster-signing-cert-file="$pki/ca.crt"
        --cluster-signing-key-file="$pki/ca.key" --horizontal-pod-autoscaler-sync-period=5s)
    else
      flags+=(--secure-port=17259)
    fi
    start $as "$kube" $as "${flags[@]}"
  done
}
apiserver() { # also alone, for tests in which it is away
  start apiserver "$bin/kubenode" apiserver --etcd-servers=http://127.0.0.1:17379 --bind-address=127.0.0.1 \
    --secure-port=17443 --advertise-address="$(address)" --allow-privileged --authorization-mode=Node,RBAC \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/to-kubelet.crt" --kubelet-client-key="$pki/to-kubelet.key" \
    --kubelet-preferred-address-types=InternalIP --enable-admission-plugins=NodeRestriction \
    --service-account-issuer=https://kubernetes.default --service-account-signing-key-file="$pki/sa.key" \
    --service-account-key-file="$pki/sa.key" --service-cluster-ip-range=10.97.0.0/16 --enable-aggregator-routing=true \
    --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key"
  await apiserver k get --raw /readyz
}
kubelet() { # also alone, for tests in which the node is gone
  cat >"$conf/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$pki/ca.crt"}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix://$socket
port: 17250
healthzPort: 0
failSwapOn: false
clusterDomain: cluster.local
resolvConf: /etc/resolv.conf
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 5s
maxPods: 80
podLogsDir: $state/pod-logs
Y
  start kubelet "$bin/kubenode" kubelet --config="$conf/kubelet.yaml" --kubeconfig="$conf/kubelet.kubeconfig" \
    --hostname-override=node-1 --root-dir="$state/kubelet" --cert-dir="$pki/kubelet"
}
service_proxy() {
  alive proxy && return # it ends when its file is written again
  cat >"$conf/proxy.yaml" <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: "$conf/proxy.kubeconfig"}
mode: iptables
clusterCIDR: 10.245.0.0/16
conntrack: {maxPerCore: 0}
healthzBindAddress: 127.0.0.1:17256
metricsBindAddress: 127.0.0.1:17255
Y
  start proxy "$bin/kubenode" proxy --config="$conf/proxy.yaml" --hostname-override=node-1
}

# -- metrics and scaling: processes of this machine behind Services without a selector ------------------------------------

aggregated() { # APISERVICE SERVICE NAMESPACE PORT
  cat <<Y
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: "$1"}
spec:
  group: "${1#*.}"
  version: "${1%%.*}"
  groupPriorityMinimum: 100
  versionPriority: 100
  caBundle: "$(base64 -w0 "$pki/ca.crt")"
  service: {name: "$2", namespace: "$3", port: $4}
---
apiVersion: v1
kind: Service
metadata: {name: "$2", namespace: "$3"}
spec: {ports: [{name: https, port: $4, targetPort: $4}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: "$2-host", namespace: "$3", labels: {kubernetes.io/service-name: "$2"}}
addressType: IPv4
endpoints: [{addresses: ["$(address)"], conditions: {ready: true}}]
ports: [{name: https, port: $4, protocol: TCP}]
Y
}
metrics_server() {
  local admin=$conf/admin.kubeconfig
  start metrics-server "$bin/metrics-server" --kubeconfig="$admin" --authentication-kubeconfig="$admin" \
    --authorization-kubeconfig="$admin" --bind-address="$(address)" --secure-port=17444 \
    --tls-cert-file="$pki/metrics-server.crt" --tls-private-key-file="$pki/metrics-server.key" --kubelet-insecure-tls \
    --kubelet-use-node-status-port --kubelet-preferred-address-types=InternalIP --metric-resolution=10s --kubelet-request-timeout=5s
  aggregated v1beta1.metrics.k8s.io metrics-server kube-system 17444 | k apply -f - >/dev/null
}
keda() {
  local from=$bin/keda-config config=$conf/keda.kubeconfig zap=(--zap-log-level=info --zap-encoder=console)
  if ! alive keda-operator; then
    # Server-side: one of the definitions is larger than the annotation of a client-side apply may be.
    k apply --server-side --force-conflicts -k "$from/crd" >/dev/null
    for part in general service_account rbac; do k apply -k "$from/$part" >/dev/null; done
    k apply -f "$from/metrics-server/role.yaml" -f "$from/metrics-server/role_binding.yaml" >/dev/null
    k wait --for=condition=Established crd/scaledobjects.keda.sh crd/scaledjobs.keda.sh --timeout=60s >/dev/null
  fi
  export WATCH_NAMESPACE="" POD_NAMESPACE=keda KEDA_CLUSTER_OBJECT_NAMESPACE=keda
  start keda-operator "$bin/keda-operator" --kubeconfig="$config" --leader-elect=false --enable-cert-rotation=false \
    --cert-dir="$pki/keda" --metrics-service-bind-address=127.0.0.1:17666 --health-probe-bind-address=127.0.0.1:17681 \
    --enable-prometheus-metrics=false "${zap[@]}"
  start keda-adapter "$bin/keda-adapter" --kubeconfig="$config" --lister-kubeconfig="$config" \
    --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" --bind-address="$(address)" \
    --secure-port=17445 --port=0 --cert-dir="$pki/keda" --tls-cert-file="$pki/keda/tls.crt" \
    --tls-private-key-file="$pki/keda/tls.key" --client-ca-file="$pki/keda/ca.crt" \
    --metrics-service-address=127.0.0.1:17666 "${zap[@]}"
  aggregated v1beta1.external.metrics.k8s.io keda-metrics-apiserver keda 17445 | k apply -f - >/dev/null
}

# -- the words -----------------------------------------------------------------------------------------------------------

up() {
  [ "$(id -u)" -eq 0 ] || { say "only root can start a Kubernetes node"; exit 3; }
  "$here/engine.sh" up >/dev/null # images are built there, and its registry is where the node finds them
  exec 9>"$state/lock"; flock 9 # two calls at once: the second finds what the first has made
  packages
  programs
  identities
  containers
  control_plane
  kubelet
  await kubelet k wait --for=condition=Ready node/node-1 --timeout=1s
  service_proxy # after the node is known: it asks for its address
  if has_part metrics-server; then metrics_server; fi
  if has_part keda; then
    keda
    await keda-operator curl -sf --noproxy '*' http://127.0.0.1:17681/readyz
    await keda-adapter k get --raw /apis/external.metrics.k8s.io/v1beta1
  fi
  env_lines
}
env_lines() {
  echo "export KUBECONFIG=$conf/admin.kubeconfig"
  echo "export MLDEPLOY_TEST_CONTEXT=$context"
}
down() {
  exec 9>"$state/lock"; flock 9
  if alive apiserver; then
    # An aggregated API that nobody answers would keep every namespace from being deleted.
    k delete apiservice v1beta1.external.metrics.k8s.io v1beta1.metrics.k8s.io --ignore-not-found >/dev/null 2>&1 || true
  fi
  for name in keda-adapter keda-operator metrics-server proxy kubelet; do stop $name; done
  if alive containerd; then # the kubelet leaves pods running
    for task in $(on_containerd tasks ls -q); do on_containerd tasks kill -s SIGKILL "$task" 2>/dev/null || true; done
    for _ in $(seq 40); do on_containerd tasks ls | grep -q RUNNING || break; sleep 0.25; done
    for task in $(on_containerd tasks ls -q); do on_containerd tasks rm -f "$task" >/dev/null 2>&1 || true; done
  fi
  for name in scheduler manager apiserver etcd containerd; do stop $name; done
}
purge() {
  down
  while read -r _ mounted _; do
    case $mounted in "$state"/* | "$short"/*) umount -l "$mounted" 2>/dev/null || true ;; esac
  done </proc/mounts
  ip link delete mldeploy0 2>/dev/null || true
  rm -rf "$short" "$state/etcd" "$state/kubelet" "$state/containerd" "$state/pod-logs" "$pki" "$conf" "$run" "$log"
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  purge) purge ;;
  env) env_lines ;;
  kill) # until it is gone its port is taken
    read -r pid _ <"$run/${2:?apiserver or kubelet}"
    kill -9 "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    rm "$run/$2"
    ;;
  start) case "${2:-}" in apiserver) apiserver ;; kubelet) kubelet ;; *) exit 2 ;; esac ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
