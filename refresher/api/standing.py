"""How the installation stands, for the watcher outside: more than ``/readyz`` tells everybody."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import companies
from jobqueue.api.views import ApiView
from jobqueue.scheduler import database_now
from refresher import watched
from refresher.api.callers import require_worker, watches
from refresher.api.outcomes import CountersSerializer
from refresher.models import Runner


class CompanyStanding(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    external = serializers.BooleanField(help_text="Whether it is refreshed from outside.")
    monitored = serializers.BooleanField(help_text="Whether there are monitored jobs.")
    last_refreshed_at = serializers.DateTimeField(allow_null=True)
    overdue = serializers.BooleanField(
        help_text="It counts on the worker, and nobody refreshed it, or some jobs of it, for hours."
    )
    overdue_reason = serializers.CharField(
        allow_blank=True, help_text="What is not refreshed and since when, in a sentence."
    )


class StatusSerializer(serializers.Serializer):
    now = serializers.DateTimeField(help_text="The database's clock.")
    held = serializers.BooleanField(help_text="The copy guard holds the database: nothing runs.")
    held_reason = serializers.CharField(allow_blank=True)
    worker_processes = serializers.IntegerField(help_text="Processes that can run jobs at this moment.")
    worker_last_seen_at = serializers.DateTimeField(allow_null=True)
    oldest_due_task_seconds = serializers.IntegerField(
        allow_null=True, help_text="How long the task that is due longest has waited; null if none waits."
    )
    due_task_limit_seconds = serializers.IntegerField(
        help_text="A due task that waited longer makes “/readyz” fail."
    )
    oldest_unsent_message_seconds = serializers.IntegerField(
        allow_null=True, help_text="How long the oldest message that is not sent yet has waited."
    )
    companies = CompanyStanding(many=True, help_text="Those these credentials reach.")
    runners = CountersSerializer(
        many=True, help_text="All runner users with the scope “watch”, else the caller's own."
    )


class StatusView(ApiView):
    """Facts about workers, tasks, messages, companies and runner users; for tokens of runners and of the worker."""

    levels = {"get": None}

    @extend_schema(
        operation_id="refresher_status",
        summary="How does the installation stand?",
        tags=["refresher"],
        responses=StatusSerializer,
    )
    def get(self, request: Request) -> Response:
        require_worker(request)
        now = database_now()
        facts = watched.facts(now=now)
        seen = [one for one in companies.visible_to(request.user) if request.auth.reaches(one)]
        runners = Runner.objects.select_related("user")
        if not watches(request):
            runners = runners.filter(user=request.user)
        found = {
            **{name: getattr(facts, name) for name in facts.__slots__},
            "companies": watched.company_facts(seen, now=now),
            "runners": runners,
        }
        return Response(StatusSerializer(found).data)
