"""``python -m bench.generate``: a PostgreSQL database of a large site, to look at plans, screens and claims.

The database is named by ``DATABASE_URL`` and made anew; it is kept. A hundred thousand entries and ten million ledger
rows take some minutes and 8 GB.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bench import databases
from bench.large_site import Size, make


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--log-rows", type=int, default=10_000_000)
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        sys.exit("Name the database to make: DATABASE_URL=postgres://user:password@host/name")
    began = time.monotonic()
    databases.make_anew(url, name=urlsplit(url).path.lstrip("/"))
    fill(Size(options.entries, options.log_rows))
    print(f"{options.entries:,} entries, {options.log_rows:,} ledger rows: {time.monotonic() - began:.0f} s")


def fill(size: Size) -> None:
    """Migrates the database of ``DATABASE_URL`` and fills it; nothing is due before two days have passed."""
    from bench import filling

    filling.set_up()
    filling.empty_tables()
    make(size, first_due_at=datetime.now(UTC) + timedelta(days=2), say=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
