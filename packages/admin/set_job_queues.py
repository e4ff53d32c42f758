"""*Set Job Queues*: the lines of a package, filled in like ordinary entries, with their run order.

One form holds all lines; they are saved together through the verbs, or not at all with every problem on its field.
"""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from jobqueue.admin.base import now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_form import chosen_key, chosen_object
from jobqueue.admin.words import counted
from jobqueue.errors import Invalid, JobQueueError
from jobqueue.models import Entry
from packages import lifecycle
from packages.admin.base import PackagesAdmin
from packages.admin.line_form import LineForm, line_form
from packages.admin.lines_shown import lines_shown
from packages.admin.state import state_of
from packages.models import Package, PackageLine
from packages.rows import require_editable

MOST_LINES = 500
MOST_ENTRIES = 500
FIELD_OF = {"parameters": "parameter_string"}


class SetJobQueues(PackagesAdmin):
    """The page's part of the package admin."""

    def lines_address(self, package: Package) -> str:
        return reverse("admin:packages_package_set_job_queues", args=[package.pk])

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<path:object_id>/set-job-queues/",
                self.admin_site.admin_view(self.set_job_queues),
                name="packages_package_set_job_queues",
            ),
            path(
                "<path:object_id>/line-form/",
                self.admin_site.admin_view(self.line_form_view),
                name="packages_package_line_form",
            ),
        ]
        return own + super().get_urls()

    def set_job_queues(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        package = self.object_or_404(request, object_id)
        can_maintain = self.holds(request, "schedule")
        if request.method == "POST":
            if not can_maintain:
                raise PermissionDenied
            return self._save_lines(request, package)
        if not can_maintain or package.is_active or state_of(package).is_running:
            return self._lines_page(request, package, lines=[], problems=[])
        stored = list(package.lines.select_related("entry"))
        lines = [self._line_form(request, line, prefix=f"line-{at}") for at, line in enumerate(stored)]
        wanted = request.GET.get("new", "")
        if not stored or wanted:
            new = {"run_order": self._next_order(stored)}
            lines.append(self._line_form(request, None, prefix=f"line-{len(lines)}", initial=new))
        return self._lines_page(request, package, lines=lines, problems=[])

    def line_form_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One line anew after another job was chosen for it, or a new line; what was typed stays."""
        if not self.holds(request, "schedule"):
            raise PermissionDenied
        package = self.object_or_404(request, object_id)
        prefix = request.GET.get("prefix", "line-0")
        number = prefix.removeprefix("line-")
        if not (number.isascii() and number.isdigit() and int(number) < MOST_LINES):
            prefix = "line-0"
        key = request.GET.get(f"{prefix}-line_id", "")
        line = self._line(package, key)
        sent = {
            name.removeprefix(f"{prefix}-"): str(value)
            for name, value in request.GET.items()
            if name.startswith(f"{prefix}-")
        }
        form = self._line_form(request, line, prefix=prefix, initial=self._initial(request, prefix, sent))
        context = {"form": form, "open_lines": True, "package": package}
        return TemplateResponse(request, "packages/admin/line_card.html", context)

    def _line_form(self, request: HttpRequest, line: PackageLine | None, **named: Any) -> LineForm:
        return line_form(
            request, line, form_field=partial(self.formfield_for_dbfield, request=request), **named
        )

    # --- saving
    def _save_lines(self, request: HttpRequest, package: Package) -> HttpResponse:
        """All lines or none. What is refused is shown on its line, with everything that was typed."""
        lines = self._sent(request, package)
        problems: list[str] = []
        checked = [form.is_blank() or self._is_removed(form) or form.is_valid() for form in lines]
        if not all(checked):
            problems.append("Nothing was saved: see the lines marked below.")
        else:
            try:
                with transaction.atomic():
                    done = self._store(request, package, lines)
            except Invalid:
                problems.append("Nothing was saved: see the lines marked below.")
            except JobQueueError as refusal:
                problems.append(f"Nothing was saved. {refusal.message}")
            else:
                return self._saved_lines(request, package, done)
        shown = [self._unbound(request, form) if form.is_blank() else form for form in lines]
        return self._lines_page(request, package, lines=shown, problems=problems, status=422)

    def _unbound(self, request: HttpRequest, form: LineForm) -> LineForm:
        """A line nobody has filled in shows no complaints."""
        number = form.data.get(form.add_prefix("run_order"), "")
        return self._line_form(request, None, prefix=form.prefix or "line-0", initial={"run_order": number})

    def _saved_lines(self, request: HttpRequest, package: Package, done: list[str]) -> HttpResponse:
        messages.success(
            request, f"The lines of “{package}” were saved{': ' if done else '.'}{', '.join(done)}"
        )
        if "_back" in request.POST:
            return HttpResponseRedirect(self.card_address(package))
        new = "?new=1" if "_new" in request.POST else ""
        return HttpResponseRedirect(self.lines_address(package) + new)

    def _sent(self, request: HttpRequest, package: Package) -> list[LineForm]:
        total = request.POST.get("line-TOTAL", "0")
        count = min(int(total), MOST_LINES) if total.isascii() and total.isdigit() and len(total) < 5 else 0
        stored = {str(line.pk): line for line in package.lines.select_related("entry")}
        found = []
        for number in range(count):
            prefix = f"line-{number}"
            if f"{prefix}-run_order" not in request.POST and f"{prefix}-line_id" not in request.POST:
                continue  # a new line that was taken away again in the browser
            line = stored.get(request.POST.get(f"{prefix}-line_id", ""))
            found.append(self._line_form(request, line, prefix=prefix, data=request.POST))
        return found

    def _store(self, request: HttpRequest, package: Package, lines: list[LineForm]) -> list[str]:
        """Calls a verb for each line; raises ``Invalid`` after every line was tried."""
        actor, now = actor_of(request), now_of(request)
        expected = request.POST.get("expected_revision", "")
        expected_revision = (
            int(expected) if expected.isascii() and expected.isdigit() and len(expected) < 10 else None
        )
        require_editable(package)
        first: dict[str, Any] = {"actor": actor, "now": now, "expected_revision": expected_revision}
        changes = {"added": 0, "removed": 0}
        refused = False
        # The first verb compares the revision; those after it run under the lock it took.
        lifecycle.change_package(package, {}, **first)
        for form in lines:
            line: PackageLine | None = form.line
            if self._is_removed(form):
                if line is not None:
                    lifecycle.remove_line(line, actor=actor, now=now)
                    changes["removed"] += 1
                continue
            if line is None and form.data.get(form.add_prefix("line_id")):
                form.add_error(
                    None, "Somebody removed this line since you opened the page. Copy what you need."
                )
                refused = True
                continue
            if line is None and form.is_blank():
                continue
            try:
                if line is None:
                    lifecycle.add_line(
                        package, form.entry_values(), **form.line_values(), actor=actor, now=now
                    )
                    changes["added"] += 1
                else:
                    lifecycle.change_line(line, form.line_values(), actor=actor, now=now)
                    lifecycle.change_line_entry(line, form.entry_values(), actor=actor, now=now)
            except Invalid as refusal:
                refused = True
                put_problems(form, refusal)
        if refused:
            raise Invalid([])
        if "_existing" in request.POST:
            self._add_existing(package, request.POST.get("existing", ""), request=request)
            changes["added"] += 1
        return [f"{counted(count, 'line')} {word}" for word, count in changes.items() if count]

    def _add_existing(self, package: Package, key: str, *, request: HttpRequest) -> None:
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 18 else 0
        entry = self._existing(request, package).filter(entry_no=number).first()
        if entry is None:
            raise JobQueueError("Choose the existing entry that is to be copied into the package.")
        lifecycle.add_line_from_entry(package, entry, actor=actor_of(request), now=now_of(request))

    # --- the page
    def _lines_page(
        self,
        request: HttpRequest,
        package: Package,
        *,
        lines: list[LineForm],
        problems: list[str],
        status: int = 200,
    ) -> HttpResponse:
        is_locked = package.is_active or state_of(package).is_running
        open_lines = self.holds(request, "schedule") and (not is_locked or request.method == "POST")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Set Job Queues",
            "original": package,
            "package": package,
            "card_address": self.card_address(package),
            "lines": lines,
            "shown": [] if open_lines else lines_shown(package),
            "open_lines": open_lines,
            "is_locked": is_locked,
            "may_maintain": self.holds(request, "schedule"),
            "hold_address": self.verb_address(self.verb("set-on-hold"), package),
            "problems": problems,
            "existing": list(self._existing(request, package)[:MOST_ENTRIES]) if open_lines else [],
            "expected_revision": request.POST.get("expected_revision", package.revision),
            "total": self._total(request, lines),
            "line_form_address": reverse("admin:packages_package_line_form", args=[package.pk]),
            "media": self.media,
        }
        return TemplateResponse(request, "packages/admin/set_job_queues.html", context, status=status)

    @staticmethod
    def _total(request: HttpRequest, lines: list[LineForm]) -> int:
        numbers = [int((form.prefix or "line-0").removeprefix("line-")) for form in lines]
        return max(numbers, default=-1) + 1

    @staticmethod
    def _existing(request: HttpRequest, package: Package) -> Any:
        return Entry.objects.filter(company=request.company, owner_kind="", is_system=False).order_by(
            "description", "entry_no"
        )

    @staticmethod
    def _line(package: Package, key: str) -> PackageLine | None:
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 18 else 0
        return package.lines.select_related("entry").filter(pk=number).first()

    @staticmethod
    def _next_order(lines: list[PackageLine]) -> int:
        return max((line.run_order for line in lines), default=0) + 10

    @staticmethod
    def _initial(request: HttpRequest, prefix: str, sent: dict[str, str]) -> dict[str, Any]:
        """What was typed, with what the newly chosen job declares."""
        found: dict[str, Any] = {
            name: value for name, value in sent.items() if not name.startswith("parameter_")
        }
        for name in ("enabled", "always", "remove"):
            if f"{prefix}-run_order" in request.GET:
                found[name] = sent.get(name) in ("on", "true", "True", "1")
        job = chosen_object(*chosen_key(request, None, prefix=f"{prefix}-"))
        if job is not None:
            found |= {"description": job.caption, **job.defaults}
        return found

    @staticmethod
    def _is_removed(form: LineForm) -> bool:
        return form.data.get(form.add_prefix("remove")) in ("on", "true", "True", "1")


def put_problems(form: LineForm, refusal: Invalid) -> None:
    """Each problem on its field of the line, or above the line if the page does not show the field."""
    for problem in refusal.problems:
        name = form.field_of_problem(problem.field)
        name = name if name in form.fields else FIELD_OF.get(name, name)
        form.add_error(name if name in form.fields else None, problem.message)
