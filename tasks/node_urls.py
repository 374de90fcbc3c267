"""The addresses of Configuration → Nodes."""

from django.urls import path

from tasks.views import nodes

app_name = "nodes"

urlpatterns = [
    path("", nodes.NodeList.as_view(), name="list"),
    path("<int:pk>/cap/", nodes.ChangeCap.as_view(), name="cap"),
    path("<int:pk>/drain/", nodes.Drain.as_view(), name="drain"),
    path("<int:pk>/resume/", nodes.Resume.as_view(), name="resume"),
    path("<int:pk>/delete/", nodes.Delete.as_view(), name="delete"),
]
