"""The pages as people see them: a real server, and the system's own Chromium."""

PASSWORD = "correct horse battery staple"  # of everybody
