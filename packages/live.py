"""What the lines of open runs are doing at this moment: their entries know whether they run or wait."""

from collections.abc import Iterable

from jobqueue.models import Entry
from jobqueue.states import Status
from packages.models import RunLine
from packages.states import GOING, Result


def as_they_are(lines: Iterable[RunLine]) -> list[RunLine]:
    """The lines; those that are going show *In Process* while their entry runs, else *Waiting*. One query at most.

    Only for showing: the rows are not written.
    """
    lines = list(lines)
    going = [line for line in lines if line.result in GOING]
    if going:
        statuses = dict(
            Entry.objects.filter(id__in=[line.entry_id for line in going]).values_list("id", "status")
        )
        for line in going:
            runs = statuses.get(line.entry_id) in (Status.IN_PROCESS, Status.ON_HOLD)
            line.result = Result.IN_PROCESS if runs else Result.WAITING
    return lines
