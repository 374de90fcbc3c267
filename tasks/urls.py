"""The addresses of the queue's pages: the list, a task, its log and what people do to it."""

from django.urls import path

from tasks.views import actions, bulk, decisions, listing, logs, new, page

app_name = "tasks"

urlpatterns = [
    path("", listing.TaskList.as_view(), name="list"),
    path("new/", new.NewTask.as_view(), name="new"),
    path("cancel/", bulk.CancelSelected.as_view(), name="cancel_selected"),
    path("prioritize/", bulk.PrioritizeSelected.as_view(), name="prioritize_selected"),
    path("start-anyway/", bulk.StartAnyway.as_view(), name="start_anyway"),
    path("let-expire/", bulk.LetExpire.as_view(), name="let_expire"),
    path("decisions/", decisions.Decisions.as_view(), name="decisions"),
    path("ServerTasks-<int:pk>/", page.TaskPage.as_view(), name="detail"),
    path("ServerTasks-<int:pk>/log/", page.TaskNews.as_view(), name="log"),
    path("ServerTasks-<int:pk>/log/lines/", logs.LogPart.as_view(), name="log_lines"),
    path("ServerTasks-<int:pk>/log/search/", logs.LogSearch.as_view(), name="log_search"),
    path("ServerTasks-<int:pk>/log/raw/", logs.RawLog.as_view(), name="log_raw"),
    path("ServerTasks-<int:pk>/cancel/", actions.Cancel.as_view(), name="cancel"),
    path("ServerTasks-<int:pk>/rerun/", actions.Rerun.as_view(), name="rerun"),
    path("ServerTasks-<int:pk>/prioritize/", actions.Prioritize.as_view(), name="prioritize"),
    # After all others: any other word is a mistyped task, and the answer says so.
    path("<str:name>/", page.NoSuchTask.as_view(), name="no_such_task"),
]
