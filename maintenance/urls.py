"""The addresses of the mode's page."""

from django.urls import path

from maintenance import views, window_views
from maintenance.notices import views as notices

app_name = "maintenance"

urlpatterns = [
    path("", views.MaintenancePage.as_view(), name="page"),
    path("status/", views.Status.as_view(), name="status"),
    path("switch/", views.Consequences.as_view(), name="switch"),
    path("enable/", views.Enable.as_view(), name="enable"),
    path("disable/", views.Disable.as_view(), name="disable"),
    path("windows/plan/", window_views.Plan.as_view(), name="plan"),
    path("windows/<int:pk>/", window_views.WindowPage.as_view(), name="window"),
    path("windows/<int:pk>/edit/", window_views.Edit.as_view(), name="edit"),
    path("windows/<int:pk>/call-off/", window_views.CallOff.as_view(), name="call_off"),
    path("windows/<int:pk>/conflicts/", window_views.Conflicts.as_view(), name="conflicts"),
    path("windows/<int:pk>/report.json", window_views.Report.as_view(), name="report"),
    path("windows/<int:pk>/steps/<int:position>/", window_views.Tick.as_view(), name="tick"),
    path("notices/", notices.NoticesPage.as_view(), name="notices"),
    path("notices/mine/", notices.MyNotices.as_view(), name="my_notices"),
    path("notices/mine/calendar/", notices.MyCalendar.as_view(), name="my_calendar"),
    path("notices/webhooks/new/", notices.WebhookPage.as_view(), name="new_webhook"),
    path("notices/webhooks/<int:pk>/", notices.WebhookPage.as_view(), name="webhook"),
    path("notices/webhooks/<int:pk>/secret/", notices.RenewSecret.as_view(), name="renew_secret"),
    path("notices/webhooks/<int:pk>/test/", notices.Test.as_view(), name="test_webhook"),
    path("notices/webhooks/<int:pk>/remove/", notices.Remove.as_view(), name="remove_webhook"),
    path("notices/deliveries/<int:pk>/again/", notices.TryAgain.as_view(), name="try_again"),
    path("calendar/<str:token>.ics", notices.Feed.as_view(), name="calendar"),
]
