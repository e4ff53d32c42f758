"""Users and groups in the look of the other pages. Who may open them is Django's own permission."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from jobqueue.admin import extensions
from jobqueue.models import Entry
from jobqueue.states import Status

User = get_user_model()
for model in (User, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


GROUPS_HELP = (
    "Viewer sees everything; Operator also sets ready, holds, runs and cancels; Scheduler also creates and edits; "
    "Administrator also sets up. Integrator is for programs, Ext JQ Refresher for runner users."
)
ACCESS_WORDS = {
    "is_active": ("Enabled", "Off: cannot sign in, and nothing runs as this user. Better than deleting it."),
    "is_staff": ("May sign in here", "Off: for users that stand for programs."),
    "is_superuser": ("All rights", "May do everything, whatever the groups say."),
}


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff")
    actions = None
    list_fullwidth = True
    compressed_fields = True
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Single permissions", {"fields": ("user_permissions",), "classes": ["collapse"]}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    filter_horizontal = ("user_permissions",)
    readonly_fields = ("last_login", "date_joined")

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        """Groups are few and looked up often: each a box to tick, and what they mean beneath them."""
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        return db_field.formfield(
            widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text=GROUPS_HELP, **kwargs
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in ACCESS_WORDS:
            field.label, field.help_text = ACCESS_WORDS[db_field.name]
        return field

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Users that entries and packages run as are protected; the page says what to do instead."""
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        used = Entry.objects.filter(user__in=[user.pk for user in objs]).count()
        runs = "1 job queue entry runs" if used == 1 else f"{used:,} job queue entries run"
        reasons = [f"{runs} as this user"] if used else []
        reasons += [use.what for user in objs for use in extensions.uses_of_user(user)]
        if reasons:
            protected = [f"{reason}. Disable the user instead of deleting it." for reason in reasons]
        return to_delete, counts, missing, protected

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Disabling is allowed; whoever does it hears what does not run any more."""
        super().save_model(request, obj, form, change)
        if not change or obj.is_active or "is_active" not in form.changed_data:
            return
        released = Entry.objects.filter(
            user=obj, owner_kind="", is_system=False, status__in=[Status.READY, Status.WAITING]
        ).count()
        if released:
            self.message_user(
                request,
                f"Job queue entries that run as this user: {released}. Each goes to Error when it is due. Let somebody "
                "else set them to Ready.",
                messages.WARNING,
            )
        for use in extensions.uses_of_user(obj):
            self.message_user(request, f"{use.what}. {use.without}", messages.WARNING)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    actions = None
    list_fullwidth = True
    compressed_fields = True
