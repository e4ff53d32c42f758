"""The base of every view: who is calling, in which company, at which level, as which actor."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from jobqueue import audit, companies
from jobqueue.actors import Actor
from jobqueue.api.authentication import BearerAuthentication, CredentialsRefused, SessionAuthentication
from jobqueue.api.conditions import polled_by_content
from jobqueue.api.filtering import require_known_parameters
from jobqueue.api.levels import LevelPermission
from jobqueue.api.problems import handle
from jobqueue.api.throttling import CallerThrottle, seconds_left, too_many_refusals
from jobqueue.errors import NotAllowed, NotFound
from jobqueue.models import Company
from jobqueue.permissions import Level
from jobqueue.states import Origin

SAFE = ("get", "options", "metadata", "list", "retrieve")


class NotSignedIn(exceptions.NotAuthenticated):
    default_detail = "This address needs credentials. Send “Authorization: Bearer” with an API token."


class ApiView(APIView):
    """A view of the API. ``levels`` names the level of each action (by method in plain views).

    Left out, reading needs *view* and everything else *schedule*. A level of None asks for credentials only. ``scope``
    is one registered by an app; it is wanted instead of a level's, and a level only where ``levels`` names one.
    ``parameters`` names the query parameters of an action beside those of filters and pages; others are refused.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerAuthentication, SessionAuthentication)
    permission_classes: Sequence[type[BasePermission]] = (LevelPermission,)
    throttle_classes: Sequence[type[BaseThrottle]] = (CallerThrottle,)
    levels: Mapping[str, Level | None] = {}
    parameters: Mapping[str, tuple[str, ...]] = {}
    scope: str | None = None
    is_polled = True

    @property
    def actor(self) -> Actor:
        """The acting identity for verbs."""
        return Actor(user=self.request.user, origin=Origin.API, through=self.request.auth.words)

    @property
    def asked(self) -> str:
        """The action, or in a plain view the method, of this call."""
        found = getattr(self, "action", None) or (self.request.method or "get").lower()
        return "get" if found == "head" else found

    def known_parameters(self) -> set[str]:
        """Every query parameter this call may have."""
        known = set(self.parameters.get(self.asked, ()))
        if self.asked == "list":
            filterset = getattr(self, "filterset_class", None)
            known |= set(filterset.base_filters) if filterset is not None else set()
            paginator = getattr(self, "paginator", None)
            names = ("page_query_param", "page_size_query_param", "cursor_query_param")
            known |= {getattr(paginator, name) for name in names if getattr(paginator, name, None)}
        return known

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        audit.note_door(self.actor)
        if request.method != "OPTIONS":
            require_known_parameters(request, self.known_parameters())

    def level_of(self, request: Request) -> Level | None:
        """The level this call needs; None where credentials, or a scope of the view's own, are enough."""
        asked = self.asked
        if asked in self.levels:
            return self.levels[asked]
        if self.scope is not None:
            return None
        return "view" if asked in SAFE else "schedule"

    def perform_authentication(self, request: Request) -> None:
        """Nobody goes further unknown, and nobody tries credentials without end."""
        try:
            super().perform_authentication(request)
        except CredentialsRefused:
            if too_many_refusals(request):
                sentence = "Too many refused credentials came from your address. Try again later."
                raise exceptions.Throttled(wait=seconds_left(), detail=sentence) from None
            raise
        if not request.user.is_authenticated:
            raise NotSignedIn
        # Before anything is looked up: calls that end in 403 or 404 are calls, too.
        super().check_throttles(request)
        if any("\x00" in str(part) for part in self.kwargs.values()):
            raise NotFound("There is nothing at this address: it contains the character NUL.")

    def check_throttles(self, request: Request) -> None:
        """Done with the authentication."""

    def require_scope(self, scope: str) -> None:
        """Raises ``NotAllowed`` unless the credentials cover the scope, where a call turns out to need more."""
        if not self.request.auth.covers(scope):
            raise NotAllowed(
                f"These credentials lack the scope “{scope}”. Use ones made with it.", code="scope_missing"
            )

    def get_exception_handler(self) -> Any:
        return handle

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Answers are for the caller alone. Those to GET carry an ETag: by their content, unless the view gave one."""
        response = super().finalize_response(request, response, *args, **kwargs)
        asked = self.is_polled and request.method in ("GET", "HEAD") and response.status_code == 200
        if asked and isinstance(response, Response) and not {"ETag", "Cache-Control"} & set(response.headers):
            polled_by_content(request, response)
        response.setdefault("Cache-Control", "private, no-store")
        return response


class CompanyApiView(ApiView):
    """A view below ``companies/<company>/``: ``self.company`` is one the caller may work in, or it is a 404."""

    company: Company

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        code = str(self.kwargs["company"])
        if request.auth.company_id is None:
            self.company = companies.get(code, request.user)
            return
        # One sentence for a company that is not theirs and for one that is not there.
        company = companies.visible_to(request.user).filter(code=code).first()
        if company is None or not request.auth.reaches(company):
            raise NotFound(
                f"There is no company “{code}” these credentials are good for. Check the code, or use others."
            )
        self.company = company


class Nowhere(ApiView):
    """Every address below /api/ that nothing answers: 404 in the shape of the API, whoever asks."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def perform_authentication(self, request: Request) -> None:
        pass

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this address. Look at /api/v1/openapi.json for those there are.")
