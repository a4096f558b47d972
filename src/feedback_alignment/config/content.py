"""What a config may hold: its keys, with their values, defaults and meanings."""

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema

from feedback_alignment.checked import Axis, Checked, Names
from feedback_alignment.settings import Settings, setting

Match = Annotated[dict[str, Any], Field(min_length=1)]


class Chosen(Settings):
    """Settings, of which presets may give some; only what is given counts."""

    presets: Names = setting([], "Presets whose settings are taken; others here win.")

    formulas: dict[str, str] = setting(
        {},
        "Settings that are computed from others, as in `{settle_after: 5000 * sqrt(width) // 14}`: "
        "numbers, settings that are numbers, + - * / // ** ( ), sqrt, log, round, min and max.",
    )

    def given(self) -> dict[str, Any]:
        """The settings that are given here, those of presets and formulas apart."""
        return self.model_dump(exclude_unset=True, exclude={"presets", "formulas"})


class When(Checked):
    """Settings for the conditions that match."""

    match: Match = Field(
        description="Settings with a value, or a list of values, that a condition must have."
    )
    set: Chosen = Field(description="The settings that matching conditions get.")


class ExperimentContent(Checked):
    """A group of conditions that share a table."""

    figures: Names = setting([], "The figures that read this experiment's table.")
    replicates: int = setting(
        8,
        "Independent repetitions of each condition. More of them leave the old rows as they are.",
        ge=1,
        le=100_000,
    )
    settings: Chosen = Field(
        default_factory=Chosen,
        description="Settings that all conditions of the experiment share.",
        json_schema_extra={"default": {}},
    )
    grid: dict[str, Axis] = setting(
        {}, "Axes: a setting with the list of its values. Every combination is a condition."
    )
    when: list[When] = setting(
        [],
        "Settings for the conditions that match, for example another eta for each activation. "
        "Later entries win.",
    )
    include: list[Chosen] = setting(
        [], "Single conditions to add to the grid, each as the settings in which it differs."
    )
    exclude: list[Match] = setting(
        [],
        "Conditions to leave out: those that match all settings of an entry (a value or a list of "
        "values each).",
    )


class MnistPlace(Checked):
    """MNIST's four original .gz files."""

    directory: Annotated[str, Field(min_length=1)] | None = setting(
        None,
        "Folder with the files. null: the folder named by the environment variable "
        "FEEDBACK_ALIGNMENT_MNIST, else they are downloaded.",
    )


class OwnData(Checked):
    """Data of your own."""

    file: str = Field(
        description="An .npz with inputs_train (N, d), labels_train (N,), inputs_test (M, d), "
        "labels_test (M,); labels are whole numbers from 0.",
        min_length=1,
    )


class DataSources(Checked, extra="allow"):
    """Where data lies, by the name of the source."""

    __pydantic_extra__: dict[str, OwnData] = Field(init=False)
    mnist: MnistPlace = Field(default_factory=MnistPlace, json_schema_extra={"default": {}})


_PRESETS: dict[str, Any] = {"fa_reg": {"rule": "fa", "l2": 0.3}}


class ConfigContent(Checked):
    """A config."""

    base: str | None = setting(
        None,
        "A config file, relative to this one, that this one changes: mappings are merged, all else "
        "is replaced, and null takes an experiment, preset, axis or key of an experiment away.",
    )
    name: str = Field(description="Name of the config; results go to results/<name>/.")
    seed: int = setting(
        2021,
        "Root of every random stream. Another seed gives other data, weights and feedback "
        "throughout.",
        ge=0,
        le=2**63 - 1,
    )
    block: int = setting(
        4,
        "Replicates that one training job computes together. It changes the number of jobs, and on "
        "the CPU never a result.",
        ge=1,
        le=10_000,
    )
    device: Literal["cpu", "cuda"] = setting(
        "cpu", "Where networks are trained, unless an experiment's settings say it."
    )
    data_sources: DataSources = Field(
        default_factory=DataSources,
        description="Where data lies: mnist with a directory, and sets of your own, each with a "
        "file.",
        json_schema_extra={"default": {}},
    )
    figures: Names | None = setting(
        None,
        "The figures to draw. null means every figure that an experiment feeds, and the drawings.",
    )
    presets: dict[str, Settings] = Field(
        default_factory=lambda: {n: Settings(**preset) for n, preset in _PRESETS.items()},
        description="Names for settings, for use under `presets`; one that has a rule may also be "
        "a value of `rule`.",
        json_schema_extra={"default": _PRESETS},
    )
    experiments: Annotated[dict[str, ExperimentContent], Field(min_length=1)] = Field(
        description="The experiments by name; each becomes one table, metrics/<experiment>.csv."
    )


class _Plain(GenerateJsonSchema):
    """A schema without the titles that pydantic makes of field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """The JSON schema of a config, from which editors complete."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ConfigContent.model_json_schema(schema_generator=_Plain),
        "title": "Config of the feedback-alignment pipeline",
    }
