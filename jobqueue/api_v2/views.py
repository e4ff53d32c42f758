"""The addresses of the contract, one class each."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import companies, lifecycle
from jobqueue.api.views import ApiView
from jobqueue.api_v2 import answers, lists, metadata, options, writing
from jobqueue.api_v2.companies import COMPANIES
from jobqueue.api_v2.entries import ENTRIES, entries_of
from jobqueue.api_v2.errors import NoSuchAddress, NoSuchRecord, ODataError, PreconditionFailed, handle
from jobqueue.api_v2.log_entries import LOG_ENTRIES, log_entries_of
from jobqueue.api_v2.options import OF_COUNTS, OF_RECORDS, Options
from jobqueue.api_v2.resources import Resource
from jobqueue.api_v2.spelling import key_of
from jobqueue.models import Company, Entry, LogEntry

ROOT = "/api/v2.0"
JSON = "application/json; odata.metadata=minimal; charset=utf-8"
WITH_LOG = {LOG_ENTRIES.name: LOG_ENTRIES}


class JsonWhateverIsAccepted(BaseContentNegotiation):
    """Clients of the contract send many forms of ``Accept``; there is one representation."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        for parser in parsers:
            if (request.content_type or "").partition(";")[0].strip().lower() == parser.media_type:
                return parser
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ODataView(ApiView):
    """The base: errors in the shape of the contract, its headers, and 405 before anything is asked of a method."""

    content_negotiation_class = JsonWhateverIsAccepted
    versioning_class = None
    schema = None
    is_polled = False
    levels = {"get": "view", "post": "schedule", "patch": "schedule", "delete": "schedule"}

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if (request.method or "").lower() not in self.offered():
            offered = ", ".join(self.allowed_methods)
            sentence = f"{request.method} is not offered at this address, which answers {offered}."
            raise exceptions.MethodNotAllowed(request.method or "", detail=sentence)

    def known_parameters(self) -> set[str]:
        """Query options are read, and unknown ones refused, by ``options``; others mean nothing to the contract."""
        return set(self.request.query_params)

    def offered(self) -> tuple[str, ...]:
        """The methods this address answers."""
        return ("get", "head", "options")

    @property
    def allowed_methods(self) -> list[str]:
        return [method.upper() for method in self.offered()]

    def get_exception_handler(self) -> Any:
        return handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["OData-Version"] = "4.0"
        if isinstance(response, Response) and response.data is not None:
            response.content_type = JSON
        return response

    @property
    def base(self) -> str:
        return self.request.build_absolute_uri(ROOT)

    def record_id(self, name: str) -> UUID:
        """The id in the address; 400 if what stands there is none."""
        text = str(self.kwargs[name])
        found = key_of(text)
        if found is None:
            raise ODataError(
                f"“{text[:60]}” in the address is no id. Ids are GUIDs, written in parentheses without quotes."
            )
        return found

    def collection(
        self, rows: QuerySet[Any], *, resource: Resource, address: str, fragment: str, chosen: Options
    ) -> Response:
        """A page of a collection in the shape of the contract."""
        size = lists.preferred_size(self.request.headers.get("Prefer", ""))
        page = lists.page_of(rows, chosen, size=size)
        body: dict[str, Any] = {"@odata.context": answers.context(self.base, fragment, options=chosen)}
        if page.total is not None:
            body["@odata.count"] = page.total
        properties = chosen.properties(resource)
        body["value"] = [
            answers.row_json(row, resource=resource, properties=properties, address=address)
            for row in page.rows
        ]
        if page.token:
            body["@odata.nextLink"] = answers.next_link(
                address, chosen.given, token=page.token, left=page.left
            )
        if chosen.expanded is not None:
            self.expand(page.rows, body["value"], chosen.expanded, address=address, single=False)
        response = Response(body)
        if size is not None:
            response["Preference-Applied"] = f"odata.maxpagesize={size}"
        return response

    def record(
        self, row: Any, *, resource: Resource, address: str, fragment: str, chosen: Options, status: int = 200
    ) -> Response:
        body: dict[str, Any] = {
            "@odata.context": answers.context(self.base, fragment, options=chosen, single=True)
        }
        body |= answers.row_json(
            row, resource=resource, properties=chosen.properties(resource), address=address
        )
        if chosen.expanded is not None:
            self.expand([row], [body], chosen.expanded, address=address, single=True)
        response = Response(body, status=status)
        if resource.etag is not None:
            response["ETag"] = resource.etag(row)
        return response

    def expand(
        self, rows: list[Any], bodies: list[Any], inner: Options, *, address: str, single: bool
    ) -> None:
        raise NotImplementedError


class CompanyODataView(ODataView):
    """Below a company the caller may work in and the credentials are good for; any other is a 404."""

    company: Company

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        wanted = self.record_id("company")
        found = companies.visible_to(request.user).filter(pk=wanted).first()
        if found is None or not request.auth.reaches(found):
            raise NoSuchRecord(
                f"There is no company {wanted} these credentials are good for. List {ROOT}/companies."
            )
        self.company = found

    @property
    def fragment(self) -> str:
        return f"companies({self.company.pk})"

    @property
    def address(self) -> str:
        return f"{self.base}/{self.fragment}"

    def entry(self) -> Entry:
        wanted = self.record_id("entry")
        found = entries_of(self.company).filter(id=wanted).first()
        if found is None:
            raise NoSuchRecord(
                f"There is no job queue entry {wanted} in this company. It may have finished: look into "
                f"{LOG_ENTRIES.name} with $filter=jobQueueEntryId eq {wanted}."
            )
        return found

    def expand(
        self, rows: list[Any], bodies: list[Any], inner: Options, *, address: str, single: bool
    ) -> None:
        """The runs of each entry in it, and where there are more of them."""
        ids = [row.id for row in rows]
        pages = lists.log_entries_by_entry(ids, inner, company=self.company, single=single)
        properties = inner.properties(LOG_ENTRIES)
        runs = f"{self.address}/{LOG_ENTRIES.name}"
        for key, body in zip(ids, bodies, strict=True):
            page = pages.get(key) or lists.Page([])
            body[LOG_ENTRIES.name] = [
                answers.row_json(row, resource=LOG_ENTRIES, properties=properties, address=runs)
                for row in page.rows
            ]
            if page.token:
                own = f"{address}({key})/{LOG_ENTRIES.name}"
                body[f"{LOG_ENTRIES.name}@odata.nextLink"] = answers.next_link(
                    own, inner.given, token=page.token, left=page.left
                )


class Service(ODataView):
    """The collections there are."""

    levels = {"get": None}

    def get(self, request: Request) -> Response:
        found = [
            {"name": one.name, "kind": "EntitySet", "url": one.name}
            for one in (COMPANIES, ENTRIES, LOG_ENTRIES)
        ]
        return Response({"@odata.context": f"{self.base}/$metadata", "value": found})


class Metadata(ODataView):
    """The description of the resources, as XML."""

    levels = {"get": None}

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(metadata.document(), content_type="application/xml; charset=utf-8")


class CompanyRows(ODataView):
    """The companies the caller may work in and the credentials are good for."""

    levels = {"get": None}

    def rows(self, request: Request) -> QuerySet[Company]:
        found = companies.visible_to(request.user)
        limit = request.auth.company_id
        return found if limit is None else found.filter(pk=limit)


class Companies(CompanyRows):
    def get(self, request: Request) -> Response:
        return self.collection(
            self.rows(request),
            resource=COMPANIES,
            address=f"{self.base}/companies",
            fragment="companies",
            chosen=options.read(request.query_params, resource=COMPANIES),
        )


class OneCompany(CompanyRows):
    def get(self, request: Request, **_: Any) -> Response:
        wanted = self.record_id("company")
        found = self.rows(request).filter(pk=wanted).first()
        if found is None:
            raise NoSuchRecord(
                f"There is no company {wanted} these credentials are good for. List {ROOT}/companies."
            )
        return self.record(
            found,
            resource=COMPANIES,
            address=f"{self.base}/companies",
            fragment="companies",
            chosen=options.read(request.query_params, resource=COMPANIES, known=OF_RECORDS),
        )


class Entries(CompanyODataView):
    """The entries of a company."""

    def offered(self) -> tuple[str, ...]:
        return (*super().offered(), "post") if settings.API_V2_WRITES else super().offered()

    @property
    def own_address(self) -> str:
        return f"{self.address}/{ENTRIES.name}"

    def get(self, request: Request, **_: Any) -> Response:
        return self.collection(
            entries_of(self.company),
            resource=ENTRIES,
            address=self.own_address,
            fragment=f"{self.fragment}/{ENTRIES.name}",
            chosen=options.read(request.query_params, resource=ENTRIES, navigation=WITH_LOG),
        )

    def post(self, request: Request, **_: Any) -> Response:
        chosen = options.read(request.query_params, resource=ENTRIES, known=OF_RECORDS)
        made = lifecycle.create_entry(self.company, writing.values_of(request.data), actor=self.actor)
        response = self.record(
            entries_of(self.company).get(pk=made.pk),
            resource=ENTRIES,
            address=self.own_address,
            fragment=f"{self.fragment}/{ENTRIES.name}",
            chosen=chosen,
            status=201,
        )
        response["Location"] = f"{self.own_address}({made.id})"
        return response


class OneEntry(Entries):
    """One entry; changing and deleting need ``If-Match``."""

    def offered(self) -> tuple[str, ...]:
        reading = ODataView.offered(self)
        return (*reading, "patch", "delete") if settings.API_V2_WRITES else reading

    def get(self, request: Request, **_: Any) -> Response:
        return self._answer(self.entry())

    def patch(self, request: Request, **_: Any) -> Response:
        entry = self._matched()
        values = writing.values_of(request.data)
        try:
            lifecycle.change_entry(entry, values, actor=self.actor, expected_revision=entry.revision)
        except lifecycle.ChangedMeanwhile as error:
            raise PreconditionFailed(error.message) from error
        return self._answer(self.entry())

    def delete(self, request: Request, **_: Any) -> Response:
        try:
            lifecycle.delete_entry(self._matched(), actor=self.actor)
        except lifecycle.ChangedMeanwhile as error:
            raise PreconditionFailed(error.message) from error
        return Response(status=204)

    def _matched(self) -> Entry:
        header = self.request.headers.get("If-Match")
        if header is None:
            raise ODataError("If-Match is missing. Send the @odata.etag of the entry as it was read, or *.")
        entry = self.entry()
        writing.require_match(entry, header)
        if header.strip() != "*":
            entry.expected_revision = entry.revision  # it may be changed before the verb holds it
        return entry

    def _answer(self, entry: Entry) -> Response:
        return self.record(
            entry,
            resource=ENTRIES,
            address=self.own_address,
            fragment=f"{self.fragment}/{ENTRIES.name}",
            chosen=options.read(
                self.request.query_params, resource=ENTRIES, known=OF_RECORDS, navigation=WITH_LOG
            ),
        )


class Restart(CompanyODataView):
    """The bound action: stops and starts the entry anew, as *Restart* on the screens does."""

    levels = {"post": "operate"}

    def offered(self) -> tuple[str, ...]:
        return ("post", "options")

    def post(self, request: Request, **_: Any) -> Response:
        entry = self.entry()
        header = request.headers.get("If-Match")
        writing.require_match(entry, header)
        expected = entry.revision if header is not None and header.strip() != "*" else None
        try:
            lifecycle.restart(entry, actor=self.actor, expected_revision=expected)
        except lifecycle.ChangedMeanwhile as error:
            if expected is None:
                raise
            raise PreconditionFailed(error.message) from error
        return Response(status=204)


class LogEntries(CompanyODataView):
    """The runs of a company, newest first."""

    def rows(self) -> QuerySet[LogEntry]:
        return log_entries_of(self.company)

    @property
    def path(self) -> str:
        return LOG_ENTRIES.name

    def get(self, request: Request, **_: Any) -> Response:
        return self.collection(
            self.rows(),
            resource=LOG_ENTRIES,
            address=f"{self.address}/{self.path}",
            fragment=f"{self.fragment}/{self.path}",
            chosen=options.read(request.query_params, resource=LOG_ENTRIES),
        )


class LogEntriesOfEntry(LogEntries):
    """The runs of an entry that exists."""

    def rows(self) -> QuerySet[LogEntry]:
        return super().rows().filter(entry_id=self.entry().id)

    @property
    def path(self) -> str:
        return f"{ENTRIES.name}({self.record_id('entry')})/{LOG_ENTRIES.name}"


class OneLogEntry(CompanyODataView):
    def row(self) -> LogEntry:
        wanted = self.record_id("log_entry")
        found = log_entries_of(self.company).filter(id=wanted).first()
        if found is None:
            raise NoSuchRecord(f"There is no job queue log entry {wanted} in this company.")
        return found

    def get(self, request: Request, **_: Any) -> Any:
        return self.record(
            self.row(),
            resource=LOG_ENTRIES,
            address=f"{self.address}/{LOG_ENTRIES.name}",
            fragment=f"{self.fragment}/{LOG_ENTRIES.name}",
            chosen=options.read(request.query_params, resource=LOG_ENTRIES, known=OF_RECORDS),
        )


class CallStack(OneLogEntry):
    """The call stack of a failed run as plain text; 204 where there is none."""

    def get(self, request: Request, **_: Any) -> HttpResponse:
        text = self.row().error_call_stack
        if not text:
            return HttpResponse(status=204)
        return HttpResponse(text, content_type="text/plain; charset=utf-8")


class Count(CompanyODataView):
    """How many rows there are, as a plain number."""

    def get(self, request: Request, **_: Any) -> HttpResponse:
        resource: Resource = ENTRIES if self.kwargs["collection"] == ENTRIES.name else LOG_ENTRIES
        rows: QuerySet[Any] = (
            entries_of(self.company) if resource is ENTRIES else log_entries_of(self.company)
        )
        chosen = options.read(request.query_params, resource=resource, known=OF_COUNTS)
        if chosen.condition is not None:
            rows = rows.filter(chosen.condition)
        return HttpResponse(str(rows.count()), content_type="text/plain; charset=utf-8")


class Nowhere(ODataView):
    """Every other address of the contract, whoever asks."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def perform_authentication(self, request: Request) -> None:
        pass

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NoSuchAddress(
            f"There is nothing at this address. {ROOT}/$metadata describes what there is; names keep their capitals."
        )
