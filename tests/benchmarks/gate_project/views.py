"""A page that only looks, and a change that takes its time before it writes."""

import random
import time

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tests.benchmarks.gate_project.models import Article, Change


@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Show a page of five queries: two for the session and the person, three of its own."""
    context = {
        "articles": Article.objects.order_by("-id")[:20],
        "count": Article.objects.count(),
        "newest": Article.objects.aggregate(newest=Max("id"))["newest"],
    }
    return render(request, "gate_project/page.html", context)


@login_required
def change(request: HttpRequest) -> HttpResponse:
    """Work for a random while, then write one row: the window in which a gate is overtaken."""
    if settings.VIEW_TIME:
        time.sleep(random.uniform(0, settings.VIEW_TIME))
    Change.objects.create(
        writer=request.user.get_username(), by_administrator=request.user.is_staff
    )
    return HttpResponse("written")
