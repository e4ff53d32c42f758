"""Rows of the refresher as JSON objects: names follow the model fields, moments are ISO 8601 in UTC."""

from typing import Any

from jobqueue.command_line.representations import entry_json, moment
from refresher.asking import last_refreshed
from refresher.models import MonitoredJob, RefreshLog, RefreshLogLine, RefreshSetup, Runner
from refresher.results import Outcome, PassResult
from refresher.runners import operational_problems
from refresher.templates import BESIDE, TEMPLATE, as_entry

Json = dict[str, Any]


def setup_json(setup: RefreshSetup) -> Json:
    """The set-up of a company, with when it was last refreshed."""
    return {
        "company": setup.company.code,
        "enabled": setup.enabled,
        "use_external": setup.use_external,
        "external_enabled_at": moment(setup.external_enabled_at),
        "external_only": setup.external_only,
        "default_runner": setup.default_runner.name if setup.default_runner is not None else None,
        "default_time_zone": setup.default_time_zone,
        "create_missing_custom_jobs": setup.create_missing_custom_jobs,
        "last_refreshed": moment(last_refreshed(setup.company)),
    }


def runner_json(runner: Runner) -> Json:
    """A runner user; ``problems`` is what keeps it from working."""
    return {
        "user": runner.name,
        "is_enabled": runner.is_enabled,
        "is_inactive": runner.is_inactive,
        "failed_attempts": runner.failed_attempts,
        "last_success_at": moment(runner.last_success_at),
        "last_failure_at": moment(runner.last_failure_at),
        "last_error": runner.last_error,
        "monitored_jobs": runner.monitored_jobs.count(),
        "problems": operational_problems(runner),
    }


def job_json(job: MonitoredJob, *, whole: bool = False) -> Json:
    """A monitored job; ``whole`` adds every field of its template."""
    found: Json = {
        "id": job.pk,
        "company": job.company.code,
        "description": str(job),
        "entry_id": str(job.entry_id) if job.entry_id is not None else None,
        "runner": job.runner.name if job.runner is not None else None,
        "is_protected": job.is_protected,
        "is_customisable": job.is_customisable,
        "registered_by": job.registered_by,
        "last_refresh_at": moment(job.last_refresh_at),
        "last_refresh_status": job.last_refresh_status,
        "last_reason": job.last_reason,
        "last_error": job.last_error,
    }
    if whole:
        template = entry_json(as_entry(job))
        found |= {name: template[name] for name in TEMPLATE if name in template}
        found |= {name: getattr(job, name) for name in BESIDE}
    return found


def outcome_json(outcome: Outcome) -> Json:
    """What was done, or would be done, to one monitored job."""
    return {
        "job": outcome.job.pk,
        "description": str(outcome.job),
        "entry_id": str(outcome.entry_id) if outcome.entry_id is not None else None,
        "action": outcome.action.value,
        "why": outcome.why.value,
        "reason": outcome.reason,
        "changes": outcome.changes,
        "due_at": moment(outcome.due_at),
    }


def pass_json(result: PassResult) -> Json:
    """A pass; ``state`` is null if nothing was touched because refreshing is off."""
    return {
        "log": result.log.pk if result.log is not None else None,
        "state": result.state.value if result.state is not None else None,
        "runner": result.runner.name if result.runner is not None else None,
        "message": result.message,
        "registration_errors": [one.error for one in result.registered if one.error],
        "outcomes": [outcome_json(outcome) for outcome in result.outcomes],
    }


def log_json(log: RefreshLog, *, with_lines: bool = False) -> Json:
    """One pass of the refresh log."""
    found: Json = {
        "id": log.pk,
        "company": log.company.code,
        "runner": log.runner.name if log.runner is not None else None,
        "user": log.user.get_username() if log.user is not None else None,
        "trigger": log.trigger,
        "state": log.state,
        "asked_at": moment(log.asked_at),
        "started_at": moment(log.started_at),
        "ended_at": moment(log.ended_at),
        "message": log.message,
    }
    counters = ("jobs", "left_alone", "corrected", "restarted", "recreated", "failed", "registered")
    found |= {name: getattr(log, name) for name in (*counters, "registration_errors")}
    if with_lines:
        found["lines"] = [line_json(line) for line in log.lines.all()]
    return found


def line_json(line: RefreshLogLine) -> Json:
    """What a pass did to one job."""
    return {
        "job": line.monitored_job_id,
        "description": line.description,
        "entry_id": str(line.entry_id) if line.entry_id is not None else None,
        "action": line.action,
        "why": line.why,
        "reason": line.reason,
        "changes": line.changes,
        "due_at": moment(line.due_at),
    }
