"""*Notification Lists*: who is told in which scenario, the company's default list for failures, and test messages."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import TabularInline
from unfold.decorators import display

from jobqueue.admin import badges, words
from jobqueue.admin.base import now_of
from jobqueue.admin.cards import SavedByVerbs
from jobqueue.admin.company import actor_of
from jobqueue.admin.filters import HiddenFilter
from jobqueue.admin.tabs import tab
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry
from jobqueue.permissions import Level
from notifications import scenarios, verbs
from notifications.admin import entry_lists, owners
from notifications.admin.line_form import SUBJECTS, LineFormSet, line_form
from notifications.admin.list_verbs import VERBS
from notifications.events import LOOK, before_change_list
from notifications.line_rules import offered_scenarios
from notifications.models import DefaultList, NotificationLine, NotificationList
from notifications.verbs.guards import level_of

SHOWN_ENTRIES = 12
SHOWN_RECIPIENTS = 4


class ListTab(HiddenFilter):
    """``?tab=private``: lists of packages and other owners; without it, the shared ones."""

    parameter_name = "tab"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        shared = queryset.filter(owner_kind="")
        return queryset.exclude(owner_kind="") if self.value() == "private" else shared


class LineInline(TabularInline):
    """The lines of a list, or what they say where they cannot be changed."""

    model = NotificationLine
    formset = LineFormSet
    extra = 1
    verbose_name = "recipient"
    verbose_name_plural = "Who is told, and when"
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user", "target", "list")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        timed = any(
            one.needs_minutes for one in offered_scenarios(NotificationLine(list=obj or NotificationList()))
        )
        if not self._is_open(request, obj):
            return ("recipient_shown", "when_shown", *(("after_shown",) if timed else ()), "repeat_shown")
        return (
            "recipient",
            "address",
            "scenario",
            *(("threshold_minutes",) if timed else ()),
            "repeat_minutes",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if self._is_open(request, obj) else self.get_fields(request, obj)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if not self._is_open(request, obj):
            return super().get_formset(request, obj, **kwargs)
        return forms.inlineformset_factory(
            NotificationList,
            NotificationLine,
            form=line_form(request, obj),
            formset=self.formset,
            fields=(),
            extra=0 if obj is not None and obj.line_count else self.extra,
            can_delete=True,
        )

    @staticmethod
    def _is_open(request: HttpRequest, obj: Any) -> bool:
        return bool(request.job_queue_list_open)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open(request, obj)

    has_change_permission = has_delete_permission = has_add_permission

    @display(description="Recipient")
    def recipient_shown(self, line: NotificationLine) -> str:
        return line.recipient

    @display(description="When")
    def when_shown(self, line: NotificationLine) -> str:
        return scenarios.caption(line.scenario) if line.list.is_private else scenario_words(line.scenario)

    @display(description="After (min.)")
    def after_shown(self, line: NotificationLine) -> str:
        return "–" if line.threshold_minutes is None else str(line.threshold_minutes)

    @display(description="Repeat interval (min.)")
    def repeat_shown(self, line: NotificationLine) -> str:
        return str(line.repeat_minutes)


@admin.register(NotificationList)
class NotificationListAdmin(SavedByVerbs):
    """The lists, and the card of one with its lines."""

    verbs = VERBS
    view_level: Level | None = "view"
    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    list_display = ("name_shown", "told_shown", "used_shown", "default_shown")
    list_display_links = None
    list_filter = (ListTab, "is_enabled")
    search_fields = ("name", "description", "lines__address", "lines__user__username")
    ordering = ("name", "pk")
    fields = ("name", "description", "is_enabled")
    inlines = (LineInline,)
    actions = None
    list_before_template = "notifications/admin/list_head.html"
    change_form_template = "notifications/admin/list_card.html"
    compressed_fields = False

    # --- who may
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Shared lists are set-up, private ones belong to who maintains their owner, while that is not locked."""
        if obj is None:
            return self.holds(request, "administer") or self.holds(request, "schedule")
        return self.holds(request, level_of(obj)) and not self.locked(request, obj)

    def locked(self, request: HttpRequest, found: NotificationList) -> str:
        """The sentence why the list cannot be changed now; empty if it can."""
        try:
            before_change_list.send(sender=NotificationList, list=found, actor=actor_of(request), change=LOOK)
        except JobQueueError as refusal:
            return refusal.message
        return ""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A private list is named by its owner."""
        return ("is_enabled",) if obj is not None and obj.is_private else self.fields

    def level_of(self, verb: Any, row: Any) -> Level:
        return level_of(row) if verb.name == "delete-list" else verb.level

    # --- the list
    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super()
            .get_queryset(request)
            .annotate(
                line_count=Count("lines", distinct=True), entry_count=Count("entry_links", distinct=True)
            )
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tabs = [tab(request, name, label) for name, label in (("", "Shared"), ("private", "Of packages"))]
        default = DefaultList.objects.filter(company=request.company).select_related("list").first()
        context = {
            "title": "Notification lists",
            "tabs": tabs,
            "default": default,
            "may_set_up": self.holds(request, "administer"),
        }
        request.notification_default = default.list_id if default is not None else None
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The recipients of the lists on the page, in one query."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        told: dict[int, dict[str, None]] = {}
        lines = NotificationLine.objects.filter(list__in=rows).select_related("user", "target").order_by("pk")
        for line in lines:
            told.setdefault(line.list_id, {})[line.recipient] = None
        owned = owners.owners_of(rows)
        for row in rows:
            row.told = list(told.get(row.pk, ()))
            row.is_default = row.pk == getattr(request, "notification_default", None)
            row.owner = owned.get(row.pk)
        changelist.result_list = rows
        return changelist

    @display(description="Name", ordering="name")
    def name_shown(self, row: NotificationList) -> SafeString:
        notes = row.description
        if row.is_private and row.owner is not None:
            notes = f"Of the {row.owner.label} {row.owner.name}"
        remark = (
            format_html('<span class="jw-line jw-line--error">{}</span>', row.remark) if row.remark else ""
        )
        return format_html(
            '<a class="jw-name" href="{}">{}</a><span class="jw-line jw-line--subtle">{}</span>{}',
            self.card_address(row),
            row.name,
            notes,
            remark,
        )

    @display(description="Recipients")
    def told_shown(self, row: NotificationList) -> SafeString:
        if not row.told:
            return mark_safe('<span class="jw-line--error">Nobody</span>')
        more = len(row.told) - SHOWN_RECIPIENTS
        shown = ", ".join(row.told[:SHOWN_RECIPIENTS])
        return format_html("{}{}", shown, f" and {more} more" if more > 0 else "")

    @display(description="Entries")
    def used_shown(self, row: NotificationList) -> str:
        return words.counted(row.entry_count, "entry", "entries") if row.entry_count else "–"

    @display(description="")
    def default_shown(self, row: NotificationList) -> SafeString:
        return format_html_join(" ", "{}", ((badge,) for badge in list_badges(row)))

    # --- the card
    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "of-entry/<int:entry_no>/",
                self.admin_site.admin_view(self.of_entry),
                name="notifications_notificationlist_of_entry",
            ),
        ]
        return own + super().get_urls()

    def of_entry(self, request: HttpRequest, entry_no: int) -> HttpResponse:
        return entry_lists.page(self, request, entry_no)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        found = self.get_object(request, object_id) if object_id is not None else None
        request.job_queue_list_open = (
            self.has_add_permission(request) if found is None else self.has_change_permission(request, found)
        )
        if request.method == "POST" and found is not None and not request.job_queue_list_open:
            reason = self.locked(request, found)
            if reason and self.holds(request, level_of(found)):
                messages.error(request, f"Nothing was saved. {reason}")
                return HttpResponseRedirect(self.card_address(found))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= {
            "title": "New notification list" if add else str(obj),
        }
        if obj is not None:
            context |= self.card_contents(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def card_contents(self, request: HttpRequest, found: Any) -> dict[str, Any]:
        found.is_default = DefaultList.objects.filter(list=found).exists()
        linked = Entry.objects.filter(
            company=request.company,
            id__in=found.entry_links.values("entry_id"),
        ).order_by("description", "entry_no")
        entries = list(linked[: SHOWN_ENTRIES + 1])
        return {
            "list": found,
            "now": now_of(request),
            "badges": list_badges(found),
            "owner": owners.owners_of([found]).get(found.pk),
            "locked": self.locked(request, found) if self.holds(request, level_of(found)) else "",
            "buttons": self.buttons(request, found),
            "entries": entries[:SHOWN_ENTRIES],
            "entries_left_out": len(entries) > SHOWN_ENTRIES,
            "users": owners.users_of(found) if not found.is_private else [],
            "scenario_help": scenario_help(found),
        }

    # --- saving
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor = actor_of(request)
        values = {name: form.cleaned_data[name] for name in self.fields if name in form.cleaned_data}
        if not change:
            saved = verbs.create_list(request.company, values, actor=actor, now=now_of(request))
        elif form.changed_data:
            saved = verbs.change_list(self._stored(obj), values, actor=actor, now=now_of(request))
        else:
            return
        obj.__dict__.update(saved.__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        for formset in formsets:
            self.save_formset(request, form, formset, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        """First what goes, then what changes, then what is new: a line may take the place of one that goes."""
        actor, now = actor_of(request), now_of(request)
        found = self._stored(form.instance)
        for line_form_ in formset.deleted_forms:
            if line_form_.instance.pk is not None:
                verbs.remove_line(line_form_.instance, actor=actor)
        for line_form_ in formset.changed_lines():
            verbs.change_line(line_form_.instance, line_form_.line_values(), actor=actor, now=now)
        for line_form_ in formset.new_lines():
            verbs.add_line(found, line_form_.line_values(), actor=actor, now=now)

    @staticmethod
    def _stored(found: Any) -> NotificationList:
        return NotificationList.objects.select_related("company").get(pk=found.pk)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"The notification list “{obj}” was created.")
        return HttpResponseRedirect(self.card_address(obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"The notification list “{obj}” was saved.")
        return HttpResponseRedirect(self.card_address(obj))


def list_badges(row: Any) -> list[SafeString]:
    found = []
    if row.is_default:
        hint = "Told of failures where nobody else is listed."
        found.append(badges.badge("Default", look="ready", drawing="tick", title=hint))
    if not row.is_enabled:
        found.append(badges.badge("Off", look="held", drawing="pause", title="Nobody is told through it."))
    return found


def scenario_words(code: str) -> str:
    """“On Error (packages)”: captions repeat among subjects."""
    known = scenarios.find(code)
    if known is None:
        return code
    return f"{known.caption} ({SUBJECTS.get(known.subject, known.subject).lower()})"


def scenario_help(found: NotificationList) -> list[tuple[str, list[scenarios.Scenario]]]:
    """What each scenario means, by subject, as the card explains it."""
    offered = offered_scenarios(NotificationLine(list=found))
    groups: dict[str, list[scenarios.Scenario]] = {}
    for one in offered:
        groups.setdefault(SUBJECTS.get(one.subject, one.subject.capitalize()), []).append(one)
    return list(groups.items())


def list_address() -> str:
    return reverse("admin:notifications_notificationlist_changelist")
