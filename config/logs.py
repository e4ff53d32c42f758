"""Logging: one line per event on standard error, as JSON for machines or aligned text for people."""

import logging
from typing import Any

import structlog
import structlog.tracebacks

TIMESTAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    TIMESTAMP,
    structlog.processors.StackInfoRenderer(),
]

READABLE_DIMENSIONS = {"JobQueueObjectDescription": "job", "message": "message"}


class NoHealthProbes(logging.Filter):
    """Drops Django's own line about a readiness answer of 503: probes come every few seconds and say it themselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/readyz"


def only_what_a_person_reads(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Shortens the telemetry of a job to its name and message; the log entry in the admin tells the rest."""
    dimensions = event.pop("dimensions", {})
    event.update(
        {word: dimensions[name] for name, word in READABLE_DIMENSIONS.items() if dimensions.get(name)}
    )
    return event


def refusals_are_no_faults(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A page that was refused or not found needs no call stack: Django passes one along with each."""
    if event.get("logger") == "django.request" and event.get("level") == "warning":
        event.pop("exc_info", None)
    return event


# Call stacks without the values of variables: passwords and decrypted secrets are among them.
FRAMES_ONLY = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def dictionary(*, layout: str, level: str) -> dict[str, Any]:
    """A ``LOGGING`` dictionary for ``layout`` *console* or *json*; also makes ``structlog.get_logger()`` end there."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if layout == "json":
        rendering: list[Any] = [
            refusals_are_no_faults,
            FRAMES_ONLY,
            structlog.processors.JSONRenderer(default=str),
        ]
    else:
        rendering = [
            refusals_are_no_faults,
            only_what_a_person_reads,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            },
        },
        "filters": {"no_probes": {"()": NoHealthProbes}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": level, "propagate": True},
            "django.request": {"level": level, "filters": ["no_probes"], "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            "axes": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "fontTools": {"level": "ERROR"},
        },
    }
