"""The report inbox: documents of the viewer's own report runs, with download and read flag."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue import inbox
from jobqueue.actors import Actor
from jobqueue.admin import badges, words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.errors import NotFound
from jobqueue.models import ReportDocument
from jobqueue.objects import registry
from jobqueue.states import ObjectType


def _delete(document: ReportDocument, actor: Actor, values: dict[str, Any]) -> str:
    inbox.delete_documents([document.pk], user=actor.user)
    return f"“{document.file_name}” was deleted."


def _mark(*, read: bool) -> Any:
    def act(document: ReportDocument, actor: Actor, values: dict[str, Any]) -> str:
        inbox.mark_documents([document.pk], user=actor.user, read=read)
        return f"“{document.file_name}” is marked as {'read' if read else 'unread'}."

    return act


VERBS = (
    Verb(
        name="mark-read",
        label="Mark as read",
        icon="drafts",
        level="view",
        act=_mark(read=True),
        confirmed=False,
        question=lambda row: f"Mark “{row.file_name}” as read?",
        question_many="Mark {count} as read?",
        done_many="{count} marked as read.",
    ),
    Verb(
        name="mark-unread",
        label="Mark as unread",
        icon="mark_email_unread",
        level="view",
        act=_mark(read=False),
        confirmed=False,
        question=lambda row: f"Mark “{row.file_name}” as unread?",
        question_many="Mark {count} as unread?",
        done_many="{count} marked as unread.",
    ),
    Verb(
        name="delete-document",
        label="Delete",
        icon="delete",
        level="view",
        act=_delete,
        danger=True,
        leaves_page=True,
        question=lambda row: f"Delete “{row.file_name}” from your inbox?",
        question_many="Delete {count} from your inbox?",
        done_many="{count} deleted.",
        explanation="This cannot be undone; run the report again to get a new one.",
    ),
)


@admin.register(ReportDocument)
class ReportDocumentAdmin(VerbsAdmin, ReadOnlyAdmin):
    verbs = VERBS
    list_display = ("file_shown", "description_shown", "created_shown", "size_shown")
    list_display_links = None
    list_filter = ("is_read",)
    search_fields = ("file_name", "description")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Own documents only, whoever asks."""
        return inbox.documents_of(request.user, company=request.company)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Report inbox", **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """A document has no card: its address is the download."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        self.object_or_404(request, object_id or "")
        return HttpResponseRedirect(reverse("admin:jobqueue_reportdocument_download", args=[object_id]))

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<uuid:document_id>/download/",
                self.admin_site.admin_view(self.download),
                name="jobqueue_reportdocument_download",
            )
        ]
        return own + super().get_urls()

    def download(self, request: HttpRequest, document_id: Any) -> HttpResponse:
        """The document as an attachment, never opened in place, whatever its type claims."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        self.object_or_404(request, str(document_id))
        try:
            document = inbox.open_document(document_id, user=request.user)
        except NotFound as error:
            raise Http404(error.message) from error
        response = HttpResponse(bytes(document.content), content_type=document.content_type)
        response["Content-Disposition"] = content_disposition_header(True, document.file_name)
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response["Cache-Control"] = "private, no-store"
        return response

    @display(description="Document", ordering="file_name")
    def file_shown(self, row: ReportDocument) -> SafeString:
        new = "" if row.is_read else badges.badge("New", look="ready", drawing="circle")
        return format_html(
            '<a class="jw-name" href="{}" download>{}</a> {}',
            reverse("admin:jobqueue_reportdocument_download", args=[row.pk]),
            row.file_name,
            new,
        )

    @display(description="Report", ordering="description")
    def description_shown(self, row: ReportDocument) -> SafeString:
        job = registry.find(ObjectType.REPORT, row.object_id)
        caption = job.caption if job is not None else f"Report {row.object_id}"
        log = ""
        if row.log_entry_no:
            address = reverse("admin:jobqueue_logentry_change", args=[row.log_entry_no])
            log = format_html(' · <a class="jw-link" href="{}">run {}</a>', address, row.log_entry_no)
        return format_html(
            '{}<span class="jw-line jw-line--subtle">{}{}</span>', row.description, caption, log
        )

    @display(description="Created", ordering="created_at")
    def created_shown(self, row: ReportDocument) -> SafeString:
        return words.moment(row.created_at, now=row.seen_at)

    @display(description="Size", ordering="size_bytes")
    def size_shown(self, row: ReportDocument) -> SafeString:
        return mark_safe(f'<span class="jw-number">{words.size(row.size_bytes)}</span>')
