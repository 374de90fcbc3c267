"""The addresses of projects: the dashboard, environments, and all that belongs to a project."""

from django.urls import include, path

from octoserver.deployments.views import process, projects, releases, runs, triggers, variables

app_name = "deployments"

project_patterns = [
    path("", projects.ProjectPage.as_view(), name="project"),
    path("settings/", projects.ProjectSettings.as_view(), name="settings"),
    path("delete/", projects.DeleteProject.as_view(), name="delete_project"),
    path("history/", projects.History.as_view(), name="history"),
    path("process/", process.Process.as_view(), name="process"),
    path("process/new/", process.NewStep.as_view(), name="new_step"),
    path("process/<int:step>/", process.EditStep.as_view(), name="step"),
    path("process/<int:step>/move/", process.MoveStep.as_view(), name="move_step"),
    path("process/<int:step>/delete/", process.DeleteStep.as_view(), name="delete_step"),
    path("variables/", variables.Variables.as_view(), name="variables"),
    path("variables/new/", variables.NewVariable.as_view(), name="new_variable"),
    path("variables/<int:variable>/", variables.EditVariable.as_view(), name="variable"),
    path(
        "variables/<int:variable>/delete/",
        variables.DeleteVariable.as_view(),
        name="delete_variable",
    ),
    path("deployments/", runs.Deployments.as_view(), name="deployments"),
    path("releases/", releases.Releases.as_view(), name="releases"),
    path("releases/new/", releases.NewRelease.as_view(), name="new_release"),
    path("releases/<str:version>/", releases.ReleasePage.as_view(), name="release"),
    path(
        "releases/<str:version>/update-variables/",
        releases.UpdateVariables.as_view(),
        name="update_variables",
    ),
    path("releases/<str:version>/deploy/", releases.Deploy.as_view(), name="deploy"),
    path("runbooks/", projects.Runbooks.as_view(), name="runbooks"),
    path("runbooks/new/", projects.NewRunbook.as_view(), name="new_runbook"),
    path("runbooks/<int:runbook>/", projects.RunbookPage.as_view(), name="runbook"),
    path(
        "runbooks/<int:runbook>/settings/",
        projects.RunbookSettings.as_view(),
        name="runbook_settings",
    ),
    path("runbooks/<int:runbook>/delete/", projects.DeleteRunbook.as_view(), name="delete_runbook"),
    path("runbooks/<int:runbook>/run/", releases.RunRunbook.as_view(), name="run_runbook"),
    path("triggers/", triggers.Triggers.as_view(), name="triggers"),
    path("triggers/new/", triggers.TriggerEditor.as_view(), name="new_trigger"),
    path("triggers/<int:trigger>/", triggers.EditTrigger.as_view(), name="trigger"),
    path("triggers/<int:trigger>/delete/", triggers.DeleteTrigger.as_view(), name="delete_trigger"),
]

urlpatterns = [
    path("", projects.Dashboard.as_view(), name="dashboard"),
    path("new/", projects.NewProject.as_view(), name="new_project"),
    path("environments/", projects.Environments.as_view(), name="environments"),
    path("environments/new/", projects.NewEnvironment.as_view(), name="new_environment"),
    path(
        "environments/history/",
        projects.EnvironmentsHistory.as_view(),
        name="environments_history",
    ),
    path("environments/<int:environment>/", projects.EnvironmentPage.as_view(), name="environment"),
    path(
        "environments/<int:environment>/move/",
        projects.MoveEnvironment.as_view(),
        name="move_environment",
    ),
    path(
        "environments/<int:environment>/delete/",
        projects.DeleteEnvironment.as_view(),
        name="delete_environment",
    ),
    path(
        "deployments/Deployments-<int:deployment>/",
        runs.DeploymentPage.as_view(),
        name="deployment",
    ),
    path(
        "deployments/Deployments-<int:deployment>/steps/",
        runs.DeploymentSteps.as_view(),
        name="deployment_steps",
    ),
    path(
        "deployments/Deployments-<int:deployment>/redeploy/",
        runs.Redeploy.as_view(),
        name="redeploy",
    ),
    path(
        "deployments/Deployments-<int:deployment>/roll-back/",
        runs.RollBack.as_view(),
        name="roll_back",
    ),
    path("runs/RunbookRuns-<int:runbook_run>/", runs.RunbookRunPage.as_view(), name="runbook_run"),
    path(
        "runs/RunbookRuns-<int:runbook_run>/steps/",
        runs.RunbookRunSteps.as_view(),
        name="runbook_run_steps",
    ),
    path("<slug:project>/", include(project_patterns)),
]
