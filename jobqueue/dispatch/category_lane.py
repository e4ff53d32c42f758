"""The category lane: a start that has to take its turn in a category, and is as plain as the fast lane's otherwise.

Lock, count, start: three statements of one transaction. Who finds no free slot, or anything unusual, takes the slow
lane, which locks, reads and asks everything again.
Source: *Job queue reference, Category serialisation*.
"""

from django.db import IntegrityError, transaction

from jobqueue import categories
from jobqueue.dispatch import hotpath
from jobqueue.dispatch.work import Work


def try_start(work: Work) -> bool:
    """The fused start under the category's lock; False, with nothing changed, where the slow lane has to decide."""
    entry = work.entry
    try:
        with transaction.atomic():
            if not categories.take_turn(entry.company_id, entry.category_code):
                return False
            work.started = hotpath.start(work.claim, work.reading, caption=work.caption)
    except IntegrityError:
        return False
    return work.started is not None
