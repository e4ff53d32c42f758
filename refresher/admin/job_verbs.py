"""The verbs of a monitored job, as buttons and bulk actions."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.admin.verbs import Verb
from jobqueue.models import Entry
from refresher.admin.job_form import RunnerForm
from refresher.asking import is_protected
from refresher.models import MonitoredJob
from refresher.monitoring import accept_entry, assign_runner, delete_monitored_job
from refresher.passing import refresh_job_now
from refresher.states import ACTION_WORDS


def protection(job: MonitoredJob) -> str:
    """Why most fields of the job cannot be changed here; empty if they can."""
    if job.is_customisable or not is_protected(job):
        return ""
    return f"“{job}” is protected: {job.registered_by or 'the code that registers it'} describes it anew on every pass."


def stop_offered(job: MonitoredJob) -> str:
    if not is_protected(job):
        return ""
    source = job.registered_by or "the code that registers it"
    return (
        f"“{job}” is protected: {source} registers it on every pass. To stop the job, set its entry On Hold."
    )


def accept_offered(job: MonitoredJob) -> str:
    return protection(job) or ("" if job.entry_id else "It has no entry yet.")


def _repair(job: MonitoredJob, actor: Actor, values: dict[str, Any]) -> str:
    result = refresh_job_now(job, actor=actor)
    if not result.outcomes:
        return f"“{job}” is not monitored any more."
    (outcome,) = result.outcomes
    return f"“{job}”: {ACTION_WORDS[outcome.action].lower()}. {outcome.reason}"


def _accept(job: MonitoredJob, actor: Actor, values: dict[str, Any]) -> str:
    accept_entry(job, actor=actor)
    return f"What the entry of “{job}” is now, is expected from now on."


def _assign(job: MonitoredJob, actor: Actor, values: dict[str, Any]) -> str:
    found = assign_runner(job, values["runner"], actor=actor)
    who = found.runner.name if found.runner is not None else "the default runner user"
    return f"“{job}” is looked after by {who}."


def _stop(job: MonitoredJob, actor: Actor, values: dict[str, Any]) -> str:
    delete_monitored_job(job, actor=actor)
    kept = Entry.objects.filter(id=job.entry_id).exists()
    return f"“{job}” is no longer monitored.{' Its entry stays and keeps running.' if kept else ''}"


VERBS: tuple[Verb, ...] = (
    Verb(
        name="repair",
        label="Repair Now",
        icon="build",
        level="operate",
        act=_repair,
        primary=True,
        question=lambda job: f"Repair “{job}” now?",
        question_many="Repair {count} now?",
        done_many="{count} repaired or left alone.",
        explanation="What a pass would do to it is done at once: put back what differs, create it again, start it "
        "again. A run in process and an entry held by a person are left alone.",
    ),
    Verb(
        name="accept",
        label="Accept as New Expectation",
        icon="approval",
        level="schedule",
        act=_accept,
        offered=accept_offered,
        question=lambda job: f"Expect “{job}” as its entry is now?",
        question_many="Expect {count} as their entries are now?",
        done_many="{count} accepted.",
        explanation="The monitored job takes over what differs on the entry; later passes keep that.",
    ),
    Verb(
        name="assign-runner",
        label="Assign Runner…",
        icon="person",
        level="administer",
        act=_assign,
        form=RunnerForm,
        question=lambda job: f"Who looks after “{job}”?",
        question_many="Who looks after {count}?",
        done_many="{count} assigned.",
        explanation="The runner user refreshes the job and runs it, from the next pass on. It must be allowed to run "
        "its object.",
    ),
    Verb(
        name="stop-monitoring",
        label="Stop Monitoring",
        icon="remove_moderator",
        level="schedule",
        act=_stop,
        offered=stop_offered,
        danger=True,
        leaves_page=True,
        question=lambda job: f"Stop monitoring “{job}”?",
        question_many="Stop monitoring {count}?",
        done_many="{count} no longer monitored.",
        explanation="Nobody restarts or repairs its entry any more. The entry stays and keeps running.",
    ),
)
