"""The command of an image: start the scoring server with the service file of the app root.

Run with ``-I`` by the server's own Python, so that neither the app root nor the user's variables can shadow its modules.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from jupyter_mldeploy.runtime import main

if __name__ == "__main__":
    service = Path(os.environ.get("AML_APP_ROOT", "/var/azureml-app"), ".mldeploy", "service.json")
    # The server says on a copy of stdout that its port listens; whoever started the container reads that in its log.
    sys.exit(main(["--service_config", str(service), "--announce_fd", str(os.dup(1))]))
