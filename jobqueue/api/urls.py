"""Addresses of the job queue below ``/api/v1/``."""

from django.urls import path

from jobqueue.api.me import Me

urlpatterns = [path("me/", Me.as_view(), name="me")]
