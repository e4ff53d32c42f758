"""Categories: named groups of entries that take turns."""

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle
from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.filtering import ListFilters
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.models import Category, Entry

MOST_SLOTS = 32_767


@extend_schema_serializer(
    examples=[
        OpenApiExample("Category", {"code": "BANK", "description": "Bank files", "slots": 1, "entries": 3})
    ]
)
class CategorySerializer(serializers.ModelSerializer):
    entries = serializers.IntegerField(source="entry_count", help_text="How many entries name it.")

    class Meta:
        model = Category
        fields = ("code", "description", "slots", "entries")


class CategoryWrite(StrictSerializer):
    code = serializers.CharField(max_length=10, help_text="Up to 10 characters, kept in capitals.")
    description = serializers.CharField(
        max_length=30, required=False, allow_blank=True, help_text="What its jobs have in common."
    )
    slots = serializers.IntegerField(
        min_value=1,
        max_value=MOST_SLOTS,
        required=False,
        help_text="How many of its entries may run at once.",
    )


class CategoryFilters(ListFilters):
    searched = ("code", "description")
    ordering = filters.OrderingFilter(fields=["code", "description", "slots"])

    class Meta:
        model = Category
        fields: list[str] = []


class Categories(CompanyRows):
    levels = {"create": "administer", "partial_update": "administer", "destroy": "administer"}
    model = Category
    shown_as = CategorySerializer
    filterset_class = CategoryFilters
    lookup_field = "code"

    def rows(self) -> QuerySet[Category]:
        used = (
            Entry.objects.filter(company=OuterRef("company"), category_code=OuterRef("code"))
            .order_by()
            .values("category_code")
            .annotate(count=Count("pk"))
            .values("count")
        )
        found = Category.objects.filter(company=self.company).order_by("code")
        return found.annotate(entry_count=Coalesce(Subquery(used), 0))

    @extend_schema(operation_id="categories_list", summary="List categories")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="categories_read", summary="Show a category")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="categories_create",
        summary="Create a category",
        request=CategoryWrite,
        responses={201: CategorySerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(CategoryWrite)
        category = lifecycle.create_category(self.company, values, actor=self.actor)
        return self.shown(self._again(category), status=201)

    @extend_schema(
        operation_id="categories_change",
        summary="Change a category",
        description="A new code goes into the entries of the category and into its runs in process as well.",
        parameters=[IF_MATCH],
        request=CategoryWrite,
        responses=CategorySerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(CategoryWrite, partial=True)
        with self.expecting() as row:
            category = lifecycle.change_category(row, values, actor=self.actor)
        return self.shown(self._again(category))

    @extend_schema(
        operation_id="categories_delete",
        summary="Delete a category",
        description="Entries that name it stay and no longer take turns, until one of them is set Ready: then the "
        "category is made again.",
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as category:
            lifecycle.delete_category(category, actor=self.actor)
        return Response(status=204)

    def _again(self, category: Category) -> Category:
        """As the list shows it, with the number of its entries."""
        return self.rows().get(pk=category.pk)
