"""Addresses of the refresher below ``/api/v1/``."""

from django.urls import path

from refresher.api.assignments import Assignments
from refresher.api.outcomes import Outcomes
from refresher.api.refreshing import Refresh
from refresher.api.standing import StatusView

urlpatterns = [
    path("refresher/assignments/", Assignments.as_view(), name="refresher-assignments"),
    path("refresher/outcomes/", Outcomes.as_view(), name="refresher-outcomes"),
    path("refresher/status/", StatusView.as_view(), name="refresher-status"),
    path("companies/<str:company>/refresh/", Refresh.as_view(), name="refresh"),
]
