"""Name models, their fields and permissions in the reader's language.

A name is the one that Django makes of the Python word; here each is collected for translation and
made lazy. The models themselves stay as they are, so that no migration is needed for a word.
"""

from typing import TYPE_CHECKING

from django.apps import apps
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_noop as _

if TYPE_CHECKING:
    from django.contrib.auth.models import Permission

APPLICATIONS = ("maintenance", "tasks", "deployments")
# fmt: off
WORDS = frozenset(
    [
        _("activity"), _("address"), _("addressed"), _("after"), _("arguments"), _("attempt"),
        _("attempts"), _("before"), _("began"), _("by email"), _("calendar"), _("called off"),
        _("called off by"), _("cancel requested by"), _("change"), _("changes"),
        _("closes itself"), _("completed"), _("completed time"), _("concurrency key"),
        _("condition"), _("count"), _("created"), _("cron"), _("data"), _("decide by"),
        _("delivery"), _("deliverys"), _("deployment"), _("deployments"), _("description"),
        _("done"), _("done by"), _("edited"), _("enabled"), _("ended"), _("ended by"), _("ends"),
        _("environment"), _("environment limit"), _("environment limits"), _("environments"),
        _("event"), _("final message"), _("final state"), _("final time"), _("first line"),
        _("first time"), _("generation"), _("group"), _("groups"), _("hold"), _("holds"),
        _("host"), _("id"), _("incarnation"), _("is draining"), _("is email"), _("is enabled"),
        _("is paused"), _("is prioritized"), _("is sensitive"), _("is system"), _("key"),
        _("kind"), _("last alive"), _("last due"), _("last outcome"), _("last seen"),
        _("last task"), _("last time"), _("line count"), _("log chunk"), _("log chunks"),
        _("maintenance mode"), _("maintenance window"), _("maintenance windows"), _("message"),
        _("method"), _("mode switch"), _("mode switches"), _("name"), _("next due"),
        _("next try"), _("node"), _("node name"), _("notes"), _("notice"), _("notices"),
        _("number"), _("occurrence"), _("opened"), _("outcome"), _("parent"), _("path"),
        _("person"), _("person name"), _("planned"), _("position"), _("progress"), _("project"),
        _("project name"), _("projects"), _("promotes in order"), _("queue pause"),
        _("queue pauses"), _("queue time"), _("queue time expiry"), _("reason"), _("recipient"),
        _("refusal"), _("refusals"), _("release"), _("releases"), _("rerun of"), _("retries"),
        _("runbook"), _("runbook run"), _("runbook runs"), _("runbooks"), _("scheduler mark"),
        _("scheduler marks"), _("script"), _("sealed secret"), _("server node"),
        _("server nodes"), _("server task"), _("server tasks"), _("settled"), _("shell"),
        _("since"), _("slug"), _("snapshot"), _("source"), _("start time"), _("started"),
        _("starts"), _("state"), _("step"), _("steps"), _("stopped"), _("subscription"),
        _("subscriptions"), _("succeeded"), _("task"), _("task cap"), _("text"), _("time"),
        _("time limit"), _("time zone"), _("token"), _("tries"), _("trigger"), _("triggers"),
        _("until"), _("url"), _("value"), _("variable"), _("variables"), _("variables updated"),
        _("version"), _("view"), _("webhook"), _("webhooks"), _("what"), _("window"),
    ]
)
# fmt: on

# What Django lets the holder of a model's default permissions do, and what our own are called.
CAN = {
    "add": _("Can add %(name)s"),
    "change": _("Can change %(name)s"),
    "delete": _("Can delete %(name)s"),
    "view": _("Can view %(name)s"),
}
PERMISSIONS = frozenset(
    [
        _("Administer System"), _("Can pause the queue"), _("Can cancel task"),
        _("Can move task to top"), _("Can run scripts"),
    ]
)  # fmt: skip

# Texts of Django's pages for accounts that its own catalogue has not in each of our languages.
DJANGO = frozenset(
    [
        _("After you’ve created a user, you’ll be able to edit more user options."),  # noqa: RUF001
        _("Conflicting form data submitted. Please try again."),
        _("Disable password-based authentication"),
        _("Disabled"),
        _("Enable password-based authentication for this user by setting a password."),
        _("Enable password-based authentication"),
        _("Enabled"),
        _("Password-based authentication was disabled."),
        _("Password-based authentication"),
        _("Raw passwords are not stored, so there is no way to see the user’s password."),  # noqa: RUF001
        _("Reset password"),
        _("Set password"),
        _("Set password: %s"),
        _("This action will <strong>enable</strong> password-based authentication for this user."),
        _(
            "Whether the user will be able to authenticate using a password or not. If disabled,"
            " they may still be able to authenticate using other backends, such as Single Sign-On"
            " or LDAP."
        ),
    ]
)


def name_everything() -> None:
    """Replace the names of our models and fields by what they are in the reader's language."""
    for label in APPLICATIONS:
        for model in apps.get_app_config(label).get_models():
            meta = model._meta
            meta.verbose_name = gettext_lazy(str(meta.verbose_name))
            meta.verbose_name_plural = gettext_lazy(str(meta.verbose_name_plural))
            for field in (*meta.local_fields, *meta.local_many_to_many):
                if not field.auto_created:
                    field.verbose_name = gettext_lazy(str(field.verbose_name))


def permission(held: "Permission") -> str:
    """Return application, model and what a permission lets its holder do there."""
    kind = held.content_type
    model = kind.model_class()
    action, _of, name = held.codename.partition("_")
    if model is not None and action in CAN and name == kind.model:
        does = gettext(CAN[action]) % {"name": model._meta.verbose_name}
    else:
        does = gettext(held.name)
    return f"{kind.app_labeled_name} | {does}"


def names() -> set[str]:
    """Return all those names, as Django makes them or a model says them."""
    found = set()
    for label in APPLICATIONS:
        for model in apps.get_app_config(label).get_models():
            meta = model._meta
            found |= {meta.verbose_name, meta.verbose_name_plural}
            fields = (*meta.local_fields, *meta.local_many_to_many)
            found |= {field.verbose_name for field in fields if not field.auto_created}
    return {str(name) for name in found}
