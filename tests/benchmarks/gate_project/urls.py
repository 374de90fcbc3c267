"""The two addresses."""

from django.urls import path

from tests.benchmarks.gate_project import views

urlpatterns = [path("page/", views.page), path("change/", views.change)]
