"""SQL query: a report of whatever a SELECT finds on a connection an administrator allowed."""

from dataclasses import dataclass, field

from jobqueue.builtin import read_only_query
from jobqueue.conf import settings
from jobqueue.objects import Run, Table, report
from jobqueue.states import Level


def allowed_connections() -> list[str]:
    """The connections of ``SQL_REPORT_ALIASES``."""
    return sorted(settings().sql_report_aliases)


@dataclass(frozen=True)
class SqlQuery:
    connection: str = field(
        metadata={
            "choices": allowed_connections,
            "help": "Database connection to read from, one of SQL_REPORT_ALIASES.",
        }
    )
    query: str = field(
        metadata={
            "multiline": True,
            "max_length": 20_000,
            "label": "SQL query",
            "help": "One SELECT statement.",
        }
    )
    title: str = field(
        default="",
        metadata={"max_length": 250, "help": "Title of the document; the entry's description if empty."},
    )
    row_limit: int = field(
        default=10_000, metadata={"min": 1, "max": 100_000, "help": "Most rows the document shows."}
    )
    timeout_seconds: int = field(
        default=60,
        metadata={
            "min": 1,
            "max": 3600,
            "label": "Timeout (sec.)",
            "help": "Longest time the query may take.",
        },
    )

    def __post_init__(self) -> None:
        read_only_query.require_select(self.query)


@report(3, "SQL query", parameters=SqlQuery, permission="jobqueue.run_sql_report")
def sql_query(run: Run[SqlQuery]) -> Table:
    """Shows the rows of a SELECT as PDF or CSV.

    The query runs on a read-only connection from the allow-list, under a time limit, and can change nothing. What it
    can read is what the connection's database user may read.
    """
    asked = run.parameters
    found = read_only_query.select(
        asked.query, alias=asked.connection, row_limit=asked.row_limit, timeout_seconds=asked.timeout_seconds
    )
    notes = []
    if found.cut_off:
        notes.append(f"Only the first {asked.row_limit:,} rows are shown; the query finds more.")
        run.log(notes[0], level=Level.WARNING)
    run.log(f"{len(found.rows):,} rows found.")
    return run.table(found.columns, found.rows, title=asked.title, notes=notes)
