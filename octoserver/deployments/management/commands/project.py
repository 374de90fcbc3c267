"""Keep projects in files: export one to YAML, import one from it."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from octoserver.deployments import documents, transfer
from octoserver.deployments.errors import BadDocument
from octoserver.deployments.models import Project


class Command(BaseCommand):
    help = "Export a project to a YAML file, or import one, saying first what it changes."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        export = commands.add_parser("export", help="write a project as YAML")
        export.add_argument("slug", help="the project's slug, as in its address")
        export.add_argument("--output", type=Path, help="the file to write; standard output if not")
        load = commands.add_parser("import", help="make a project what a file says")
        load.add_argument("file", type=Path, help="the file to read; - for standard input")
        load.add_argument("--dry-run", action="store_true", help="only say what would change")
        load.add_argument("--yes", action="store_true", help="do not ask before changing")

    def handle(self, *, command: str, **options: Any) -> None:
        if command == "export":
            self.export(options["slug"], options["output"])
        else:
            self.load(options["file"], is_dry=options["dry_run"], is_sure=options["yes"])

    def export(self, slug: str, output: Path | None) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            known = ", ".join(Project.objects.values_list("slug", flat=True)[:10])
            raise CommandError(f"There is no project {slug!r}; there are: {known or 'none'}.")
        text = documents.dump(transfer.export(project))
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None

    def load(self, file: Path, *, is_dry: bool, is_sure: bool) -> None:
        try:
            document = documents.load(self.read(file))
            lines = transfer.preview(document)
            self.stdout.write("\n".join(lines) if lines else "Nothing would change.")
            if is_dry or not lines:
                return
            if not is_sure and not self.confirmed():
                raise CommandError("Nothing was changed.")
            transfer.carry_out(document, foretold=lines)
        except BadDocument as refusal:
            raise CommandError(f"{file}: {refusal} Nothing was changed.") from None
        self.stdout.write("Imported.")

    def read(self, file: Path) -> bytes:
        try:
            if str(file) == "-":
                return sys.stdin.buffer.read(documents.LARGEST + 1)
            with file.open("rb") as opened:
                return opened.read(documents.LARGEST + 1)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None

    def confirmed(self) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Nothing was changed. Give --yes to import without being asked.")
        return input("Import this? [y/N] ").strip().lower() in {"y", "yes"}
