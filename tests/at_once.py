"""Several people, workers or passes at the same moment, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable

from django.db import connection

from jobqueue.errors import JobQueueError


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Runs the acts in threads released together; the codes of refusals, what else was raised, empty for successes."""
    barrier, answers = threading.Barrier(len(acts)), []

    def one(act: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=10)
            act()
            answers.append("")
        except JobQueueError as refusal:
            answers.append(refusal.code)
        except Exception as error:  # what the tests are about: nothing else may come through
            answers.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return sorted(answers)
