"""Tell people and other programs of windows and switches: by e-mail, by webhook, by calendar."""
