#!/usr/bin/env bash
# build.sh kubenode|metrics-server|keda FOLDER : build one program of cluster.sh from Go modules into a folder.
set -euo pipefail
what=${1:?kubenode, metrics-server or keda} folder=$(realpath -m "${2:?a folder}")
kubernetes=1.34.4 metrics_server=0.9.0 keda=2.20.2
here=$(cd "$(dirname "$0")" && pwd)
command -v go >/dev/null || { echo "needs Go, or MLDEPLOY_TEST_PROGRAMS with the programs" >&2; exit 3; }
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export CGO_ENABLED=0
module() { # MODULE@VERSION FIELD
  go mod download -json "$1" | sed -n "s/.*\"$2\": \"\\(.*\\)\".*/\\1/p"
}

case $what in
  kubenode)
    cp "$here/main.go" "$work"
    { # k8s.io/kubernetes asks for its own parts as v0.0.0, which nobody publishes: each is replaced by its published version
      printf 'module kubenode\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' $kubernetes
      sed -n 's/^\t\(k8s\.io\/[a-z0-9-]*\) v0\.0\.0$/\t\1 => \1 v0.'"${kubernetes#1.}"'/p' \
        "$(module k8s.io/kubernetes@v$kubernetes GoMod)" | sort -u
      echo ')'
    } >"$work/go.mod"
    cd "$work"
    go mod tidy
    version=k8s.io/component-base/version
    go build -trimpath -tags providerless -o "$folder/kubenode.part" -ldflags "-s -w -X $version.gitVersion=v$kubernetes
      -X $version.gitMajor=1 -X $version.gitMinor=34" .
    mv "$folder/kubenode.part" "$folder/kubenode"
    ;;
  metrics-server)
    GOBIN=$work go install "sigs.k8s.io/metrics-server/cmd/metrics-server@v$metrics_server"
    mv "$work/metrics-server" "$folder/metrics-server"
    ;;
  keda)
    # Its go.mod has replacements, so it is built as the main module; its definitions and roles are in the module too.
    cp -r "$(module "github.com/kedacore/keda/v2@v$keda" Dir)" "$work/keda"
    chmod -R u+w "$work/keda"
    cd "$work/keda"
    go build -trimpath -ldflags "-s -w" -o "$folder/keda-operator" ./cmd/operator
    go build -trimpath -ldflags "-s -w" -o "$folder/keda-adapter" ./cmd/adapter
    mkdir -p "$folder/keda-config"
    cp -r config/{crd,general,service_account,rbac,metrics-server} "$folder/keda-config"
    ;;
  *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
esac
