"""Panels, lines and bands around `seaborn.FacetGrid`, for figures of tidy tables.

:func:`facets` is called like `seaborn.relplot`, with columns as `x`, `hue`, `row`, `col`. It adds
what such a call cannot say: one meaning for each colour, geometric means, runs that diverged, what
a table lacks, and settings that nobody thought of, which are drawn apart and never averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_alignment.figures import marks, numbers, style
from feedback_alignment.figures.layout import Layout, Panel, Place
from feedback_alignment.figures.lines import Look, lines_of


@dataclass(frozen=True, eq=False)
class Quantity:
    """What is on a vertical axis.

    Attributes:
        metric: its name in the tidy table; several, if `hue` tells them apart.
        label: axis label.
        layer: the layer shown; None for all there are.
        log: a logarithmic axis. It turns linear where a tenth of the means have no place on it.
        estimator: as of :func:`numbers.estimate`: `mean`, `geometric` or a function.
        errorbar: as of :func:`numbers.estimate`.
        limits: ends of the axis, or a function from the plotted numbers to them.
        own_axis: every panel has limits of its own.
        zero: draw a line at zero.
        unused: a rule that does not use its feedback: its lines show what chance gives.
        needs: which key of the config provides the metric, for tables without it.
        short: name in tables of numbers.
        otherwise: what a panel shows whose runs lack it.
    """

    metric: str | Sequence[str]
    label: str
    layer: str | None = None
    log: bool = False
    estimator: str | Callable = "mean"
    errorbar: Callable | None = None
    limits: tuple[float, float] | Callable[[pd.DataFrame], tuple[float, float]] | None = None
    own_axis: bool = False
    zero: bool = False
    unused: str = ""
    needs: str = ""
    short: str = ""
    otherwise: Quantity | None = None

    @property
    def name(self) -> str:
        """Its name in tables: `short`, or the axis label in one line."""
        return self.short or self.label.replace("\n", " ")

    @property
    def metrics(self) -> list[str]:
        """Names of its metrics."""
        return [self.metric] if isinstance(self.metric, str) else list(self.metric)

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Its rows, diverged replicates among them."""
        rows = table[table["metric"].isin(self.metrics)]
        return rows if self.layer is None else rows[rows["layer"] == self.layer]

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Its rows, of replicates that did not diverge."""
        rows = numbers.metric(self.of(table), self.metrics)
        return rows[rows["value"] > 0] if self.estimator == "geometric" else rows

    def lacking(self, table: pd.DataFrame) -> str:
        """Why a table has no such rows, in a sentence; empty if it has."""
        if not table["metric"].isin(self.metrics).any():
            return numbers.lacking_metrics(table, *self.metrics, needs=self.needs)
        if self.of(table).empty:
            return f"No {self.metrics[0]} with layer {self.layer or 'empty'} in the table."
        return ""


@dataclass
class Facets:
    """A drawn figure.

    Attributes:
        figure: the figure.
        numbers: the plotted numbers: settings of panel and line, x, mean, sd, low, high, n.
        panels: the panels with data, row by row; none if the figure says why there are none.
        keys: the entries of the legend.
        x, final, ignore, apart: as they were given to :func:`facets`.
        corner: a place without a panel, for a legend.
    """

    figure: Figure
    numbers: pd.DataFrame
    panels: list[Panel] = field(default_factory=list)
    keys: list[Artist] = field(default_factory=list)
    x: str = ""
    final: bool = False
    ignore: Sequence[str] = ()
    apart: str = "line"
    corner: Axes | None = None

    def __iter__(self) -> Iterator[Panel]:
        return iter(self.panels)

    def tabulate(
        self, table: pd.DataFrame, quantities: Sequence[Quantity], by: Sequence[str]
    ) -> pd.DataFrame:
        """The last value of each quantity over replicates as text, a row a combination of settings.

        Columns that the notebook has added may be among the settings, `by`. Conditions that differ
        in one which is not have a row each, as in the figure, under `other settings`.
        """
        if not self.panels:
            return self.numbers
        by, variant = list(by), numbers.variants(table, by, self.ignore)
        if variant.any():
            by, table = [*by, "other settings"], table.assign(**{"other settings": variant})
        runs = numbers.replicates(table).groupby(by, dropna=False, observed=True)
        out = runs.size().rename("replicates").to_frame()
        lost = numbers.diverged(table).groupby(by, dropna=False, observed=True).size()
        if len(lost):
            out["diverged"] = lost.reindex(out.index, fill_value=0)
        for quantity in quantities:
            rows = numbers.last(quantity.rows(table))
            stats = numbers.estimate(rows, by, quantity.estimator, quantity.errorbar)
            texts = stats.set_index(by)["text"]
            out[quantity.name] = texts.astype(object).reindex(out.index, fill_value="")
        return out

    def legend(self, *more: Artist) -> None:
        """Draw the legend again, with further entries."""
        if not self.panels:
            return
        self.keys += more
        for old in self.figure.legends:
            old.remove()
        with style.context():
            marks.legend(self.figure, self.keys)

    def name_in_panels(
        self,
        names: Collection[str] | None = None,
        quantity: Quantity | None = None,
        corner: bool = False,
        **place: Any,
    ) -> None:
        """Move entries of the legend into the panels, of one quantity, that have these lines.

        By default they are those of the lines that not every panel has. With `corner` they go where
        there is no panel, if there is such a place; `place` is whatever `Axes.legend` takes.
        """
        lines = [set(panel.numbers["line"]) for panel in self.panels if len(panel.numbers)]
        if not lines:
            return
        names = set.union(*lines) - set.intersection(*lines) if names is None else names
        moved = [key for key in self.keys if key.get_label() in names]
        self.keys = [key for key in self.keys if key not in moved]
        panels = [p for p in self.panels if quantity in (None, p.quantity)]
        places = [(panel.axes, set(panel.numbers["line"])) for panel in panels]
        if corner and self.corner is not None:
            places, place = [(self.corner, set(names))], {"loc": "center left"}
        with style.context():
            for axes, here in places:
                own = [key for key in moved if key.get_label() in here]
                marks.inner_legend(axes, own, **place)
        self.legend()

    def note(self, text: str) -> None:
        """A remark below the panels."""
        if self.panels:
            marks.footnote(self.figure, text)

    def table(self) -> pd.DataFrame:
        """The plotted numbers as text, few enough to read: `mean ± sd`, of a geometric mean `×/÷`.

        A row a panel and line; a column each x if the values are final, else the number of
        replicates and each quantity, at the last recorded x.
        """
        if not self.panels:
            return self.numbers
        rows = self.numbers.rename(columns={"n": "replicates"})
        told = ("rule", "l2", *(["variant"] if self.apart == "line" else []))  # by a line's name
        own = ("quantity", "line", "text", "mean", "sd", "low", "high", "replicates", self.x, *told)
        index = [name for name in rows if name not in own and rows[name].nunique() > 1]
        if self.final:
            index = [*(["quantity"] if rows["quantity"].nunique() > 1 else []), *index, "line"]
            return _pivot(rows, index, self.x)
        index = [*index, "line"]
        rows = rows.sort_values(self.x, kind="stable")
        groups = rows.groupby([*index, "quantity"], observed=True)
        ends = _pivot(groups.tail(1), index, "quantity")
        counts = groups["replicates"].last().groupby(level=index, observed=True).max()
        ends.columns = ends.columns.astype(str)
        ends.insert(0, "replicates", counts.reindex(ends.index))
        return ends


def _pivot(rows: pd.DataFrame, index: list[str], columns: str) -> pd.DataFrame:
    return rows.pivot(index=index, columns=columns, values="text").fillna("").sort_index()


def facets(
    table: pd.DataFrame,
    y: Quantity | Sequence[Quantity],
    *,
    x: str,
    hue: str = "method",
    row: str | None = None,
    col: str | None = None,
    aside: str | None = None,
    by: Sequence[str] = (),
    ignore: Sequence[str] = (),
    apart: str = "line",
    looks: Mapping[Any, Look] | None = None,
    marker: str = "",
    final: bool = False,
    log_x: bool = False,
    end: Callable[[pd.DataFrame], float] | None = None,
    height: float = 2.0,
    empty: str = "No such run in the table.",
) -> Facets:
    """Draw a tidy table: a panel for each `row` and `col`, a line for each `hue`.

    Several quantities make a row of panels each, or with `row` a column each; four and more with
    one column of panels are wrapped. Replicates are averaged, diverged ones left out, counted and
    marked.

    Args:
        table: tidy rows; other columns that the call names may be added.
        y: what is on the vertical axis.
        x: column on the horizontal axis; `epoch` is made of `step`.
        hue: column of the lines; `method` is rule and decay.
        row: column of the rows of panels.
        col: column of the columns of panels.
        aside: a setting named at the right of a panel's title.
        by: further settings that `hue`, `row` or `col` tell apart.
        ignore: settings without bearing on what is shown.
        apart: where settings go that vary but have no place: `line`, `row` or `col`.
        looks: of values of `hue`, whatever `Axes.plot` takes; a `color` and a `label` among it.
        marker: marker of the points, if any.
        final: take each replicate's last value alone.
        log_x: a logarithmic axis of steps, from 1 on.
        end: from a panel's numbers to the right end of its axis of steps.
        height: height of a row of panels, inches.
        empty: what to say of a table without rows.

    Returns:
        The figure, its panels and the plotted numbers. Loop over it to add to the panels.

    Raises:
        FigureError: the table lacks a tidy column, or a line mixes layers or metrics.
    """
    numbers.check_columns(table.columns)
    quantities = [y] if isinstance(y, Quantity) else list(y)
    reasons = [quantity.lacking(table) for quantity in quantities]
    reason = empty if table.empty else reasons[0] if all(reasons) else ""
    if not reason and not final and x in numbers.COURSES:
        reason = numbers.lacking_steps(table)
    if reason:
        return Facets(marks.explanation(reason), numbers.nothing(reason))
    table = table.reset_index(drop=True)
    if x == "epoch":
        table["epoch"] = numbers.epochs(table)
    if hue == "method":
        pairs = zip(table["rule"], table["l2"], strict=True)
        table["method"] = [style.method_name(*pair) for pair in pairs]
    covered = {*(("rule", "l2") if hue == "method" else (hue,)), *by, row, col, x}
    settings = [name for name in table if name in covered and name in (*numbers.SETTINGS, "case")]
    table["variant"] = numbers.variants(table, settings, ignore)
    table["_row"], rows = _places(table, row, apart == "row")
    table["_col"], cols = _places(table, col, apart == "col")
    asked = _asked(table, quantities)
    drawn = pd.concat([quantity.of(table[there]) for quantity, there in asked])
    drawn = drawn if apart == "line" else drawn.assign(variant="")
    table["line"], lines = lines_of(drawn, hue, looks or {}, marker)
    kept = [name for name in dict.fromkeys((row, col, "rule", "l2", "variant")) if name]
    stats = _estimate(table, asked, [*kept, "_row", "_col", "line", x], final, log_x)
    layout = Layout(quantities, row, rows, col, cols, height, x, log_x, lines)
    inhabited = set(zip(table["_row"], table["_col"], strict=True))
    with style.context():
        told = {"x": x, "final": final, "ignore": ignore, "apart": apart}
        shown = Facets(layout.draw(stats), stats.drop(columns=["_row", "_col"]), **told)
        for at, quantity, (r, c) in layout.places:
            axes = layout.axes[at]
            if (r, c) not in inhabited:
                axes.set_axis_off()
                shown.corner = axes
                continue
            cells = table[(table["_row"] == r) & (table["_col"] == c)]
            if quantity.otherwise and quantity.of(cells).empty:
                quantity = quantity.otherwise
            here = stats[(stats["_row"] == r) & (stats["_col"] == c)]
            here = here[here["quantity"] == quantity.name]
            panel = Panel(axes, quantity, cells, here, (r, c))
            right = style.label(aside, cells[aside].iloc[0]) if aside else ""
            note = marks.diverged_note(cells, table)
            layout.name(panel, right, note, inner=(r, c - 1) in inhabited)
            shown.panels.append(panel)
        layout.finish(shown.panels, final, end)
        for look in lines.values():
            look = {k: v for k, v in look.items() if k not in ("zorder", "band")}
            shown.keys.append(marks.key(**look))
        unused = {q.unused for q in quantities if (q.rows(table)["rule"] == q.unused).any()}
        names = [style.method_name(rule, 0) for rule in sorted(unused)]
        shown.keys += [marks.guide_key(f"null: feedback that {n} does not use") for n in names]
        marks.legend(shown.figure, shown.keys)
    return shown


def _places(table: pd.DataFrame, setting: str | None, apart: bool) -> tuple[list, list[Place]]:
    """For each row of the table the number of its row or column of panels, and what those are."""
    values = style.in_order(setting, table[setting]) if setting else [""]
    counts = table.drop_duplicates("condition")["variant"].value_counts()
    variants = sorted(counts.index, key=lambda v: (-counts[v], v)) if apart else [""]
    none = [""] * len(table)
    columns = table[setting] if setting else none, table["variant"] if apart else none
    found = list(zip(*columns, strict=True))
    present = set(found)
    places = [(v, name) for name in variants for v in values if (v, name) in present]
    number = {place: at for at, place in enumerate(places)}
    return [number[place] for place in found], places


def _asked(table: pd.DataFrame, quantities: Sequence[Quantity]) -> list[tuple[Quantity, pd.Series]]:
    """Each quantity, then what stands in for some, with the table's rows in whose panels it is."""
    asked = [(quantity, pd.Series(True, index=table.index)) for quantity in quantities]
    for quantity in quantities:
        if quantity.otherwise:
            own = pd.Series(table.index.isin(quantity.of(table).index), index=table.index)
            has = own.groupby([table["_row"], table["_col"]]).transform("any")
            asked.append((quantity.otherwise, ~has))
    return asked


def _estimate(
    table: pd.DataFrame,
    asked: Sequence[tuple[Quantity, pd.Series]],
    keys: list[str],
    final: bool,
    log_x: bool,
) -> pd.DataFrame:
    parts = []
    for quantity, there in asked:
        rows = quantity.rows(table[there])
        rows = numbers.last(rows) if final else rows
        rows = rows[rows[keys[-1]] > 0] if log_x else rows
        if rows.duplicated([*keys, *numbers.REPLICATE]).any():
            raise numbers.FigureError(f"{quantity.name}: name a layer, or tell layers apart by hue")
        stats = numbers.estimate(rows, keys, quantity.estimator, quantity.errorbar)
        used = stats["rule"] != quantity.unused  # of the others no more than the mean is drawn
        stats[["low", "high"]] = stats[["low", "high"]].where(used, axis=0)
        parts.append(stats.assign(quantity=quantity.name))
    names = pd.CategoricalDtype([quantity.name for quantity, _ in asked], ordered=True)
    return pd.concat(parts, ignore_index=True).astype({"quantity": names})
