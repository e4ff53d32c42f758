"""The arguments of ``manage.py refresher`` and its subcommands."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable
from functools import partial

from jobqueue.command_line.parser import add_acting, add_values, count


def add_arguments(parser: ArgumentParser) -> None:
    """Adds every subcommand; the chosen one is ``options.subcommand``."""
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    add = partial(_add, subparsers)
    _add_setting_up(add)
    _add_jobs(add)
    _add_passes(add)


def _add_setting_up(add: Callable[..., ArgumentParser]) -> None:
    setup = add("setup", "Show or change the refresh set-up of a company.")
    add_values(
        setup,
        "enabled, external_only, create_missing_custom_jobs, default_time_zone or default_runner (a user name); "
        "may be repeated.",
    )
    switch = setup.add_mutually_exclusive_group()
    switch.add_argument("--enable-external", action="store_true", help="Hand over to the worker outside.")
    switch.add_argument("--disable-external", action="store_true", help="Take back from the worker outside.")
    runners = add("runners", "List the runner users, or change one.")
    runners.add_argument("runner", nargs="?", help="User name of a runner.")
    verb = runners.add_mutually_exclusive_group()
    verb.add_argument("--register", action="store_true", help="Register the user as runner.")
    verb.add_argument("--reset", action="store_true", help="Set its failed attempts to 0.")
    verb.add_argument("--enable", action="store_true", help="Enable it.")
    verb.add_argument("--disable", action="store_true", help="Disable it; its jobs stay assigned.")
    verb.add_argument("--remove", action="store_true", help="Take it off the list; the user stays.")
    worker = add("worker-configuration", "Write the configuration of the worker outside for a runner user.")
    worker.add_argument(
        "runner", help="User name of a runner; its credential leaves the product this one time."
    )
    worker.add_argument("--file", required=True, metavar="PATH", help="The file to write; it must not exist.")
    worker.add_argument("--url", help="Where the worker reaches this installation; PUBLIC_URL unless given.")
    distribute = add("distribute", "Spread the monitored jobs evenly over the runner users, by load.")
    distribute.add_argument("--preview", action="store_true", help="Only show who would get what.")


def _add_jobs(add: Callable[..., ArgumentParser]) -> None:
    add("jobs", "List the monitored jobs of a company.")
    add("show", "Show one monitored job with all fields.", job=True)
    monitor = add("monitor", "Monitor entries, or stop monitoring them.")
    monitor.add_argument("entries", nargs="+", metavar="ENTRY", help="Entry No. or UUID; may be repeated.")
    monitor.add_argument("--stop", action="store_true", help="Stop monitoring; the entries keep running.")
    change = add("change", "Change a monitored job; its entry follows at the next pass.", job=True)
    add_values(
        change,
        "A field of the entry, runner, auto_reschedule, auto_reschedule_delay_seconds or heartbeat_url.",
    )
    add("delete", "Delete a monitored job; its entry keeps running.", job=True)
    recreate = add("recreate", "Make the monitored jobs anew from code and from flagged entries.")
    recreate.add_argument("--yes", action="store_true", help="Do it; without, only say what would be lost.")


def _add_passes(add: Callable[..., ArgumentParser]) -> None:
    refresh = add("refresh", "Refresh the monitored jobs of a company now, in this process.")
    refresh.add_argument("--runner", help="Only as this runner user.")
    refresh.add_argument("--queue", action="store_true", help="Refresh Now: in the background instead.")
    simulate = add("simulate", "Show what a pass would do now; nothing is written.")
    simulate.add_argument("--runner", help="Only as this runner user.")
    log = add("log", "Show the refresh log, newest first, or one pass with its lines.")
    log.add_argument("log", nargs="?", type=int, metavar="PASS", help="Number of a pass.")
    log.add_argument("--limit", type=count, default=50, help="At most this many; 50 unless given.")


def _add(
    subparsers: "_SubParsersAction[ArgumentParser]", name: str, help: str, *, job: bool = False
) -> ArgumentParser:
    parser = subparsers.add_parser(name, help=help, description=help)
    if job:
        parser.add_argument("job", type=int, metavar="JOB", help="Number of the monitored job.")
    add_acting(parser)
    return parser
