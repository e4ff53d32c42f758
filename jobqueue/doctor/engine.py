"""Settings: everything the system checks find, the known traps of the engine included."""

from collections.abc import Iterable

from django.core import checks

from jobqueue.doctor.registry import Result, State, check, ok


@check("Settings", needs_database=False, rank=80)
def settings() -> Iterable[Result]:
    found = [message for message in checks.run_checks() if not message.is_silenced()]
    for message in found:
        state = State.FAILURE if message.level >= checks.ERROR else State.WARNING
        if message.level >= checks.WARNING:
            yield Result(state, f"{message.msg} ({message.id})", message.hint or "")
    if not any(message.level >= checks.WARNING for message in found):
        yield ok("The system checks find nothing wrong with the settings.")
