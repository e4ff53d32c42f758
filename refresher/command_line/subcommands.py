"""The subcommands: each returns the JSON answer and the words for people."""

from argparse import Namespace
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.command_line.acting import assignments, company_of, entry_of
from jobqueue.command_line.output import facts, table
from jobqueue.errors import NotFound, Refused
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.validation import switch_of
from refresher import monitoring, runners, setting_up
from refresher.asking import setup_of
from refresher.command_line.representations import (
    Json,
    job_json,
    log_json,
    outcome_json,
    pass_json,
    runner_json,
    setup_json,
)
from refresher.distributing import distribute_runners
from refresher.models import MonitoredJob, RefreshLog, Runner
from refresher.passing import refresh_as_runner, refresh_in_login_mode, refresh_now, simulate_pass
from refresher.passing.requests import serving_runners
from refresher.results import PassResult
from refresher.states import ACTION_WORDS, Trigger

Answer = tuple[Any, str]


def setup(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    values = {name: _setting(name, text) for name, text in _assigned(options).items()}
    with transaction.atomic():
        if values:
            setting_up.change_setup(company, values, actor=actor)
        if options.enable_external:
            setting_up.enable_external(company, actor=actor)
        if options.disable_external:
            setting_up.disable_external(company, actor=actor)
    found = setup_json(setup_of(company))
    return found, facts({name: _word(value) for name, value in found.items()})


def list_runners(options: Namespace, actor: Actor) -> Answer:
    if options.runner:
        return _change_runner(options, actor)
    require(actor, "view")
    found = [runner_json(runner) for runner in Runner.objects.select_related("user")]
    heads = ("Runner user", "Works", "Failed", "Last success (UTC)", "Jobs", "Last error")
    lines = [
        (one["user"], "no" if one["problems"] else "yes", one["failed_attempts"], one["last_success_at"],
         one["monitored_jobs"], one["last_error"])
        for one in found
    ]  # fmt: skip
    return found, table(heads, lines)


def distribute(options: Namespace, actor: Actor) -> Answer:
    moves = distribute_runners(company_of(options, actor), actor=actor, preview=options.preview)
    found = [
        {
            "job": move.job.pk,
            "description": str(move.job),
            "old": move.old.name if move.old is not None else None,
            "new": move.new.name,
            "load_seconds_a_day": round(move.load, 3),
        }
        for move in moves
    ]
    heads = ("No.", "Job", "From", "To", "Seconds a day")
    lines = [
        (one["job"], one["description"], one["old"], one["new"], one["load_seconds_a_day"]) for one in found
    ]
    return found, table(heads, lines) if found else "The jobs are spread evenly already."


def jobs(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    rows = MonitoredJob.objects.select_related("company", "runner__user").filter(company=company)
    found = [job_json(job) for job in rows]
    heads = ("No.", "Job", "Runner user", "Protected", "Last refresh", "Status", "Reason")
    lines = [
        (one["id"], one["description"], one["runner"], "yes" if one["is_protected"] else "",
         one["last_refresh_at"], one["last_refresh_status"], one["last_reason"])
        for one in found
    ]  # fmt: skip
    return found, table(heads, lines)


def show(options: Namespace, actor: Actor) -> Answer:
    found = job_json(_job(options, actor), whole=True)
    return found, facts(found)


def monitor(options: Namespace, actor: Actor) -> Answer:
    entries = [entry_of(Namespace(entry=key, company=options.company), actor) for key in options.entries]
    if options.stop:
        with transaction.atomic():
            for entry in entries:
                monitoring.set_managed_by_app(entry, False, actor=actor)
        return {"stopped": [entry.pk for entry in entries]}, f"No longer monitored: {len(entries)}."
    created = monitoring.create_from_entries(entries, actor=actor)
    found = [
        {
            "entry_no": one.entry.pk,
            "job": one.job.pk if one.job is not None else None,
            "error": one.error or None,
            "code": one.code or None,
        }
        for one in created
    ]
    if len(created) == 1 and created[0].error:
        raise Refused(created[0].error, code=created[0].code)
    lines = [one.error or f"Entry {one.entry.pk} “{one.entry}” is monitored." for one in created]
    return found, "\n".join(lines)


def change(options: Namespace, actor: Actor) -> Answer:
    values: dict[str, Any] = _assigned(options)
    if "runner" in values:
        values["runner"] = runners.get_runner(values["runner"]) if values["runner"] else None
    if "auto_reschedule" in values:
        values["auto_reschedule"] = _yes_or_no("auto_reschedule", values["auto_reschedule"])
    job = monitoring.change_monitored_job(_job(options, actor), values, actor=actor)
    return job_json(job, whole=True), f"“{job}” was changed; its entry follows at the next pass."


def delete(options: Namespace, actor: Actor) -> Answer:
    job = _job(options, actor)
    key = job.pk
    monitoring.delete_monitored_job(job, actor=actor)
    return {"id": key, "deleted": True}, f"“{job}” is no longer monitored; its entry keeps running."


def recreate(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    losses = monitoring.what_recreating_loses(company, actor=actor)
    found: Json = {"losses": losses.sentences, "lost_for_good": [job.pk for job in losses.lost_for_good]}
    words = "\n".join(losses.sentences) or "Nothing would be lost."
    if not options.yes:
        return {**found, "done": False}, f"{words}\nRepeat with --yes to recreate the monitored jobs."
    done = monitoring.recreate_monitored_jobs(company, actor=actor)
    found |= {
        "done": True,
        "deleted": done.deleted,
        "registered": sum(not one.error for one in done.registered),
        "from_entries": len(done.from_entries),
        "errors": done.errors,
    }
    return found, (
        f"{done.deleted} monitored jobs were deleted; {found['registered']} came back from code and "
        f"{found['from_entries']} from entries."
    )


def refresh(options: Namespace, actor: Actor) -> Answer:
    """Runs the passes here; with ``--queue`` it is Refresh Now."""
    company = company_of(options, actor)
    if options.queue:
        requested = refresh_now(company, actor=actor)
        found: Json = {"queued": [log_json(log) for log in requested.queued], "unserved": requested.unserved}
        return found, "\n".join([f"Passes queued: {len(requested.queued)}.", *requested.unserved])
    require(actor, "operate", company)
    results = []
    if setup_of(company).use_external:
        chosen = [runners.get_runner(options.runner)] if options.runner else serving_runners(company)
        for runner in chosen:
            acting = Actor(user=runner.user, origin=actor.origin)
            results.append(refresh_as_runner(company, actor=acting, trigger=Trigger.COMMAND))
    else:
        results.append(refresh_in_login_mode(company, actor=actor, trigger=Trigger.COMMAND))
    return [pass_json(result) for result in results], "\n\n".join(_in_words(result) for result in results)


def simulate(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    runner = runners.get_runner(options.runner) if options.runner else None
    results = simulate_pass(company, actor=actor, runner=runner, now=database_now())
    return [pass_json(result) for result in results], "\n\n".join(_in_words(result) for result in results)


def log(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    rows = RefreshLog.objects.select_related("company", "runner__user", "user").filter(company=company)
    if options.log is not None:
        row = rows.filter(pk=options.log).first()
        if row is None:
            raise NotFound(f"There is no pass {options.log} in the refresh log of “{company}”.")
        found = log_json(row, with_lines=True)
        lines = [(one["description"], one["action"], one["reason"], _changes(one)) for one in found["lines"]]
        return found, f"{row.message}\n\n{table(('Job', 'Action', 'Reason', 'Changes'), lines)}"
    listed = [log_json(row) for row in rows[: options.limit]]
    heads = ("Pass", "Asked (UTC)", "Started by", "Runner user", "State", "Message")
    cells = [
        (one["id"], one["asked_at"], one["trigger"], one["runner"], one["state"], one["message"])
        for one in listed
    ]
    return listed, table(heads, cells)


def _change_runner(options: Namespace, actor: Actor) -> Answer:
    if options.register:
        field = get_user_model().USERNAME_FIELD
        user = get_user_model()._default_manager.filter(**{field: options.runner}).first()
        if user is None:
            raise NotFound(f"There is no user “{options.runner}”. Create the user first.")
        runner = runners.register_runner(user, actor=actor)
        return runner_json(runner), f"“{runner}” is registered as runner user."
    runner = runners.get_runner(options.runner)
    if options.remove:
        runners.remove_runner(runner, actor=actor)
        return {"user": options.runner, "removed": True}, f"“{options.runner}” is no runner user any more."
    words = ""
    if options.reset:
        words = "was reset" if runners.reset_runner(runner, actor=actor) else "has no failed attempts"
    elif options.enable or options.disable:
        runners.set_runner_enabled(runner, options.enable, actor=actor)
        words = "is enabled" if options.enable else "is disabled"
    else:
        require(actor, "view")
    found = runner_json(runner)
    return found, f"“{runner}” {words}." if words else facts(found)


def _job(options: Namespace, actor: Actor) -> MonitoredJob:
    company = company_of(options, actor)
    require(actor, "view", company)
    jobs = MonitoredJob.objects.select_related("company", "runner__user")
    job = jobs.filter(company=company, pk=options.job).first()
    if job is None:
        raise NotFound(
            f"There is no monitored job {options.job} in “{company}”. “refresher jobs” lists them."
        )
    return job


def _assigned(options: Namespace) -> dict[str, Any]:
    return assignments(Namespace(assignments=options.assignments, object=None))


def _setting(name: str, text: str) -> Any:
    if name == "default_runner":
        return runners.get_runner(text) if text else None
    return text if name == "default_time_zone" else _yes_or_no(name, text)


def _yes_or_no(name: str, text: str) -> bool:
    found = switch_of(text)
    if found is None:
        raise Refused(f"{name}: “{text}” is neither yes nor no.", code="usage")
    return found


def _word(value: Any) -> Any:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


def _in_words(result: PassResult) -> str:
    who = f"As {result.runner.name}: " if result.runner is not None else ""
    lines = [
        (outcome.job.pk or "new", str(outcome.job), ACTION_WORDS[outcome.action], outcome.reason,
         _changes(outcome_json(outcome)), outcome.due_at)
        for outcome in result.outcomes
    ]  # fmt: skip
    heads = ("No.", "Job", "Action", "Reason", "Changes", "Next run (UTC)")
    return f"{who}{result.message}\n{table(heads, lines) if lines else ''}".rstrip()


def _changes(found: Json) -> str:
    return "; ".join(f"{name}: {old or '–'} → {new or '–'}" for name, (old, new) in found["changes"].items())
