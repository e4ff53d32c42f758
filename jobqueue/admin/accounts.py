"""Users and groups in the look of the other pages. Who may open them is Django's own permission."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from jobqueue.admin import extensions
from jobqueue.models import Entry
from jobqueue.states import Status

User = get_user_model()
for model in (User, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff")
    actions = None
    list_fullwidth = True
    compressed_fields = True

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Users that entries and packages run as are protected; the page says what to do instead."""
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        used = Entry.objects.filter(user__in=[user.pk for user in objs]).count()
        reasons = [f"{used} job queue entries run as this user"] if used else []
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
