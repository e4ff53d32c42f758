"""Events of the task scheduler (*Job queue reference, Task scheduler events*), as plain log records."""

import logging

logger = logging.getLogger("jobqueue.scheduler")

EVENTS = {
    "LC0040": (logging.INFO, "task created"),
    "LC0041": (logging.INFO, "task set ready"),
    "LC0042": (logging.INFO, "task removed"),
    "LC0043": (logging.INFO, "task completed"),
    "LC0044": (logging.WARNING, "task cancelled while running"),
    "LC0045": (logging.ERROR, "task failed"),
    "LC0057": (logging.INFO, "task timeout reduced to the maximum"),
}


def emit(event_id: str, **dimensions: object) -> None:
    """Writes one event; almost free while its level is off. The record carries ``event_id`` and ``dimensions``."""
    level, text = EVENTS[event_id]
    if logger.isEnabledFor(level):
        logger.log(level, "%s %s", event_id, text, extra={"event_id": event_id, "dimensions": dimensions})
