"""Addresses of the site."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from config import health
from refresher.entra.pages import leaving


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this address on pages that name no icon, such as plain text and JSON."""
    return redirect(static("jobqueue/icon.svg"))


urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("favicon.ico", favicon),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("api/", include("config.api")),
    path("entra/return/", leaving.returned, name="entra-return"),
]
