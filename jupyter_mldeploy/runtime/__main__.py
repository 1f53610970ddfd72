"""`python -m jupyter_mldeploy.runtime`."""

import sys

from jupyter_mldeploy.runtime import main

if __name__ == "__main__":
    sys.exit(main())
