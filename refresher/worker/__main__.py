"""``python -m refresher.worker``."""

import sys

from refresher.worker.program import main

sys.exit(main(sys.argv[1:]))
