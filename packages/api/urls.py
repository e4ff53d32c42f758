"""Addresses of packages below ``/api/v1/``."""

from django.urls import path

from jobqueue.api.urls import IN_COMPANY, rows
from packages.api.lines import Lines, Recurrences
from packages.api.packages import PackageQuestions, Packages, StatusChanges
from packages.api.runs import Runs
from packages.api.verbs import PackagesAtOnce, PackageVerbs

PACKAGES = f"{IN_COMPANY}packages/"
ONE = f"{PACKAGES}<uuid:package>/"
RUNS = f"{IN_COMPANY}package-runs/"

urlpatterns = [
    path(
        f"{PACKAGES}set-active/", PackagesAtOnce.as_view({"post": "set_active"}), name="packages-set-active"
    ),
    path(
        f"{PACKAGES}set-on-hold/",
        PackagesAtOnce.as_view({"post": "set_on_hold"}),
        name="packages-set-on-hold",
    ),
    *rows(PACKAGES, Packages, named="<uuid:package>", name="packages"),
    *(
        path(
            f"{ONE}{verb}/",
            PackageVerbs.as_view({"post": verb.replace("-", "_")}),
            name=f"package-{verb}",
        )
        for verb in ("set-active", "set-on-hold", "run-now", "resume", "cancel", "copy")
    ),
    *(
        path(f"{ONE}{question}/", PackageQuestions.as_view({"get": question}), name=f"package-{question}")
        for question in ("problems", "warnings", "explain", "preview")
    ),
    path(f"{ONE}status-changes/", StatusChanges.as_view({"get": "list"}), name="package-status-changes"),
    path(f"{ONE}lines/reorder/", Lines.as_view({"post": "reorder"}), name="package-lines-reorder"),
    *rows(f"{ONE}lines/", Lines, named="<uuid:line>", name="package-lines"),
    *rows(f"{ONE}recurrences/", Recurrences, named="<int:recurrence>", name="package-recurrences"),
    *rows(RUNS, Runs, named="<int:run>", many={"get": "list"}, one={"get": "retrieve"}, name="package-runs"),
    path(f"{RUNS}<int:run>/resume/", Runs.as_view({"post": "resume"}), name="package-run-resume"),
    path(f"{RUNS}<int:run>/cancel/", Runs.as_view({"post": "cancel"}), name="package-run-cancel"),
]
