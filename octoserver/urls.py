"""The addresses of the server. Every view behind them declares who may use it."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from octoserver import health, ping, theme, views

handler400 = "octoserver.views.bad_request"
handler500 = "octoserver.views.server_error"

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password_change"),
    path("search", views.Search.as_view(), name="search"),
    path("theme/", theme.choose, name="theme"),
    path("language/", login_not_required(require_POST(set_language)), name="set_language"),
    path("projects/", include("octoserver.deployments.urls")),
    path("tasks/", include("tasks.urls")),
    path("configuration/maintenance/", include("maintenance.urls")),
    path("configuration/nodes/", include("tasks.node_urls")),
    path("configuration/queue/", include("tasks.queue_urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    # The address that Octopus Deploy's load balancers ask.
    path("octopusservernodes/ping", ping.ping, name="ping"),
]
