"""The command of an image: start the scoring server with the service file of the app root.

Run with ``-I`` by the server's own Python, so that neither the app root nor the user's variables can shadow its modules.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from jupyter_mldeploy.runtime import main  # noqa: E402 - found by the line above

if __name__ == "__main__":
    service = os.path.join(os.environ.get("AML_APP_ROOT", "/var/azureml-app"), ".mldeploy", "service.json")
    # The server says on a copy of stdout that its port listens; whoever started the container reads that in its log.
    sys.exit(main(["--service_config", service, "--announce_fd", str(os.dup(1))]))
