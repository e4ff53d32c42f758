"""The company in the address: ``/c/<company>/admin/…`` is the admin of that company, for everybody who opens the link.

The middleware turns the prefix into the script prefix of the request, so every address the admin reverses stays inside
the company and no page has to pass it on. Addresses without a company lead to one the user may see.
"""

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import NotFound
from jobqueue.models import Company
from jobqueue.models.fields import known_time_zones
from jobqueue.states import Origin

ADDRESS = re.compile(r"^/c/(?P<code>[-\w]+)/(?P<rest>admin/.*)?$")
ADMIN_ROOT = "/admin/"
# These pages belong to the person, not to a company; the login page must not ask who may see which company.
NEUTRAL = ("login/", "logout/", "jsi18n/", "password_change/")
ZONE_COOKIE = "jobwarden_zone"
LAST_COMPANY_COOKIE = "jobwarden_company"


class CompanyMiddleware:
    """Sets ``request.company`` (None outside a company) and the viewer's time zone; unknown companies are a 404."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.company = None
        found = ADDRESS.match(request.path_info)
        if found is None:
            return self._without_company(request)
        outer = get_script_prefix()
        code = found["code"]
        if not found["rest"]:
            return HttpResponseRedirect(admin_root(code))
        if request.user.is_authenticated:
            request.company = self._company(code, request)
        request.path_info = "/" + found["rest"]
        set_script_prefix(f"{outer}c/{code}/")
        try:
            with timezone.override(viewer_zone(request)):
                response = self.get_response(request)
        finally:
            set_script_prefix(outer)
        if request.company is not None and request.COOKIES.get(LAST_COMPANY_COOKIE) != code:
            response.set_cookie(
                LAST_COMPANY_COOKIE,
                code,
                samesite="Lax",
                httponly=True,
                secure=request.is_secure(),
                max_age=31_536_000,
            )
        return response

    def _without_company(self, request: HttpRequest) -> HttpResponse:
        """Passes everything through except pages of the admin that need a company: they are moved into one."""
        path = request.path_info
        belongs_to_company = path.startswith(ADMIN_ROOT) and not path.removeprefix(ADMIN_ROOT).startswith(
            NEUTRAL
        )
        if not belongs_to_company or not request.user.is_authenticated:
            with timezone.override(viewer_zone(request)):
                return self.get_response(request)
        address = admin_root(self._first_company(request).code) + path.removeprefix(ADMIN_ROOT)
        if request.META.get("QUERY_STRING"):
            address += "?" + request.META["QUERY_STRING"]
        # 307 keeps the method, so that a form sent to an address without a company is not lost.
        status = 302 if request.method in ("GET", "HEAD") else 307
        return HttpResponseRedirect(address, status=status)

    @staticmethod
    def _company(code: str, request: HttpRequest) -> Company:
        try:
            return companies.get(code, request.user)
        except NotFound as error:
            raise Http404(error.message) from error

    @staticmethod
    def _first_company(request: HttpRequest) -> Company:
        """The company seen last, if it is still open to the user, else where the user begins."""
        try:
            return companies.get(request.COOKIES.get(LAST_COMPANY_COOKIE, ""), request.user)
        except NotFound:
            pass
        try:
            return companies.start_company(request.user)
        except NotFound as error:
            raise Http404(error.message) from error


def admin_root(code: str) -> str:
    """The address of a company's admin, whatever company the present request is in."""
    outer = re.sub(r"c/[-\w]+/$", "", get_script_prefix())
    return f"{outer}c/{code}/admin/"


def viewer_zone(request: HttpRequest) -> ZoneInfo:
    """The zone the browser reported, else the company's, else UTC."""
    reported = request.COOKIES.get(ZONE_COOKIE, "").replace("%2F", "/")
    if reported in known_time_zones():
        return ZoneInfo(reported)
    return ZoneInfo(request.company.time_zone if request.company is not None else "UTC")


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person; pages of the admin are shown to nobody else."""
    return Actor(user=request.user, origin=Origin.ADMIN)  # type: ignore[arg-type]
