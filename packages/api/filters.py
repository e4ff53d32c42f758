"""What the lists of packages and runs are narrowed by: the same as in the admin."""

from django.db.models import Exists, OuterRef, QuerySet
from django_filters import rest_framework as filters

from jobqueue.api.filtering import ListFilters, MomentFilter, YesNoFilter
from jobqueue.api.text_words import TextWordsFilter
from packages.models import Package, Run
from packages.states import OnError, Outcome, PackageStatus, Trigger


class PackageFilters(ListFilters):
    searched = ("name", "description")
    status = TextWordsFilter(PackageStatus)
    on_error = TextWordsFilter(OnError)
    last_outcome = TextWordsFilter(Outcome)
    running = YesNoFilter(method="filter_running", label="Whether a run is open.")
    ordering = filters.OrderingFilter(
        fields=["name", "next_run_at", "last_run_at", "status"],
        label="Field to order by; “-” turns it round.",
    )

    class Meta:
        model = Package
        fields: list[str] = []

    def filter_running(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        going = Exists(Run.objects.filter(package=OuterRef("pk"), is_open=True))
        return rows.filter(going if value else ~going)


class RunFilters(ListFilters):
    searched = ("package_name", "message")
    newest_first = "number"
    package = filters.UUIDFilter(field_name="package_uuid", label="Id of a package, also of a deleted one.")
    outcome = TextWordsFilter(Outcome)
    trigger = TextWordsFilter(Trigger)
    running = YesNoFilter(field_name="is_open", label="Whether the run is open.")
    due_from = MomentFilter(field_name="due_at", lookup_expr="gte", label="Due at or after.")
    due_before = MomentFilter(field_name="due_at", lookup_expr="lt", label="Due before.")

    class Meta:
        model = Run
        fields: list[str] = []
