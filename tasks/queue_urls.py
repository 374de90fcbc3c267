"""The addresses of Configuration → Queue."""

from django.urls import path

from tasks.views import queue

app_name = "queue"

urlpatterns = [
    path("", queue.QueuePage.as_view(), name="page"),
    path("pause/", queue.Pause.as_view(), name="pause"),
    path("resume/", queue.Resume.as_view(), name="resume"),
]
