"""The config: load it, check it, and expand its experiments to conditions."""

import copy
import difflib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_alignment.activations import ACTIVATIONS
from feedback_alignment.conditions import Condition
from feedback_alignment.data.own import inspect_own
from feedback_alignment.data.preparation import DataError
from feedback_alignment.data.sources import SOURCES, Source, file_of
from feedback_alignment.intervention_steps import COMPANIONS
from feedback_alignment.rules import RULES

# Words that YAML 1.1 readers turn into a boolean or null; as a name they invite accidents.
_YAML_WORDS = frozenset({"on", "off", "yes", "no", "y", "n", "true", "false", "null", "none"})


class ConfigError(ValueError):
    """A config that cannot be used; the message is one line for the user."""


@dataclass(frozen=True)
class Experiment:
    """A group of conditions that share a table and feed the same figures.

    Attributes:
        name: names the table, `metrics/<name>.csv`.
        figures: the figures that read the table.
        replicates: number of seeds a condition.
        conditions: the conditions, in the order of the grid, without repeats.
    """

    name: str
    figures: tuple[str, ...]
    replicates: int
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Config:
    """A validated config.

    Attributes:
        name: results go to `results/<name>/`.
        seed: root of every random stream.
        block: replicates a training job computes together.
        figures: the figures to draw.
        experiments: the experiments, in file order.
        sources: what each data source offers, by name.
        places: file or folder of a data source, by name, where the config names one.
    """

    name: str
    seed: int
    block: int
    figures: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    sources: Mapping[str, Source]
    places: Mapping[str, Path]

    def feeding(self, figure: str) -> tuple[Experiment, ...]:
        """The experiments whose tables the figure reads."""
        return tuple(e for e in self.experiments if figure in e.figures)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping; repeated keys are errors and `1e-3` is a number.

    Raises:
        ConfigError: the file is missing, unreadable, empty, or not a mapping.
    """
    from ruamel.yaml import YAML, YAMLError
    from ruamel.yaml.constructor import DuplicateKeyError

    try:
        content = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
        _check_plain(content)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_line(error)}") from None
    except DuplicateKeyError as error:
        key = re.search(r'duplicate key "([^"]*)"', str(error))
        named = f'key "{key.group(1)}"' if key else "a key"
        raise ConfigError(f"{path}: {_place(error)}: {named} stands twice; keep one") from None
    except YAMLError as error:
        problem = getattr(error, "problem", None) or _line(error)
        raise ConfigError(f"{path}: {_place(error)}: not valid YAML: {problem}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: the file is nested too deeply, or contains itself") from None
    except ValueError as error:
        # Python reads no integer of more than some thousand digits, and says how to allow it.
        reason = _line(error).partition(";")[0]
        raise ConfigError(f"{path}: a number cannot be read: {reason}") from None
    if content is None:
        raise ConfigError(f"{path}: the file is empty")
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: the top level must be keys with values, not {_kind(content)}")
    return content


def load_config(
    paths: Sequence[Path],
    *,
    schema: Path,
    known_figures: Mapping[str, bool],
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Load, merge, check and expand config files.

    Args:
        paths: one or more files; keys of later ones replace those of earlier ones.
        schema: the JSON schema of a config.
        known_figures: the figures that exist, each with whether it reads a table.
        overrides: values given on the command line, merged last.

    Raises:
        ConfigError: anything is wrong; one line with file, key path and what is allowed.
    """
    content: dict[str, Any] = {}
    for path in paths:
        content = _merged(content, read_yaml(path))
    content = _merged(content, overrides or {})
    source = ", ".join(str(path) for path in paths)
    try:
        return parse_config(content, json.loads(schema.read_text()), known_figures)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def parse_config(
    content: Mapping[str, Any], schema: Mapping[str, Any], known_figures: Mapping[str, bool]
) -> Config:
    """Check a config's content and expand it to conditions.

    Args:
        content: the config as plain values.
        schema: its JSON schema.
        known_figures: the figures that exist, each with whether it reads a table.

    Raises:
        ConfigError: one line with the key path and what is allowed.
    """
    content = copy.deepcopy(dict(content))
    _check_plain(content)
    _check_schema(content, schema)
    _fill_defaults(content, schema, schema)
    check_name("name", content["name"])
    for name, shorthand in content["shorthands"].items():
        check_name("shorthands", name)
        if name in RULES:
            raise ConfigError(f'shorthands: "{name}" is already the name of a rule')
        _check_choice(f"shorthands.{name}.rule", shorthand["rule"], RULES)
    sources, places = _parse_sources(content["data_sources"])
    experiments = tuple(
        _parse_experiment(name, entry, content, schema, known_figures, sources)
        for name, entry in content["experiments"].items()
    )
    figures = _parse_figures(content, experiments, known_figures)
    return Config(
        content["name"],
        content["seed"],
        content["block"],
        figures,
        experiments,
        sources,
        places,
    )


def _parse_sources(
    entries: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Source], dict[str, Path]]:
    sources, places = dict(SOURCES), {}
    for name in entries:
        try:
            place = file_of(entries, name)
        except RuntimeError:
            key = "directory" if name == "mnist" else "file"
            raise ConfigError(
                f"data_sources.{name}.{key}: there is no such home folder; write the whole path"
            ) from None
        if place is not None:
            places[name] = place
        if name == "mnist":
            continue
        check_name("data_sources", name)
        if name in SOURCES:
            raise ConfigError(f'data_sources: "{name}" is already the name of a data source')
        try:
            sources[name] = inspect_own(place)
        except DataError as error:
            raise ConfigError(f"data_sources.{name}.file: {error}") from None
    return sources, places


def default_settings(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The default of every setting of a condition, from the schema."""
    return {
        name: copy.deepcopy(entry["default"])
        for name, entry in schema["$defs"]["settings"]["properties"].items()
    }


def _parse_experiment(
    name: str,
    entry: Mapping[str, Any],
    content: Mapping[str, Any],
    schema: Mapping[str, Any],
    known_figures: Mapping[str, bool],
    sources: Mapping[str, Source],
) -> Experiment:
    path = f"experiments.{name}"
    check_name("experiments", name)
    for index, figure in enumerate(entry["figures"]):
        _check_choice(f"{path}.figures[{index}]", figure, known_figures, "figure")
        if not known_figures[figure]:
            raise ConfigError(f"{path}.figures[{index}]: {figure} is a drawing; it reads no table")
    names = {
        "rule": [*RULES, *content["shorthands"]],
        "activation": [*ACTIVATIONS],
        "data": [*sources],
        "switch_rule": [*RULES],
    }
    written = [(f"{path}.settings", entry["settings"])]
    written += [(f"{path}.when[{i}].set", when["set"]) for i, when in enumerate(entry["when"])]
    written += [(f"{path}.include[{i}]", one) for i, one in enumerate(entry["include"])]
    for place, settings in written:
        for key in names.keys() & settings.keys():
            _check_name_of(f"{place}.{key}", key, settings[key], names)
    for key, values in entry["grid"].items():
        _check_values(f"{path}.grid", key, values, schema, names)
    for index, when in enumerate(entry["when"]):
        for key, values in when["match"].items():
            _check_values(f"{path}.when[{index}].match", key, values, schema, names)
        for key in sorted(when["set"].keys() & entry["grid"].keys()):
            raise ConfigError(f"{path}.when[{index}].set.{key}: {key} is an axis of the grid")
    for index, excluded in enumerate(entry["exclude"]):
        for key, values in excluded.items():
            _check_values(f"{path}.exclude[{index}]", key, values, schema, names)
    defaults = {**default_settings(schema), "device": content["device"]}
    conditions = {}
    axes = entry["grid"]
    combinations = [
        (f"{path}.grid", dict(zip(axes, values, strict=True)))
        for values in itertools.product(*axes.values())
        if axes
    ]
    combinations += [(f"{path}.include[{i}]", dict(e)) for i, e in enumerate(entry["include"])]
    for place, chosen in combinations:
        settings = _resolve(place, chosen, entry, content["shorthands"], defaults)
        if any(_matches(settings, chosen, excluded) for excluded in entry["exclude"]):
            continue
        if settings["case"]:
            at = f"{place if 'case' in chosen else f'{path}.settings'}.case"
            check_name(at, settings["case"])
        try:
            condition = Condition.from_settings(settings, sources[settings["data"]])
        except ValueError as error:
            key = str(error).partition(":")[0]
            raise ConfigError(f"{place if key in chosen else f'{path}.settings'}.{error}") from None
        known = conditions.setdefault(condition, condition)
        if known.case != condition.case:
            raise ConfigError(
                f'{place}: it differs from another condition in its case alone, "{known.case}" and '
                f'"{condition.case}"; give it one case, or another setting'
            )
    _check_companions(path, entry, tuple(conditions))
    if not combinations:
        raise ConfigError(f"{path}: there is no condition; give it a grid or an include list")
    if not conditions:
        raise ConfigError(f"{path}.exclude: it leaves no condition")
    return Experiment(name, tuple(entry["figures"]), entry["replicates"], tuple(conditions))


def _check_companions(path: str, entry: Mapping[str, Any], conditions: Sequence[Condition]) -> None:
    # A size, angle or rule without its step would be taken for the control that it is not.
    written = [(f"{path}.settings", entry["settings"]), (f"{path}.grid", entry["grid"])]
    written += [(f"{path}.when[{i}].set", when["set"]) for i, when in enumerate(entry["when"])]
    for step, companions in COMPANIONS.items():
        for key in companions:
            for place, given in written:
                if key in given and all(getattr(c, step) is None for c in conditions):
                    raise ConfigError(f"{place}.{key}: has no effect without {step}; give it too")
            for index, one in enumerate(entry["include"]):
                if key in one and {**entry["settings"], **one}.get(step) is None:
                    place = f"{path}.include[{index}].{key}"
                    raise ConfigError(f"{place}: has no effect without {step}; give it too")


def _resolve(
    place: str,
    chosen: Mapping[str, Any],
    entry: Mapping[str, Any],
    shorthands: Mapping[str, Mapping[str, Any]],
    defaults: Mapping[str, Any],
) -> dict[str, Any]:
    # Weakest first: defaults, settings, when, shorthand, the grid's or include's own values.
    fixed = {**defaults, **entry["settings"]}
    rule = chosen.get("rule", fixed["rule"])
    shorthand = dict(shorthands.get(rule, {}))
    both = sorted((shorthand.keys() & chosen.keys()) - {"rule"})
    if both:
        raise ConfigError(
            f"{place}: the shorthand {rule} sets {both[0]} already; "
            f"use rule {shorthand['rule']} where {both[0]} varies"
        )
    own = {**chosen, **shorthand}
    settings = {**fixed, **own}
    for when in entry["when"]:
        if _matches(settings, chosen, when["match"]):
            settings.update({key: value for key, value in when["set"].items() if key not in own})
    return settings


def _matches(settings: Mapping[str, Any], chosen: Mapping[str, Any], match: Mapping) -> bool:
    for key, wanted in match.items():
        options = wanted if isinstance(wanted, list) else [wanted]
        # A shorthand is matched by its own name as well as by the rule that it stands for.
        if settings[key] not in options and not (key == "rule" and chosen.get(key) in options):
            return False
    return True


def _parse_figures(
    content: Mapping[str, Any],
    experiments: Sequence[Experiment],
    known_figures: Mapping[str, bool],
) -> tuple[str, ...]:
    fed = {figure for experiment in experiments for figure in experiment.figures}
    if content["figures"] is None:
        return tuple(f for f, reads in known_figures.items() if f in fed or not reads)
    for index, figure in enumerate(content["figures"]):
        path = f"figures[{index}]"
        _check_choice(path, figure, known_figures, "figure")
        if known_figures[figure] and figure not in fed:
            raise ConfigError(
                f"{path}: no experiment feeds {figure}; "
                "name it under `figures` of an experiment, or remove it here"
            )
    for experiment in experiments:
        for figure in experiment.figures:
            if figure not in content["figures"]:
                raise ConfigError(
                    f"experiments.{experiment.name}.figures: {figure} is missing from `figures`; "
                    "add it there, or remove it here"
                )
    return tuple(content["figures"])


def _check_plain(value: Any, path: str = "") -> None:
    # What YAML can say but a setting cannot be: keys that are not text, infinities, dates.
    if isinstance(value, dict):
        for key, inner in value.items():
            at = f"{path}.{key}" if path else str(key)
            if not isinstance(key, str):
                raise ConfigError(f"{at}: the key is not text; put it in quotes")
            _check_plain(inner, at)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_plain(inner, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: {value} is not allowed; allowed: a finite number")
    elif not isinstance(value, str | int | float | bool | None):
        raise ConfigError(f"{path}: {value} is not allowed; allowed: text, numbers, true, false")


def _check_values(
    path: str,
    key: str,
    values: Any,
    schema: Mapping[str, Any],
    names: Mapping[str, Iterable[str]],
) -> None:
    # Axes and matches hold lists of values, each of which must be a valid setting.
    settings = schema["$defs"]["settings"]["properties"]
    if key == "case":
        raise ConfigError(
            f"{path}.case: a case is given, and neither varied nor matched; "
            "allowed: in `settings`, in `set`, or in an entry of `include`"
        )
    _check_choice(f"{path}.{key}", key, settings, "key")
    for index, value in enumerate(values if isinstance(values, list) else [values]):
        place = f"{path}.{key}[{index}]" if isinstance(values, list) else f"{path}.{key}"
        _check_schema(value, settings[key], place)
        if key in names:
            _check_name_of(place, key, value, names)


def _check_schema(content: Any, schema: Mapping[str, Any], path: str = "") -> None:
    from jsonschema import Draft202012Validator

    errors = sorted(
        Draft202012Validator(schema).iter_errors(content),
        key=lambda error: (len(error.absolute_path), list(map(str, error.absolute_path))),
    )
    if errors:
        raise ConfigError(_describe(errors[0], path))


def _describe(error: Any, path: str) -> str:
    path = path or _key_path(error.absolute_path)
    rule, allowed, found = error.validator, error.validator_value, error.instance
    if rule == "additionalProperties":
        key = next(key for key in found if key not in error.schema.get("properties", {}))
        names = list(error.schema.get("properties", {}))
        at = f"{path}.{key}" if path else str(key)
        return f"{at}: unknown key{_nearest(key, names)}; allowed: {', '.join(names)}"
    if rule == "required":
        key = next(key for key in allowed if key not in found)
        return f"{path + '.' if path else ''}{key}: missing; this key is required"
    shown = json.dumps(found, default=str)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    wanted = {
        "type": lambda: f"allowed: {_type_text(allowed, error.schema)}",
        "enum": lambda: f"allowed: {', '.join(map(str, allowed))}",
        "minimum": lambda: f"allowed: {allowed} or more",
        "exclusiveMinimum": lambda: f"allowed: more than {allowed}",
        "maximum": lambda: f"allowed: {allowed} or less",
        "minItems": lambda: "allowed: at least one value",
        "minProperties": lambda: "allowed: at least one entry",
        "uniqueItems": lambda: "allowed: each value once",
        "maxLength": lambda: f"allowed: {allowed} characters at most",
        "minLength": lambda: "allowed: text that is not empty",
    }.get(rule, lambda: f"it fails the rule {rule}: {allowed}")()
    nearest = _nearest(found, allowed) if rule == "enum" else ""
    return f"{path}: {shown} is not allowed{nearest}; {wanted}"


def _type_text(kind: str | Sequence[str], schema: Mapping[str, Any]) -> str:
    names = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
        "array": "a list",
        "object": "keys with values",
        "null": "null",
    }
    kinds = [kind] if isinstance(kind, str) else list(kind)
    text = " or ".join(names[k] for k in kinds)
    for bound, words in (("minimum", "{} or more"), ("exclusiveMinimum", "more than {}")):
        if bound in schema:
            text += ", " + words.format(schema[bound])
    return text


def _fill_defaults(content: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    """Fill in place the defaults of the config's own keys; settings keep only what is given."""
    for key, entry in schema.get("properties", {}).items():
        if "default" in entry:
            content.setdefault(key, copy.deepcopy(entry["default"]))
        if "$ref" not in entry and isinstance(content.get(key), dict):
            _fill_defaults(content[key], entry, root)
    each = schema.get("additionalProperties")
    if isinstance(each, dict) and "$ref" in each:
        target = root["$defs"][each["$ref"].rsplit("/", 1)[-1]]
        if target.get("fill_defaults"):
            for value in content.values():
                _fill_defaults(value, target, root)


def check_name(path: str, name: str) -> None:
    """Check a name that becomes part of file names.

    Raises:
        ConfigError: it is not allowed; the message starts with `path`.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,79}", name):
        raise ConfigError(
            f"{path}: {json.dumps(name)} is not allowed as a name; "
            "allowed: letters, digits, _ and -, starting with a letter, 80 at most"
        )
    if name.lower() in _YAML_WORDS:
        raise ConfigError(
            f'{path}: "{name}" is not allowed as a name, since YAML may read it as true or false'
        )


def _check_choice(path: str, value: Any, allowed: Iterable[str], what: str = "value") -> None:
    names = list(allowed)
    if value not in names:
        if what == "key":
            raise ConfigError(
                f"{path}: unknown key{_nearest(value, names)}; allowed: {', '.join(names)}"
            )
        raise ConfigError(
            f'{path}: unknown {what} "{value}"{_nearest(value, names)}; allowed: {", ".join(names)}'
        )


def _check_name_of(path: str, key: str, value: Any, names: Mapping[str, Iterable[str]]) -> None:
    # A switch that never comes needs no rule.
    if not (key == "switch_rule" and value is None):
        _check_choice(path, value, names[key], key)


def _nearest(value: Any, names: Iterable[Any]) -> str:
    close = difflib.get_close_matches(str(value), [str(n) for n in names], n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def _key_path(parts: Iterable[str | int]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in extra.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _kind(value: Any) -> str:
    return {list: "a list", str: "text"}.get(type(value), type(value).__name__)


def _place(error: Any) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f"line {mark.line + 1}" if mark else "the file"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def replicate_blocks(replicates: int, block: int) -> Iterator[tuple[int, ...]]:
    """Split replicate indices into the blocks that jobs compute together."""
    for first in range(0, replicates, block):
        yield tuple(range(first, min(first + block, replicates)))
