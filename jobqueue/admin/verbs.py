"""Verbs, the buttons of the admin: POST only, confirmed in a sentence where it matters, checked when acting.

A GET of a verb's address shows the confirmation page and changes nothing; ``jobqueue.js`` shows the same page as a
dialog. The verb functions of ``jobqueue.lifecycle`` check permission and status again and write the history.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from jobqueue.actors import Actor
from jobqueue.admin.base import JobQueueAdmin, back_to, put_refusal
from jobqueue.admin.company import actor_of
from jobqueue.admin.words import counted
from jobqueue.errors import Invalid, JobQueueError
from jobqueue.permissions import GROUP_FOR, Level

BULK_LIMIT = 1_000
SHOWN_REFUSALS = 5


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One button. ``act`` performs it for one row and returns the sentence shown afterwards.

    ``question`` is the confirmation for one row and ``question_many`` for several (``{count}``); ``offered`` returns
    why the present state does not allow it, or an empty text. ``done_many`` reads ``3 set to Ready.``
    """

    name: str
    label: str
    icon: str
    level: Level
    act: Callable[[Any, Actor, dict[str, Any]], str]
    question: Callable[[Any], str]
    explanation: str = ""
    question_many: str = ""
    done_many: str = ""
    form: type[forms.Form] | None = None
    form_for: Callable[[HttpRequest, Any], type[forms.Form]] | None = None
    offered: Callable[[Any], str] = field(default=lambda row: "")
    confirmed: bool = True
    danger: bool = False
    primary: bool = False
    leaves_page: bool = False  # the row is gone or another one afterwards
    destination: Callable[[Any], str] | None = None
    label_for: Callable[[Any], str] | None = None

    @property
    def bulk(self) -> bool:
        return bool(self.question_many)


@dataclass(frozen=True)
class Button:
    """A verb as one viewer sees it on one row; ``reason`` tells why it is disabled."""

    verb: Verb
    address: str
    reason: str = ""
    label: str = ""

    @property
    def enabled(self) -> bool:
        return not self.reason


class VerbsAdmin(JobQueueAdmin):
    """An admin whose rows have verbs: addresses, confirmation pages, bulk actions and buttons come from ``verbs``."""

    verbs: tuple[Verb, ...] = ()
    actions: Any = ()

    def verb(self, name: str) -> Verb:
        return next(verb for verb in self.verbs if verb.name == name)

    # --- one row
    def get_urls(self) -> list[URLPattern]:
        base = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(
                f"<path:object_id>/{verb.name}/",
                self.admin_site.admin_view(self._view(verb)),
                name=f"{base}_{verb.name.replace('-', '_')}",
            )
            for verb in self.verbs
        ]
        return own + super().get_urls()

    def verb_address(self, verb: Verb, row: Model) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{verb.name.replace('-', '_')}"
        return reverse(name, args=[row.pk])

    def buttons(self, request: HttpRequest, row: Model, names: Iterable[str] | None = None) -> list[Button]:
        """The verbs of a row as this viewer may use them, disabled ones with the reason."""
        wanted = self.verbs if names is None else [self.verb(name) for name in names]
        return [
            Button(
                verb,
                self.verb_address(verb, row),
                self.refusal(request, verb, row),
                verb.label_for(row) if verb.label_for else verb.label,
            )
            for verb in wanted
        ]

    def level_of(self, verb: Verb, row: Model) -> Level:
        return verb.level

    def refusal(self, request: HttpRequest, verb: Verb, row: Model) -> str:
        """Why this viewer cannot use the verb on this row now; empty if they can."""
        level = self.level_of(verb, row)
        return verb.offered(row) if self.holds(request, level) else missing_level(verb, level)

    def _view(self, verb: Verb) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            row = self.object_or_404(request, object_id)
            return self._one(request, verb, row)

        return view

    def _one(self, request: HttpRequest, verb: Verb, row: Any) -> HttpResponse:
        address = back_to(request, self.card_address(row))
        refusal = self.refusal(request, verb, row)
        if refusal:
            messages.error(request, refusal)
            return HttpResponseRedirect(address)
        form = self._form(verb, request, row)
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                sentence = verb.act(row, actor_of(request), form.cleaned_data if form else {})
            except JobQueueError as problem:
                if form is None or not isinstance(problem, Invalid):
                    messages.error(request, problem.message)
                    return HttpResponseRedirect(address)
                put_refusal(form, problem)
            else:
                messages.success(request, sentence)
                if verb.leaves_page:
                    address = verb.destination(row) if verb.destination else self._list_or(request, row)
                return HttpResponseRedirect(address)
        return self._confirmation(
            request, verb, question=verb.question(row), form=form, back=address, row=row
        )

    def _list_or(self, request: HttpRequest, row: Any) -> str:
        """The page the person came from, unless that was the page of the row that is gone."""
        wanted = back_to(request, self.list_address())
        return self.list_address() if wanted.startswith(self.card_address(row)) else wanted

    @staticmethod
    def _form(verb: Verb, request: HttpRequest, row: Any) -> forms.Form | None:
        form_class = (
            verb.form_for(request, row) if verb.form_for is not None and row is not None else verb.form
        )
        if form_class is None:
            return None
        sent = request.method == "POST" and (row is not None or "_confirmed" in request.POST)
        return form_class(request.POST) if sent else form_class()

    def _confirmation(self, request: HttpRequest, verb: Verb, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            "jobqueue/admin/confirm.html",
            {
                **self.admin_site.each_context(request),
                "title": verb.label,
                "opts": self.opts,
                "verb": verb,
                "media": self.media,
                **context,
            },
            status=422 if context.get("form") is not None and context["form"].is_bound else 200,
        )

    # --- many rows
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if self.actions is None or "_popup" in request.GET:
            return {}
        return {
            verb.name: (self._bulk_action(verb), verb.name, verb.label)
            for verb in self.verbs
            if verb.bulk and self.holds(request, verb.level)
        }

    def _bulk_action(self, verb: Verb) -> Callable[..., HttpResponse | None]:
        def action(
            model_admin: "VerbsAdmin", request: HttpRequest, queryset: QuerySet
        ) -> HttpResponse | None:
            return model_admin._many(request, verb, queryset)

        action.__name__ = verb.name.replace("-", "_")
        return action

    def _many(self, request: HttpRequest, verb: Verb, queryset: QuerySet) -> HttpResponse | None:
        count = queryset.count()
        if count > BULK_LIMIT:
            messages.error(
                request, f"{count:,} rows are selected; at most {BULK_LIMIT:,} can be changed at a time."
            )
            return None
        form = self._form(verb, request, None)
        confirmed = "_confirmed" in request.POST or not (verb.confirmed or form)
        if confirmed and (form is None or form.is_valid()):
            rows = list(queryset)
            self._act_on(request, verb, rows=rows, values=form.cleaned_data if form else {})
            return None
        return self._confirmation(
            request,
            verb,
            question=verb.question_many.format(count=counted(count, *self._names())),
            form=form,
            back=request.get_full_path(),
            hidden=[
                ("action", verb.name),
                ("select_across", request.POST.get("select_across", "0")),
                ("_confirmed", "1"),
                *((ACTION_CHECKBOX_NAME, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)),
            ],
            address=request.get_full_path(),
        )

    def _names(self) -> tuple[str, str]:
        return str(self.opts.verbose_name), str(self.opts.verbose_name_plural)

    def _act_on(self, request: HttpRequest, verb: Verb, *, rows: list[Any], values: dict[str, Any]) -> None:
        """Each row by itself: one refusal does not stop the others; all refusals are named."""
        done, refused = 0, []
        actor = actor_of(request)
        for row in rows:
            try:
                if reason := self.refusal(request, verb, row):
                    raise JobQueueError(reason)
                verb.act(row, actor, values)
            except JobQueueError as refusal:
                refused.append((str(row), refusal.message))
            else:
                done += 1
        sentence = verb.done_many.format(count=f"{done:,}")
        if not refused:
            messages.success(request, sentence)
            return
        messages.warning(
            request, refusals_in_words(sentence, refused) if done or len(refused) > 1 else refused[0][1]
        )


def refusals_in_words(sentence: str, refused: list[tuple[str, str]]) -> str:
    """``3 set to Ready. 2 refused: Bank import: …``"""
    named = format_html_join(" ", "<strong>{}</strong>: {}", refused[:SHOWN_REFUSALS])
    more = f" And {len(refused) - SHOWN_REFUSALS:,} more." if len(refused) > SHOWN_REFUSALS else ""
    return format_html("{} {} refused: {}{}", sentence, f"{len(refused):,}", named, more)


def missing_level(verb: Verb, level: Level) -> str:
    return f"{verb.label} needs the group “{GROUP_FOR[level]}”; ask an administrator."
