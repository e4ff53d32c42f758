"""Addresses of the refresher below ``/api/v1/``."""

from django.urls import path

from jobqueue.api.urls import IN_COMPANY, rows
from refresher.api.assignments import Assignments
from refresher.api.company import MonitoredJobs, RefreshLogs, RefreshNow, Setup, Simulate
from refresher.api.outcomes import Outcomes
from refresher.api.refreshing import Refresh
from refresher.api.runners import VERBS, Runners
from refresher.api.standing import StatusView

urlpatterns = [
    path("refresher/assignments/", Assignments.as_view(), name="refresher-assignments"),
    path("refresher/outcomes/", Outcomes.as_view(), name="refresher-outcomes"),
    path("refresher/status/", StatusView.as_view(), name="refresher-status"),
    path("companies/<str:company>/refresh/", Refresh.as_view(), name="refresh"),
    path(f"{IN_COMPANY}refresh-setup/", Setup.as_view(), name="refresh-setup"),
    path(f"{IN_COMPANY}refresh-now/", RefreshNow.as_view(), name="refresh-now"),
    path(f"{IN_COMPANY}refresh-simulate/", Simulate.as_view(), name="refresh-simulate"),
    *rows(f"{IN_COMPANY}monitored-jobs/", MonitoredJobs, named="<int:job>", name="monitored-jobs"),
    path(
        f"{IN_COMPANY}monitored-jobs/<int:job>/accept/",
        MonitoredJobs.as_view({"post": "accept"}),
        name="monitored-job-accept",
    ),
    path(
        f"{IN_COMPANY}monitored-jobs/<int:job>/repair/",
        MonitoredJobs.as_view({"post": "repair"}),
        name="monitored-job-repair",
    ),
    *rows(
        f"{IN_COMPANY}runners/",
        Runners,
        named="<str:user>",
        one={"get": "retrieve", "delete": "destroy"},
        name="runners",
    ),
    *(
        path(
            f"{IN_COMPANY}runners/<str:user>/{verb}/",
            Runners.as_view({"post": verb.replace("-", "_")}),
            name=f"runner-{verb}",
        )
        for verb in VERBS
    ),
    *rows(
        f"{IN_COMPANY}refresh-log/",
        RefreshLogs,
        named="<int:log>",
        many={"get": "list"},
        one={"get": "retrieve"},
        name="refresh-log",
    ),
]
