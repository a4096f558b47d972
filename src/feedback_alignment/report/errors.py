"""What can go wrong with the results page."""


class ReportError(ValueError):
    """An input of the page that cannot be used; the message is one line."""
