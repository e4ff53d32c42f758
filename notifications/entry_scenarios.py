"""The scenarios of single entries: for entries linked to a list.

Entries owned by a package never use them: they are told through their package
(*Decisions, Packages and notifications*).
"""

from notifications.scenarios import Scenario, Severity, register

ABOUT_ENTRY = "entry"

ON_ERROR = register(
    Scenario(
        "entry_error",
        "On Error",
        Severity.ERROR,
        ABOUT_ENTRY,
        "An entry failed and will not be tried again.",
        is_failure=True,
    )
)
ON_SUCCESS = register(
    Scenario("entry_success", "On Success", Severity.SUCCESS, ABOUT_ENTRY, "A run of an entry succeeded.")
)
ON_RECOVERY = register(
    Scenario(
        "entry_recovery",
        "On Recovery",
        Severity.RECOVERY,
        ABOUT_ENTRY,
        "A run of an entry succeeded, and the one before had failed for good.",
    )
)
LATE = register(
    Scenario(
        "entry_late",
        "Late",
        Severity.MISSED,
        ABOUT_ENTRY,
        "An entry did not start within the given minutes after it was due.",
        needs_minutes=True,
    )
)
RAN_LONGER = register(
    Scenario(
        "entry_ran_longer",
        "Ran Longer",
        Severity.OVERRUN,
        ABOUT_ENTRY,
        "A run of an entry takes, or took, longer than the given minutes.",
        needs_minutes=True,
    )
)
