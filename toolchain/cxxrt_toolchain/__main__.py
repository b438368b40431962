"""``python -m cxxrt_toolchain``: the same as the ``cxxrt`` command."""

import sys

from cxxrt_toolchain.cli import main

if __name__ == "__main__":
    sys.exit(main())
