"""``python -m rsclib`` is the ``rsc`` command."""

import sys

from rsclib.cli import main

if __name__ == "__main__":
    sys.exit(main())
