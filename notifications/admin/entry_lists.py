"""*Notifications* of an entry: the panel on its card, and the page that chooses which lists hear of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from jobqueue.actors import Actor
from jobqueue.admin.base import back_to, may
from jobqueue.admin.company import actor_of
from jobqueue.admin.extensions import Panel
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry
from jobqueue.permissions import level_for
from notifications import verbs
from notifications.models import DefaultList, NotificationList


class EntryListsForm(forms.Form):
    lists = forms.MultipleChoiceField(
        label="Lists", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, choices=()
    )

    def __init__(self, *args: Any, offered: list[NotificationList], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lists"].choices = [
            (str(one.pk), one.name if one.is_enabled else f"{one.name} (off)") for one in offered
        ]


def panel(request: HttpRequest, entry: Entry) -> Panel | None:
    """The lists that hear of the entry; an owned entry is told through its owner."""
    if entry.owner_kind:
        return None
    lists = verbs.linked_lists(entry)
    default = None
    if not lists:
        default = DefaultList.objects.filter(company=entry.company_id).select_related("list").first()
    return Panel(
        template="notifications/admin/entry_panel.html",
        context={
            "lists": lists,
            "default": default,
            "maker": entry.created_by,
            "address": reverse("admin:notifications_notificationlist_of_entry", args=[entry.pk]),
            "messages_address": _messages_address(entry),
            "may_change": may(request, level_for(entry, "schedule")),
        },
    )


def page(model_admin: Any, request: HttpRequest, entry_no: int) -> HttpResponse:
    """A GET asks which lists hear of the entry, a POST links and unlinks them."""
    entry = Entry.objects.filter(company=request.company, pk=entry_no).first()
    if entry is None:
        raise Http404(f"There is no job queue entry {entry_no} in {request.company}.")
    if not may(request, level_for(entry, "schedule")):
        raise PermissionDenied
    card = reverse("admin:jobqueue_entry_change", args=[entry.pk])
    linked = {one.pk for one in verbs.linked_lists(entry)}
    offered = list(NotificationList.objects.filter(company=request.company, owner_kind="").order_by("name"))
    form = EntryListsForm(
        request.POST if request.method == "POST" else None,
        offered=offered,
        initial={"lists": [str(key) for key in linked]},
    )
    if request.method == "POST" and form.is_valid():
        wanted = {int(key) for key in form.cleaned_data["lists"]}
        try:
            said = _store(entry, offered, linked=linked, wanted=wanted, actor=actor_of(request))
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, said)
        return HttpResponseRedirect(back_to(request, card))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Notifications",
        "question": f"Which notification lists hear of “{entry}”?",
        "verb": {
            "label": "Save",
            "danger": False,
            "explanation": "They hear of its runs from its next end on."
            if offered
            else "There are no shared notification lists yet. An administrator makes them under Notification lists.",
        },
        "form": form if offered else None,
        "media": form.media,
        "back": back_to(request, card),
    }
    return TemplateResponse(
        request, "jobqueue/admin/confirm.html", context, status=422 if form.is_bound else 200
    )


def _store(
    entry: Entry, offered: list[NotificationList], *, linked: set[int], wanted: set[int], actor: Actor
) -> str:
    """Links and unlinks what was chosen, or nothing of it if one is refused; returns what people are told."""
    with transaction.atomic():
        for one in offered:
            if one.pk in wanted and one.pk not in linked:
                verbs.link_entry(entry, one, actor=actor)
            elif one.pk in linked and one.pk not in wanted:
                verbs.unlink_entry(entry, one, actor=actor)
    names = [f"“{one.name}”" for one in offered if one.pk in wanted]
    if not names:
        return f"No list hears of “{entry}” now."
    return f"{', '.join(names)} {'hears' if len(names) == 1 else 'hear'} of “{entry}”."


def _messages_address(entry: Entry) -> str:
    query = urlencode({"about": f"entry:{entry.id}"})
    return f"{reverse('admin:notifications_message_changelist')}?{query}"
