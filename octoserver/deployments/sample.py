"""Make the small project that a first start brings, so that a newcomer deploys within a minute."""

from django.db import transaction

from octoserver.deployments import processes, projects, releases, variables
from octoserver.deployments.models import (
    Condition,
    Environment,
    Project,
    Release,
    Shell,
    Step,
    Variable,
)

ENVIRONMENTS = ("Development", "Staging", "Production")
VERSION = "1.0.0"

BUILD = """\
# Makes a page out of the variables and hands its fingerprint on.
mkdir -p "$Site_Folder"
cat > page.html <<END
<!doctype html>
<title>$Site_Title</title>
<h1>$Site_Title</h1>
<p>Release $(get_octopusvariable Octopus.Release.Number) in $Octopus_Environment_Name</p>
END
cp page.html "$Site_Folder/index.html"
set_octopusvariable Fingerprint "$(cksum < page.html | cut -d ' ' -f 1)"
echo "The page is in $Site_Folder"
"""

CHECK = """\
# Serves the folder for a moment and asks for the page as a visitor would.
import functools
import http.server
import threading
import urllib.request

from octopus import get_octopusvariable

handler = functools.partial(
    http.server.SimpleHTTPRequestHandler, directory=get_octopusvariable("Site.Folder")
)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(f"http://127.0.0.1:{server.server_port}/index.html", timeout=10) as answer:
    page = answer.read().decode()
server.shutdown()
wanted = get_octopusvariable("Octopus.Release.Number")
if wanted not in page:
    raise SystemExit(f"The page does not say release {wanted}.")
mark = get_octopusvariable("Octopus.Action[Build].Output.Fingerprint")
print("The page answers, fingerprint", mark)
"""

TIDY = """\
echo "Done, whatever came before."
"""


def make() -> Release | None:
    """Make the sample with its environments and a first release; None if anything is there."""
    if Project.objects.exists() or Environment.objects.exists():
        return None
    with transaction.atomic():
        places = [
            projects.save_environment(Environment(), person=None, name=name)
            for name in ENVIRONMENTS
        ]
        project = projects.save(
            Project(),
            person=None,
            name="Sample website",
            slug="sample-website",
            description="A page that is built, published into a folder and asked for over HTTP. "
            "Deploy its release, promote it, then delete the project or make it yours.",
        )
        _add_steps(project)
        _add_variables(project, places)
        return releases.create(project, person=None, version=VERSION, notes="Came with the server.")


def _add_steps(project: Project) -> None:
    for name, shell, script, condition in (
        ("Build", Shell.SH, BUILD, Condition.SUCCESS),
        ("Health check", Shell.PYTHON, CHECK, Condition.SUCCESS),
        ("Tidy up", Shell.SH, TIDY, Condition.ALWAYS),
    ):
        processes.save(
            Step(project=project),
            person=None,
            name=name,
            shell=shell,
            script=script,
            time_limit=60,
            condition=condition,
            retries=0,
        )


def _add_variables(project: Project, places: list[Environment]) -> None:
    folder = "#{Octoserver.Files}/#{Octopus.Project.Slug}/#{Octopus.Environment.Name}"
    for name, value, scope in (
        ("Site.Folder", folder, []),
        ("Site.Title", "Hello from #{Octopus.Environment.Name}", []),
        ("Site.Title", "Hello, world", places[-1:]),
    ):
        variables.save(
            Variable(project=project),
            person=None,
            name=name,
            value=value,
            is_sensitive=False,
            environments=scope,
        )
