"""The verbs of people, integrations and programs on packages, one function each.

Every verb checks the actor's permission, opens its own transaction, locks the package's row, and refuses with a
sentence: ``NotAllowed``, ``NotFound``, ``Refused`` (with ``PackageLocked``, ``PackageChangedMeanwhile`` and
``CannotStart``) and ``Invalid``. ``now`` is aware and read from the database's clock unless given.
"""

from packages.lifecycle.activating import set_active, set_on_hold
from packages.lifecycle.editing import change_package, copy_package, create_package, delete_package
from packages.lifecycle.lines import (
    add_line,
    add_line_from_entry,
    change_line,
    change_line_entry,
    remove_line,
    reorder_lines,
)
from packages.lifecycle.recurring import add_recurrence, change_recurrence, remove_recurrence
from packages.lifecycle.running import cancel_run, resume, run_now

__all__ = [
    "add_line",
    "add_line_from_entry",
    "add_recurrence",
    "cancel_run",
    "change_line",
    "change_line_entry",
    "change_package",
    "change_recurrence",
    "copy_package",
    "create_package",
    "delete_package",
    "remove_line",
    "remove_recurrence",
    "reorder_lines",
    "resume",
    "run_now",
    "set_active",
    "set_on_hold",
]
