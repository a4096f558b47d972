"""The results page: verdicts, figures, settings with their sources, environment; one file."""
