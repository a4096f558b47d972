"""The claims of this project, in the order of their files; mistakes name file and line."""

from collections.abc import Collection
from pathlib import Path

from feedback_alignment.claims.declaration import Claim, LocatedError
from feedback_alignment.claims.errors import ClaimsError, in_words, line_in, place
from feedback_alignment.claims.points import Tables
from feedback_alignment.claims.published import Published
from feedback_alignment.errors import nearest


def load_claims(
    figures: Collection[str] | None = None, published: Tables | None = None
) -> tuple[Claim, ...]:
    """The claims that this project declares.

    Args:
        figures: the figures that exist, or None to take any name.
        published: the published values that exist, by table, or None to take any name.

    Raises:
        ClaimsError: anything is wrong; one line with file and line of the declaration.
    """
    try:
        from feedback_alignment.claims import chu, ours, song
    except LocatedError:
        raise
    except Exception as error:
        raise LocatedError(f"{_where(error)}: {in_words(error)}") from None
    claims = tuple(
        value
        for module in (song, chu, ours)
        for value in vars(module).values()
        if isinstance(value, Claim)
    )
    for claim in claims:
        if figures is not None and claim.figure not in figures:
            hint = nearest(claim.figure, figures) or f"; allowed: {', '.join(sorted(figures))}"
            raise LocatedError(f'{claim.declared}: unknown figure "{claim.figure}"{hint}')
        if published is not None:
            try:
                for check in claim.checks:
                    if isinstance(check.statistic, Published):
                        check.statistic.values(published)
            except ClaimsError as error:
                raise LocatedError(f"{claim.declared}: {error}") from None
    return claims


def _where(error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return place(error.filename, error.lineno or 1)
    for name in ("song", "chu", "ours"):
        file = str(Path(__file__).with_name(f"{name}.py"))
        line = line_in(error.__traceback__, file)
        if line is not None:
            return place(file, line)
    return place(__file__, 1)
