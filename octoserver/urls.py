"""The addresses of the server. Every view behind them declares who may use it."""

from django.contrib import admin
from django.urls import include, path

from octoserver import health, ping, views

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password_change"),
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
