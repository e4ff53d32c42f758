"""*My messages*: the language and time zone a person is written in."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminSelectWidget

from jobqueue.admin.base import ReadOnlyAdmin, may, put_refusal
from jobqueue.admin.company import actor_of
from jobqueue.errors import Invalid, JobQueueError
from jobqueue.models.fields import known_time_zones
from notifications import verbs
from notifications.admin import mail_setup
from notifications.models import RecipientPreference

LANGUAGES = (("", "English"), ("de", "Deutsch"), ("nl", "Nederlands"))


class ReadingForm(forms.Form):
    language = forms.ChoiceField(choices=LANGUAGES, required=False, widget=UnfoldAdminSelectWidget)
    time_zone = forms.ChoiceField(
        label="Time zone", choices=(), required=False, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        zones = [(name, name) for name in sorted(known_time_zones())]
        self.fields["time_zone"].choices = [("", "That of the company"), *zones]


@admin.register(RecipientPreference)
class RecipientPreferenceAdmin(ReadOnlyAdmin):
    """One page, for the person who opens it; there is nothing to list."""

    company_lookup = None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Own choices only, whoever asks."""
        return super().get_queryset(request).filter(user=request.user)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "",
                self.admin_site.admin_view(self.my_messages),
                name="notifications_recipientpreference_changelist",
            ),
            path("mail-setup/", self.admin_site.admin_view(self.mail_setup), name="notifications_mail_setup"),
        ]
        return own

    def my_messages(self, request: HttpRequest) -> HttpResponse:
        return page(self.admin_site, request)

    def mail_setup(self, request: HttpRequest) -> HttpResponse:
        return mail_setup.page(self.admin_site, request)


def page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """A GET shows the choice, a POST stores it; everybody for themselves."""
    if not may(request, "view"):
        raise PermissionDenied
    stored = RecipientPreference.objects.filter(user=request.user).first()
    initial = {} if stored is None else {"language": stored.language, "time_zone": stored.time_zone}
    form = ReadingForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.set_preference(request.user, **form.cleaned_data, actor=actor_of(request))
        except Invalid as refusal:
            put_refusal(form, refusal)
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "Your next messages are written that way.")
            return HttpResponseRedirect(request.path)
    address = getattr(request.user, "email", "")
    context = {
        **site.each_context(request),
        "title": "My messages",
        "question": "How do you want to read your messages?",
        "verb": {
            "label": "Save",
            "danger": False,
            "explanation": f"They go to {address}. An administrator changes the address on the user's card."
            if address
            else "You have no e-mail address, so nothing can be sent to you. An administrator enters it on the user's "
            "card.",
        },
        "form": form,
        "media": form.media,
        "back": reverse("admin:index"),
    }
    return TemplateResponse(
        request, "jobqueue/admin/confirm.html", context, status=422 if form.errors else 200
    )
