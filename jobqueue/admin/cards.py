"""Cards whose form only reads: what it says is written by the verbs, which also keep the history."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from jobqueue.admin.verbs import VerbsAdmin

ONLY_SAVE = {
    "show_save_and_add_another": False,
    "show_save_and_continue": False,
    "show_close": False,
    "show_delete": False,
}


class SavedByVerbs(VerbsAdmin):
    """Base of such a card, with *Save* as the only way to save; ``save_model`` calls the verbs."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        return super().render_change_form(request, context | ONLY_SAVE, add, change, form_url, obj)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> str:
        return ""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The stored row as it is: the verbs, not the form, write to it."""
        return form.instance

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """What belongs to the row is stored with it."""
