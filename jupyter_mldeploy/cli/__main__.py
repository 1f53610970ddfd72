"""``python -m jupyter_mldeploy.cli`` is ``mldeploy``."""

from __future__ import annotations

import sys

from jupyter_mldeploy.cli import main

sys.exit(main())
