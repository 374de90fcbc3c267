"""What administrators say of a webhook."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from maintenance.notices import secrets
from maintenance.notices.models import Webhook

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Webhook]
else:
    ModelForm = forms.ModelForm


class WebhookForm(ModelForm):
    """A webhook; its secret goes in here and never comes out again."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
        help_text=_("Gets a POST with JSON, such as https://chat.example.com/hooks/octoserver."),
    )
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=120,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "is_enabled")
        labels = {"name": _("Name"), "is_enabled": _("Enabled")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["secret"].help_text = (
            _("Left empty, it stays as it is.")
            if self.instance.pk
            else _("Left empty, one is made and shown once. Else whsec_ and base64.")
        )

    def clean_url(self) -> str:
        """Refuse what is no address, and one with a password in it, which would be shown."""
        url: str = self.cleaned_data["url"]
        # Names without a dot are usual within a network, so only the parts are looked at.
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValidationError(_("This is no address.")) from None
        is_plain = url.isascii() and url.isprintable() and " " not in url
        if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or port == 0:
            raise ValidationError(_("An address begins with https:// or http:// and names a host."))
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ValidationError(_("An address has no password and no # here."))
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        if secret:
            try:
                secrets.key_of(secret)
            except ValueError as error:
                raise ValidationError(str(error)) from None
        return secret
