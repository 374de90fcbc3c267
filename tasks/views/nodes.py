"""Configuration → Nodes: who works here, and what people change about it."""

import re

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from tasks import nodes
from tasks.configuration_forms import CapForm, problems
from tasks.models import ServerNode
from tasks.views import base, live

# Another each time, although it means the same.
CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


class NodeList(PermissionRequiredMixin, View):
    """Answer the page; to its poll only the table."""

    permission_required = "tasks.view_servernode"

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"nodes": nodes.overview(), "largest_cap": nodes.LARGEST_CAP}
        # The print is of the text: nodes are few, and maintenance mode disables their buttons.
        text, _print = base.fragment(request, "tasks/_nodes.html", context)
        seen = live.print_of(CSRF_TOKEN.sub("", text))
        context |= {"table": text, "seen": seen}
        if live.is_poll(request):
            return live.answer(request, "tasks/_live_nodes.html", context, seen=seen)
        response = render(request, "tasks/nodes.html", context)
        patch_vary_headers(response, ["HX-Request"])
        return response


class NodeAction(PermissionRequiredMixin, View):
    """One act on one node; who comes too late is told so on the page."""

    http_method_names = ["post", "options"]
    permission_required = nodes.CHANGE

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        node = ServerNode.objects.with_state().filter(pk=pk).first()
        if node is None:
            messages.warning(request, _("That node is not there any more."))
        else:
            self.act(request, node)
        return redirect("nodes:list")

    def act(self, request: HttpRequest, node: ServerNode) -> None:
        raise NotImplementedError


class ChangeCap(NodeAction):
    def act(self, request: HttpRequest, node: ServerNode) -> None:
        form = CapForm(request.POST)
        if not form.is_valid():
            words = _("The task cap of %(node)s stays %(cap)d. %(problems)s")
            told = {"node": node, "cap": node.task_cap, "problems": problems(form)}
            messages.error(request, words % told)
            return
        cap = form.cleaned_data["task_cap"]
        nodes.set_cap(node, cap, person=request.user)
        words = _("The task cap of %(node)s is %(cap)d.")
        messages.success(request, words % {"node": node, "cap": cap})


class Drain(NodeAction):
    def act(self, request: HttpRequest, node: ServerNode) -> None:
        if nodes.drain(node, person=request.user):
            messages.success(request, _drained(node))
        else:
            messages.warning(request, _("%(node)s was drained already.") % {"node": node})


class Resume(NodeAction):
    def act(self, request: HttpRequest, node: ServerNode) -> None:
        if nodes.resume(node, person=request.user):
            messages.success(request, _("%(node)s starts tasks again.") % {"node": node})
        else:
            messages.warning(request, _("%(node)s was not drained.") % {"node": node})


class Delete(NodeAction):
    permission_required = nodes.DELETE

    def act(self, request: HttpRequest, node: ServerNode) -> None:
        if nodes.delete(node, person=request.user):
            messages.success(request, _("%(node)s is deleted.") % {"node": node})
        else:
            words = _("%(node)s is not offline: stop its worker first.")
            messages.warning(request, words % {"node": node})


def _drained(node: ServerNode) -> str:
    if not node.running:
        return _("%(node)s starts nothing new.") % {"node": node}
    return ngettext(
        "%(node)s starts nothing new. It still finishes %(count)d task.",
        "%(node)s starts nothing new. It still finishes %(count)d tasks.",
        node.running,
    ) % {"node": node, "count": node.running}
