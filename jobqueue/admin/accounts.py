"""Users and groups in the look of the other pages. Who may open them is Django's own permission."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from jobqueue.models import Entry

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
        """Users that entries run as are protected; the page says what to do instead."""
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        used = Entry.objects.filter(user__in=[user.pk for user in objs]).count()
        if used:
            protected = [
                f"{used} job queue entries run as this user. Disable the user instead of deleting it."
            ]
        return to_delete, counts, missing, protected


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    actions = None
    list_fullwidth = True
    compressed_fields = True
