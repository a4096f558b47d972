"""An experiment's settings, grid and exceptions become its conditions."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from feedback_alignment.conditions import Condition
from feedback_alignment.config.content import ConfigContent, ExperimentContent
from feedback_alignment.config.formulas import Formula
from feedback_alignment.data.sources import Source
from feedback_alignment.engines import ON_DEVICE, choose
from feedback_alignment.errors import ConfigError, check_choice, check_key, described
from feedback_alignment.names import check_name
from feedback_alignment.networks.activations import ACTIVATIONS
from feedback_alignment.rules import RULES
from feedback_alignment.settings import DEFAULTS, Settings, needs_of

_Given = dict[str, Any]
# More would take minutes to check, and years to run.
_MOST_CONDITIONS = 100_000


class Expansion:
    """Expands the experiments of one config, with what each data source offers, by name.

    What is allowed and may yet be a mistake goes into `notes`, a line each.

    Raises:
        ConfigError: a preset has the name of a rule, or names what there is not.
    """

    def __init__(self, content: ConfigContent, sources: Mapping[str, Source]) -> None:
        self._presets = {
            name: preset.model_dump(exclude_unset=True) for name, preset in content.presets.items()
        }
        self._sources = sources
        self.notes: list[str] = []
        self._defaults = {**DEFAULTS, "device": content.device}
        for name, preset in self._presets.items():
            check_name("presets", name)
            if name in RULES:
                raise ConfigError(f'presets: "{name}" is already the name of a rule')
            if "rule" in preset:
                check_choice(f"presets.{name}.rule", preset["rule"], RULES, "rule")
        with_rule = [name for name, preset in self._presets.items() if "rule" in preset]
        self._names = {
            "rule": [*RULES, *with_rule],
            "activation": [*ACTIVATIONS],
            "data": [*sources],
            "switch_rule": [*RULES],
        }
        for name, preset in self._presets.items():
            self._check_names(f"presets.{name}", preset)

    def conditions(self, path: str, entry: ExperimentContent) -> tuple[Condition, ...]:
        """The conditions of the experiment at a key path, in the order of the grid, each once.

        Raises:
            ConfigError: one line with the key path and what is allowed.
        """
        shared = self._given(f"{path}.settings", entry.settings)
        sets = [self._given(f"{path}.when[{i}].set", w.set) for i, w in enumerate(entry.when)]
        singles = [self._given(f"{path}.include[{i}]", e) for i, e in enumerate(entry.include)]
        grid = self._values(f"{path}.grid", entry.grid)
        matches = [
            self._match(f"{path}.when[{i}].match", w.match) for i, w in enumerate(entry.when)
        ]
        excluded = [self._match(f"{path}.exclude[{i}]", e) for i, e in enumerate(entry.exclude)]
        for index, given in enumerate(sets):
            for key in sorted(given.keys() & grid.keys()):
                raise ConfigError(f"{path}.when[{index}].set.{key}: {key} is an axis of the grid")
        size = math.prod(len(values) for values in grid.values())
        if size > _MOST_CONDITIONS:
            raise ConfigError(
                f"{path}.grid: {size} combinations are too many; allowed: {_MOST_CONDITIONS}"
            )
        rules = list(zip(matches, sets, strict=True))
        products = itertools.product(*grid.values()) if grid else ()
        combinations = [(f"{path}.grid", dict(zip(grid, v, strict=True))) for v in products]
        combinations += [(f"{path}.include[{i}]", one) for i, one in enumerate(singles)]
        found: dict[Condition, Condition] = {}
        for place, chosen in combinations:
            settings = self._resolved(place, chosen, shared, rules)
            fits = [match.fits(settings, chosen) for match in excluded]
            if any(fits):
                continue
            condition = self._condition(path, place, chosen, settings)
            known = found.setdefault(condition, condition)
            if known.case != condition.case:
                raise ConfigError(
                    f'{place}: it differs from another condition in its case alone, "{known.case}" '
                    f'and "{condition.case}"; give it one case, or another setting'
                )
        written = [(f"{path}.settings", shared), (f"{path}.grid", grid)]
        written += [(f"{path}.when[{i}].set", given) for i, given in enumerate(sets)]
        everywhere = [condition.settings() for condition in found]
        for place, given in written:
            _check_effect(place, given, everywhere)
        for index, given in enumerate(singles):
            _check_effect(f"{path}.include[{index}]", given, [{**DEFAULTS, **shared, **given}])
        if not combinations:
            raise ConfigError(f"{path}: there is no condition; give it a grid or an include list")
        if not found:
            raise ConfigError(f"{path}.exclude: it leaves no condition")
        # Allowed, since a config that builds on another may have fewer conditions.
        self.notes += [
            f"{match.place}: it fits no condition" for match in matches + excluded if not match.used
        ]
        return tuple(found)

    def _given(self, path: str, chosen: Any) -> _Given:
        """The settings given at a place, those of its presets among them."""
        own, settings = chosen.given(), {}
        for index, name in enumerate(chosen.presets):
            check_choice(f"{path}.presets[{index}]", name, self._presets, "preset")
            settings |= self._presets[name]
        self._check_names(path, own)
        for key, formula in chosen.formulas.items():
            check_key(f"{path}.formulas.{key}", key, DEFAULTS)
            if key in own:
                raise ConfigError(f"{path}.formulas.{key}: {key} has a value beside it already")
            own[key] = Formula(f"{path}.formulas.{key}", formula)
        return settings | own

    def _check_names(self, path: str, given: Mapping[str, Any]) -> None:
        if given.get("case"):
            check_name(f"{path}.case", given["case"])
        for key in self._names.keys() & given.keys():
            self._check_name_of(f"{path}.{key}", key, given[key])

    def _check_name_of(self, path: str, key: str, value: Any) -> None:
        # A switch that never comes needs no rule.
        if not (key == "switch_rule" and value is None):
            check_choice(path, value, self._names[key], key)

    def _values(self, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Axes and matches: settings with the values that each has, checked one by one."""
        values = {}
        for key, listed in given.items():
            if key == "case":
                raise ConfigError(
                    f"{path}.case: a case is given, and neither varied nor matched; "
                    "allowed: in `settings`, in `set`, or in an entry of `include`"
                )
            check_key(f"{path}.{key}", key, DEFAULTS)
            places = f"{path}.{key}[{{}}]" if isinstance(listed, list) else f"{path}.{key}"
            found = listed if isinstance(listed, list) else [listed]
            values[key] = [self._value(places.format(i), key, v) for i, v in enumerate(found)]
        return values

    def _match(self, path: str, given: Mapping[str, Any]) -> "_Match":
        return _Match(path, self._values(path, given))

    def _value(self, path: str, key: str, value: Any) -> Any:
        try:
            checked = getattr(Settings.model_validate({key: value}), key)
        except ValidationError as error:
            raise ConfigError(described(error, Settings, path)) from None
        if key in self._names:
            self._check_name_of(path, key, checked)
        return checked

    def _resolved(
        self, place: str, chosen: _Given, shared: _Given, rules: Sequence[tuple["_Match", _Given]]
    ) -> _Given:
        # Weakest first: defaults, settings, when, preset of the rule, the condition's own values.
        fixed = {**self._defaults, **shared}
        rule = chosen.get("rule", fixed["rule"])
        preset = self._presets.get(rule, {})
        both = sorted((preset.keys() & chosen.keys()) - {"rule"})
        if both:
            raise ConfigError(
                f"{place}: the preset {rule} sets {both[0]} already; "
                f"use rule {preset['rule']} where {both[0]} varies"
            )
        own = {**chosen, **preset}
        settings = {**fixed, **own}
        for match, given in rules:
            if match.fits(settings, chosen):
                settings.update({key: value for key, value in given.items() if key not in own})
        computed = {
            key: self._value(formula.path, key, formula.value(settings))
            for key, formula in settings.items()
            if isinstance(formula, Formula)
        }
        return settings | computed

    def _condition(self, path: str, place: str, chosen: _Given, settings: _Given) -> Condition:
        try:
            condition = Condition.from_settings(settings, self._sources[settings["data"]])
            engine = choose(condition)
        except ValueError as error:
            key = str(error).partition(":")[0]
            raise ConfigError(f"{place if key in chosen else f'{path}.settings'}.{error}") from None
        device = condition.device if engine in ON_DEVICE else "cpu"
        return condition.model_copy(update={"engine": engine, "device": device})


@dataclass
class _Match:
    """Values that a condition must have, by setting, and whether any condition has had them."""

    place: str
    options: Mapping[str, list[Any]]
    used: bool = False

    def fits(self, settings: _Given, chosen: _Given) -> bool:
        # A preset is matched by its own name as well as by the rule that it stands for.
        fits = all(
            settings[key] in options or (key == "rule" and chosen.get(key) in options)
            for key, options in self.options.items()
        )
        self.used |= fits
        return fits


def _check_effect(place: str, given: _Given, conditions: Sequence[_Given]) -> None:
    """Refuse a setting that has effect in no condition: it would be taken for what it is not."""
    for key, value in given.items():
        need = needs_of(key)
        # A decay is compared with none: what comes with it may stand beside it.
        if not need or need.setting in ("l2", "schedule") or value in (DEFAULTS[key], None):
            continue
        if not any(need.met(settings) for settings in conditions):
            raise ConfigError(f"{place}.{key}: has no effect without {need}; give it too")
