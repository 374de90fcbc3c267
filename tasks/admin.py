"""Show tasks, their logs and the server nodes on the admin site; nothing there changes them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tasks import kinds, log, sentences
from tasks.filters import LARGEST_ID
from tasks.models import ServerNode, ServerTask
from tasks.querysets import NAME
from tasks.templatetags import task_tags

COUNTED = 5_000
LINES_SHOWN = 1_000

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    SimpleListFilter = admin.SimpleListFilter
else:
    ModelAdmin = admin.ModelAdmin
    SimpleListFilter = admin.SimpleListFilter


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Page through the beginning of a long list: counting all of it would take a scan."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[:COUNTED].count()
        return counted


class OfferedLookups(ModelAdmin):
    """A list that is asked for nothing but what its own filters ask.

    What else can be typed into its address may be beyond the engine: looking into JSON is on
    SQLite, and a broken pattern or a number too large on both.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if "\0" in value or (value.isdecimal() and int(value[:20]) > LARGEST_ID):
            return False
        return any(_asks(each, lookup) for each in self.get_list_filter(request))


def _asks(offered: Any, lookup: str) -> bool:
    """Whether a filter of a list asks this: the name of its field, or its class."""
    if not isinstance(offered, str):
        return bool(lookup == offered.parameter_name)
    if lookup == offered:
        return True
    return lookup.startswith(f"{offered}__") and lookup.endswith(("__exact", "__isnull"))


class ReadOnlyAdmin(OfferedLookups):
    """Rows that only the queue itself writes."""

    actions = None
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the rows behind it
    paginator = BoundedPaginator

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class KindFilter(SimpleListFilter):
    """Filter by the kinds that are known; asking the rows for theirs would scan them all."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, str(kind.label)) for kind in kinds.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class SystemFilter(SimpleListFilter):
    """Filter by who queued a task, in the way that an index answers on both engines."""

    title = _("queued by")
    parameter_name = "system"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("System")), ("no", gettext("People"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.of_lane(self.value() == "yes") if self.value() else queryset


@admin.register(ServerTask)
class ServerTaskAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "shown_description", "state", "kind", "person_name", "node_name", "created",
        "start_time", "completed_time",
    )  # fmt: skip
    list_filter = ("state", KindFilter, SystemFilter, "node")
    list_per_page = 50
    list_select_related = False
    ordering = ("-id",)
    # Any sort but by id would read the whole table.
    sortable_by = ()
    search_fields = ("=id",)
    search_help_text = _("A task's name, such as ServerTasks-42")
    readonly_fields = ("task_log",)

    @admin.display(description=_("Task"))
    def name(self, task: ServerTask) -> str:
        return task.name

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the one task of a name or a number; as text, SQLite would compare all of them."""
        term = search_term.strip()
        if not term:
            return queryset, False
        match = NAME.match(term)
        number = match[1] if match else term
        return queryset.filter(pk=number) if number.isdecimal() else queryset.none(), False

    @admin.display(description=_("description"))
    def shown_description(self, task: ServerTask) -> str:
        return sentences.translated(task.description)

    @admin.display(description=_("Task log"))
    def task_log(self, task: ServerTask) -> SafeString:
        """Return the end of the log, and where all of it is."""
        after = max(log.line_count(task) - LINES_SHOWN, 0)
        return _log(task, log.lines(task, after=after, limit=LINES_SHOWN))


def _log(task: ServerTask, lines: Sequence[log.LogLine]) -> SafeString:
    text = format_html_join(
        "\n", "{} {}", ((task_tags.clock(line.time), task_tags.plain(line.text)) for line in lines)
    )
    return format_html('<a href="{}">{}</a><pre>{}</pre>', task.get_absolute_url(), task, text)


@admin.register(ServerNode)
class ServerNodeAdmin(ReadOnlyAdmin):
    list_display = ("name", "host", "version", "task_cap", "is_draining", "started", "last_seen")
    search_fields = ("name",)
