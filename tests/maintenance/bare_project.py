"""What the test of a bare project puts into it: a few views, and a script that tries G1 to G6.

Copied next to a fresh ``django-admin startproject``, with ``maintenance`` and nothing else of ours.
"""

SETTINGS = """
INSTALLED_APPS += ["maintenance"]
MIDDLEWARE += ["maintenance.middleware.MaintenanceModeMiddleware"]
ROOT_URLCONF = "views"
"""

VIEWS = """
import threading

from django.contrib.auth import views as auth
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.urls import path

from maintenance.decorators import maintenance_exempt

inside, go_on = threading.Event(), threading.Event()


def write(request):
    Group.objects.create(name=request.POST.get("name") or "unnamed")
    return HttpResponse("written")


def slow(request):
    inside.set()
    assert go_on.wait(30)
    return write(request)


urlpatterns = [
    path("write/", write),
    path("slow/", slow),
    path("login/", maintenance_exempt(auth.LoginView.as_view(template_name="login.html"))),
]
"""

TRIAL = """
import threading
import time

import django

django.setup()

from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment

import views
from maintenance import mode

setup_test_environment()
call_command("migrate", verbosity=0)
User.objects.create_user("dora", password="secret")
ada = User.objects.create_user("ada", password="secret")
ada.user_permissions.add(Permission.objects.get(codename="administer_system"))


def client(name):
    found = Client()
    assert found.post("/login/", {"username": name, "password": "secret"}).status_code == 302
    return found


dora = client("dora")
assert dora.post("/write/", {"name": "before"}).status_code == 200
assert not mode.current().is_enabled  # G6: a missing row means off

# G2: what was let in before is over when enable returns.
statuses = []


def slow():
    statuses.append(dora.post("/slow/", {"name": "slow"}).status_code)
    connection.close()


writer = threading.Thread(target=slow)
writer.start()
assert views.inside.wait(30)
threading.Timer(0.5, views.go_on.set).start()
switch = mode.enable(reason="Moving", timeout=20)
assert switch.settled and switch.enabled, switch
assert Group.objects.filter(name="slow").exists(), "enable returned before the change was over"
writer.join()
assert statuses == [200]

# G1 and G3
refused = dora.post("/write/", {"name": "during"})
assert refused.status_code == 503 and b"Moving" in refused.content and b"during" in refused.content
assert dora.get("/write/").status_code == 503
assert not Group.objects.filter(name__in=["during", "unnamed"]).exists()
assert client("ada").post("/write/", {"name": "ada"}).status_code == 200

# G5: signing in works, and the command turns the mode off.
client("dora")
call_command("maintenance", "off")
assert dora.post("/write/", {"name": "after"}).status_code == 200
assert sorted(Group.objects.values_list("name", flat=True)) == ["ada", "after", "before", "slow"]
print("kept")
"""
