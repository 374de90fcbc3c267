"""Projects, releases and environments: the work that people queue, on top of ``tasks``."""
