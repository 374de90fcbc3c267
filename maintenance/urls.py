"""The addresses of the mode's page."""

from django.urls import path

from maintenance import views, window_views

app_name = "maintenance"

urlpatterns = [
    path("", views.MaintenancePage.as_view(), name="page"),
    path("status/", views.Status.as_view(), name="status"),
    path("enable/", views.Enable.as_view(), name="enable"),
    path("disable/", views.Disable.as_view(), name="disable"),
    path("windows/plan/", window_views.Plan.as_view(), name="plan"),
    path("windows/<int:pk>/", window_views.WindowPage.as_view(), name="window"),
    path("windows/<int:pk>/edit/", window_views.Edit.as_view(), name="edit"),
    path("windows/<int:pk>/call-off/", window_views.CallOff.as_view(), name="call_off"),
    path("windows/<int:pk>/conflicts/", window_views.Conflicts.as_view(), name="conflicts"),
    path("windows/<int:pk>/report.json", window_views.Report.as_view(), name="report"),
    path("windows/<int:pk>/steps/<int:position>/", window_views.Tick.as_view(), name="tick"),
]
