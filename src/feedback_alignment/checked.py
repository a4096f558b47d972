"""What pydantic checks of every input: no unknown key, no value of another kind, none twice."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError


class Checked(BaseModel):
    """Keys with values of a file; immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        # YAML gives 1e2 and 2.0 as fractions, and people mean whole numbers by them.
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _each_once(values: list[Any]) -> list[Any]:
    texts = [json.dumps(value, sort_keys=True) for value in values]
    if len(set(texts)) < len(texts):
        raise PydanticCustomError("twice", "a value stands twice")
    return values


_Once = (AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True}))
# Names, each once.
Names = Annotated[list[str], *_Once]
# Values of any kind, at least one, each once.
Axis = Annotated[list[Any], Field(min_length=1), *_Once]
