"""The addresses of the mode's page."""

from django.urls import path

from maintenance import views

app_name = "maintenance"

urlpatterns = [
    path("", views.MaintenancePage.as_view(), name="page"),
    path("status/", views.Status.as_view(), name="status"),
    path("enable/", views.Enable.as_view(), name="enable"),
    path("disable/", views.Disable.as_view(), name="disable"),
]
