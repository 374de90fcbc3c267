"""Views of every kind that the gate meets. A change is a group of users, named after its view."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path

from maintenance import mode
from maintenance.decorators import maintenance_exempt, maintenance_sensitive

HOOKS: list[str] = []


def change(name: str) -> None:
    Group.objects.create(name=name)


def changes() -> list[str]:
    """The changes that came through, without the groups that the server itself made."""
    return sorted(Group.objects.filter(name__startswith="zoo").values_list("name", flat=True))


def write(request: HttpRequest) -> HttpResponse:
    change(f"zoo {request.method} {request.POST.get('name', '')}".strip())
    return HttpResponse("written")


@maintenance_exempt
def exempt(request: HttpRequest) -> HttpResponse:
    change("zoo exempt")
    return HttpResponse("written")


@maintenance_sensitive("pin")
def sensitive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("seen")


def read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Group.objects.count()))


def fail(request: HttpRequest) -> HttpResponse:
    change("zoo fail")
    raise {"404": Http404, "403": PermissionDenied}.get(request.GET.get("with", ""), ValueError)


def answer_500(request: HttpRequest) -> HttpResponse:
    change("zoo 500")
    return HttpResponse(status=500)


def catch(request: HttpRequest) -> HttpResponse:
    """Catch an error in a nested atomic, and go on."""
    change("zoo before")
    try:
        with transaction.atomic():
            change("zoo inside")
            change("zoo inside")
    except DatabaseError:
        change("zoo after")
    return HttpResponse("caught")


def catch_write(request: HttpRequest) -> HttpResponse:
    """A page that tries to write, and can do without."""
    try:
        with transaction.atomic():
            change("zoo tried")
    except DatabaseError:
        return HttpResponse("could not")
    return HttpResponse("could")


def template(request: HttpRequest) -> HttpResponseBase:
    """Write while the template is rendered, after the view has returned."""
    source = engines["django"].from_string("{{ late }}")

    def late() -> str:
        change("zoo template")
        return "rendered"

    return TemplateResponse(request, source, {"late": late})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def body() -> Iterator[bytes]:
        yield b"begun "
        change("zoo stream")
        yield b"done"

    change("zoo before stream")
    return StreamingHttpResponse(body())


def stream_read(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(group.pk).encode() for group in Group.objects.all())


async def async_write(request: HttpRequest) -> HttpResponse:
    await sync_to_async(change)("zoo async")
    return HttpResponse("written")


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def body() -> AsyncIterator[bytes]:
        yield b"begun "
        await sync_to_async(change)("zoo async stream")

    return StreamingHttpResponse(body())


def hook(request: HttpRequest) -> HttpResponse:
    change("zoo hook")
    transaction.on_commit(lambda: HOOKS.append(f"in transaction: {connection.in_atomic_block}"))
    return HttpResponse("written")


def switch(request: HttpRequest) -> HttpResponse:
    """Try to switch the mode from inside a gated request."""
    mode.enable()
    return HttpResponse("switched")


def sql(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(request.GET["q"])
    return HttpResponse("ran")


VIEWS = [
    write, exempt, sensitive, read, fail, answer_500, catch, catch_write, template, stream,
    stream_read, async_write, async_stream, hook, switch, sql,
]  # fmt: skip

urlpatterns = [
    *(path(f"zoo/{view.__name__}/", login_not_required(view)) for view in VIEWS),
    path("", include("octoserver.urls")),
]
