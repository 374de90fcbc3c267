"""Configuration → Nodes: who works here, and what people change about it."""

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views import View

from tasks import nodes
from tasks.configuration_forms import CapForm, problems
from tasks.models import ServerNode
from tasks.views import base


class NodeList(PermissionRequiredMixin, View):
    """Answer the page; to its poll only the table."""

    permission_required = "tasks.view_servernode"

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"nodes": nodes.overview(), "largest_cap": nodes.LARGEST_CAP}
        if request.headers.get("HX-Request"):
            text, _ = base.fragment(request, "tasks/_nodes.html", context)
            response = base.partial(text)
        else:
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
            messages.warning(request, "That node is not there any more.")
        else:
            self.act(request, node)
        return redirect("nodes:list")

    def act(self, request: HttpRequest, node: ServerNode) -> None:
        raise NotImplementedError


class ChangeCap(NodeAction):
    def act(self, request: HttpRequest, node: ServerNode) -> None:
        form = CapForm(request.POST)
        if not form.is_valid():
            messages.error(
                request, f"The task cap of {node} stays {node.task_cap}. {problems(form)}"
            )
            return
        cap = form.cleaned_data["task_cap"]
        nodes.set_cap(node, cap, person=request.user)
        messages.success(request, f"The task cap of {node} is {cap}.")


class Drain(NodeAction):
    def act(self, request: HttpRequest, node: ServerNode) -> None:
        if nodes.drain(node, person=request.user):
            rest = f" It still finishes {_tasks(node.running)}." if node.running else ""
            messages.success(request, f"{node} starts nothing new.{rest}")
        else:
            messages.warning(request, f"{node} was drained already.")


class Resume(NodeAction):
    def act(self, request: HttpRequest, node: ServerNode) -> None:
        if nodes.resume(node, person=request.user):
            messages.success(request, f"{node} starts tasks again.")
        else:
            messages.warning(request, f"{node} was not drained.")


class Delete(NodeAction):
    permission_required = nodes.DELETE

    def act(self, request: HttpRequest, node: ServerNode) -> None:
        if nodes.delete(node, person=request.user):
            messages.success(request, f"{node} is deleted.")
        else:
            messages.warning(request, f"{node} is not offline: stop its worker first.")


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
