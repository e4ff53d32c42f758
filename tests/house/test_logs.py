import json
import logging
from io import StringIO

import pytest

from config import logs

DIMENSIONS = {
    "JobQueueObjectDescription": "Bank import",
    "alJobQueueStacktrace": "Traceback …",
    "taskId": "17",
}


@pytest.fixture
def written():
    """What a logger of ours writes under a layout, without touching the loggers of the test run."""

    def write(layout: str) -> str:
        stream = StringIO()
        line = logs.dictionary(layout=layout, level="INFO")["formatters"]["line"]
        formatter = line.pop("()")(**line)
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        logger = logging.Logger("jobqueue.telemetry")
        logger.addHandler(handler)
        logger.warning("%s errored", "Entry 3", extra={"event_id": "0000HE7", "dimensions": DIMENSIONS})
        return stream.getvalue()

    return write


def test_machines_get_one_json_object_with_everything(written):
    (line,) = written("json").splitlines()
    found = json.loads(line)
    assert found["event"] == "Entry 3 errored"
    assert found["level"] == "warning"
    assert found["dimensions"] == DIMENSIONS
    assert found["timestamp"].endswith("Z")


def test_people_get_a_line_they_can_read(written):
    (line,) = written("console").splitlines()
    assert "Entry 3 errored" in line
    assert "job='Bank import'" in line
    assert "Traceback" not in line


def test_a_failing_probe_is_not_logged_by_django_as_well(rf):
    probe = logging.makeLogRecord({"request": rf.get("/readyz")})
    page = logging.makeLogRecord({"request": rf.get("/admin/")})
    assert [logs.NoHealthProbes().filter(record) for record in (probe, page)] == [False, True]


@pytest.mark.parametrize("layout", ["json", "console"])
def test_a_call_stack_is_logged_without_the_values_of_variables(layout):
    def fail(*, password):
        raise ValueError("the bank refused")

    try:
        fail(password="".join(("hunt", "er2")))
    except ValueError:
        said = said_by("jobqueue", layout=layout, level="error", exc_info=True)
    assert "the bank refused" in said
    assert "hunter2" not in said


def test_a_refused_page_is_one_line_without_a_call_stack():
    try:
        raise PermissionError("no")
    except PermissionError:
        said = said_by("django.request", layout="console", level="warning", exc_info=True)
    assert len(said.splitlines()) == 1


def said_by(name: str, *, layout: str, level: str, **extra) -> str:
    """One message of the named logger, as it is written under the layout."""
    stream = StringIO()
    line = logs.dictionary(layout=layout, level="INFO")["formatters"]["line"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(line.pop("()")(**line))
    logger = logging.Logger(name)
    logger.addHandler(handler)
    getattr(logger, level)("Something happened", **extra)
    return stream.getvalue()
