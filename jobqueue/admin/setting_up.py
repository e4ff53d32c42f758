"""Set-up: categories, and companies with their members."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from jobqueue import companies, lifecycle
from jobqueue.admin import words
from jobqueue.admin.base import JobQueueAdmin, works_in_every_company
from jobqueue.admin.company import actor_of, admin_root
from jobqueue.models import Category, Company, CompanyMember, Entry
from jobqueue.models.fields import known_time_zones
from jobqueue.permissions import Level


@admin.register(Category)
class CategoryAdmin(JobQueueAdmin):
    """Groups of entries that take turns. Renaming follows into the entries; deleting leaves their code behind."""

    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    delete_level: Level | None = "administer"
    list_display = ("code", "description", "slots", "used_by")
    search_fields = ("code", "description")
    fields = ("code", "description", "slots")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        used = (
            Entry.objects.filter(company=OuterRef("company"), category_code=OuterRef("code"))
            .order_by()
            .values("category_code")
            .annotate(count=Count("pk"))
            .values("count")
        )
        return super().get_queryset(request).annotate(entry_count=Coalesce(Subquery(used), 0))

    @display(description="Used by")
    def used_by(self, category: Category) -> SafeString:
        count = getattr(category, "entry_count", 0)
        if not count:
            return mark_safe('<span class="jw-none">no entry</span>')
        return format_html(
            '<a class="jw-link" href="../entry/?{}">{}</a>',
            urlencode({"category": category.code}),
            words.counted(count, "entry", "entries"),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        base = super().get_form(request, obj, change, **kwargs)

        class CategoryForm(base):  # type: ignore[valid-type]
            def clean_code(self) -> str:
                code = self.cleaned_data["code"].strip().upper()
                others = Category.objects.filter(company=request.company, code=code)
                if others.exclude(pk=self.instance.pk).exists():
                    raise forms.ValidationError(
                        f"{request.company} already has a category {code}. Choose another code."
                    )
                return code

        return CategoryForm

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: Any) -> None:
        """A new code goes into the entries of the category too."""
        obj.company = request.company
        stored = Category.objects.get(pk=obj.pk) if change else obj
        if change and stored.code != obj.code:
            used = lifecycle.entries_using(stored)
            lifecycle.rename_category(stored, obj.code, actor=actor_of(request))
            if used:
                messages.info(request, f"Renamed in {words.counted(used, 'entry', 'entries')} too.")
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Category) -> None:
        lifecycle.delete_category(obj, actor=actor_of(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        category = self.object_or_404(request, object_id)
        if category.entry_count and request.method == "GET":
            used = words.counted(category.entry_count, "entry uses", "entries use")
            messages.warning(
                request,
                f"{used} {category.code}. They will no longer take turns until the category exists again; it is "
                "created anew the next time one of them is set Ready.",
            )
        return super().delete_view(request, object_id, extra_context)


class MemberInline(TabularInline):
    """Only whoever works in every company says who is limited to which: nobody lifts a limit of their own."""

    model = CompanyMember
    extra = 0
    verbose_name = "member"
    verbose_name_plural = (
        "Members: users limited to this company. Users listed in no company may work in all."
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return works_in_every_company(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return works_in_every_company(request)

    has_change_permission = has_delete_permission = has_view_permission


@admin.register(Company)
class CompanyAdmin(JobQueueAdmin):
    view_level: Level | None = "administer"
    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    company_lookup = None
    list_display = ("name", "code", "time_zone", "default_shown", "open_shown")
    fields = ("name", "code", "time_zone", "is_default")
    search_fields = ("name", "code")
    inlines = (MemberInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and works_in_every_company(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return companies.visible_to(request.user)

    @display(description="Default")
    def default_shown(self, company: Company) -> str:
        return "Default" if company.is_default else ""

    @display(description="")
    def open_shown(self, company: Company) -> SafeString:
        return format_html('<a class="jw-link" href="{}">Open</a>', admin_root(company.code))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The code is in addresses people have shared; which company is the default concerns all of them.
        fixed = ("code",) if obj is not None else ()
        return fixed if works_in_every_company(request) else (*fixed, "is_default")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "time_zone":
            return forms.ChoiceField(
                choices=[(name, name) for name in sorted(known_time_zones())],
                widget=UnfoldAdminSelectWidget,
                label="Time zone",
                help_text=db_field.help_text,
                initial="UTC",
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        base = super().get_form(request, obj, change, **kwargs)

        class CompanyForm(base):  # type: ignore[valid-type]
            def clean_code(self) -> str:
                code = self.cleaned_data["code"]
                if Company.objects.filter(code__iexact=code).exclude(pk=self.instance.pk).exists():
                    raise forms.ValidationError(f"There is a company {code} already. Choose another code.")
                return code

            def clean_is_default(self) -> bool:
                wanted = self.cleaned_data["is_default"]
                if self.instance.is_default and self.instance.pk and change and not wanted:
                    raise forms.ValidationError("One company is the default. Mark another one instead.")
                return wanted

            def _get_validation_exclusions(self) -> set[str]:
                """The default moves here from another company when saved, so it may be taken at this moment."""
                return super()._get_validation_exclusions() | {"is_default"}

        return CompanyForm

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: Any) -> None:
        with transaction.atomic():
            if obj.is_default:
                lifecycle.take_default_away()
            super().save_model(request, obj, form, change)
