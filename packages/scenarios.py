"""The scenarios of packages: the moments of a run at which somebody on a list is told.

Source: *Packages reference, Scenarios*.
"""

from notifications.scenarios import Scenario, Severity, register

ABOUT_PACKAGE = "package"

ON_ERROR = register(
    Scenario(
        "package_error",
        "On Error",
        Severity.ERROR,
        ABOUT_PACKAGE,
        "A run ended with Error or Completed with Errors, once per run, in all three On Error modes.",
        is_failure=True,
    )
)
ON_SUCCESS = register(
    Scenario("package_success", "On Success", Severity.SUCCESS, ABOUT_PACKAGE, "A run ended with Success.")
)
ON_COMPLETION = register(
    Scenario(
        "package_completion",
        "On Completion",
        Severity.COMPLETION,
        ABOUT_PACKAGE,
        "A run ended, whether with Success, Completed with Errors, Error or Stopped.",
    )
)
ON_ENTRY_ERROR = register(
    Scenario(
        "package_entry_error",
        "On Entry Error",
        Severity.ERROR,
        ABOUT_PACKAGE,
        "A line failed for good, at once.",
        is_failure=True,
    )
)
ON_STOP = register(
    Scenario(
        "package_stop",
        "On Stop",
        Severity.STOP,
        ABOUT_PACKAGE,
        "The package goes to Error: its schedule is off until somebody acts.",
        is_failure=True,
    )
)
ON_MISSED = register(
    Scenario(
        "package_missed",
        "On Missed Run",
        Severity.MISSED,
        ABOUT_PACKAGE,
        "A due time was not served within the late tolerance.",
        is_failure=True,
    )
)
ON_RECOVERY = register(
    Scenario(
        "package_recovery",
        "On Recovery",
        Severity.RECOVERY,
        ABOUT_PACKAGE,
        "A run ended with Success, and the one before had not.",
    )
)
ON_OVERRUN = register(
    Scenario(
        "package_overrun",
        "On Overrun",
        Severity.OVERRUN,
        ABOUT_PACKAGE,
        "A run is still open after the package's Max. Duration.",
    )
)
ON_START = register(
    Scenario("package_start", "On Start", Severity.START, ABOUT_PACKAGE, "A run of the package starts.")
)
