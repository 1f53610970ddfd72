"""What a cluster says no to, and the cause that must be named for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ..infra.cluster import namespace, the_cluster
from .gallery.commands import CLUSTER, Command
from .test_commands import LONGEST, check, needs


@pytest.mark.cluster
@pytest.mark.timeout(LONGEST * 3)
@pytest.mark.parametrize("command", CLUSTER, ids=[command.cause for command in CLUSTER])
def test_it_fails_on_the_cluster(command: Command, tmp_path: Path) -> None:
    needs("kubectl")
    cluster = the_cluster()
    with namespace(cluster) as place:
        config = yaml.safe_load(Path(cluster.kubeconfig).read_text("utf-8"))
        config["current-context"] = cluster.context
        for entry in config["contexts"]:
            entry["context"]["namespace"] = place
        own = tmp_path / "kubeconfig"
        own.write_text(yaml.safe_dump(config), "utf-8")
        named = next(entry["context"]["cluster"] for entry in config["contexts"] if entry["name"] == cluster.context)
        server = next(entry["cluster"]["server"] for entry in config["clusters"] if entry["name"] == named)
        check(command, tmp_path, {"KUBECONFIG": str(own), "NAMESPACE": place, "SERVER": server}, "kubernetes")
