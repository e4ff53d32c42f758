"""The admin site: the role centre as its first page, the company switch on every page."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from jobqueue import companies
from jobqueue.admin import extensions, installation, role_centre
from jobqueue.admin.base import may, now_of
from jobqueue.admin.company import admin_root
from jobqueue.admin.polling import polled


class SignInForm(AuthenticationForm):
    """One sentence, whatever was wrong: it tells nobody which names exist."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "Name or password is wrong, or the account may not sign in here.",
    }


class JobQueueSite(UnfoldAdminSite):
    """django-unfold's site with our first page. Company addresses come from the middleware beside it."""

    index_title = "Role centre"
    login_form = SignInForm
    enable_nav_sidebar = True

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        context["company"] = getattr(request, "company", None)
        context["company_choices"] = self._companies(request)
        context["is_nav_sidebar_enabled"] = True
        context["copy_guard"] = installation.banner(request) if context["company"] else None
        context["banners"] = extensions.banners(request) if may(request, "view") else []
        return context

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [
            path("doctor/", self.admin_view(self.doctor), name="doctor"),
            path("adopt/", self.admin_view(self.adopt), name="adopt"),
        ]
        return own + super().get_urls()

    def doctor(self, request: HttpRequest) -> HttpResponse:
        return installation.doctor_page(self, request)

    def adopt(self, request: HttpRequest) -> HttpResponse:
        return installation.adopt_page(self, request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not may(request, "view"):
            return self._nothing_to_see(request)
        context = {
            **self.each_context(request),
            "title": self.index_title,
            "subtitle": None,
            "index": True,
            "now": now_of(request),
            **role_centre.contents(request),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return polled(
            request, "jobqueue/admin/role_centre.html", context, region="jobqueue/admin/role_centre_body.html"
        )

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The first step of the way shown above every page: Django would list the tables of an app here."""
        return HttpResponseRedirect(reverse("admin:index"))

    def _nothing_to_see(self, request: HttpRequest) -> HttpResponse:
        context = {**self.each_context(request), "title": self.index_title, "subtitle": None}
        return TemplateResponse(request, "jobqueue/admin/nothing_to_see.html", context)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Off: it remembers its results per user, and so would show links of another company."""
        raise Http404

    @staticmethod
    def _companies(request: HttpRequest) -> list[dict[str, Any]]:
        if not request.user.is_authenticated or getattr(request, "company", None) is None:
            return []
        return [
            {
                "company": company,
                "address": admin_root(company.code),
                "is_current": company == request.company,
            }
            for company in companies.visible_to(request.user)
        ]
