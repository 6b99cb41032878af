"""What requests and answers hold, as the OpenAPI schema says it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Content(BaseModel):
    """An object with these keys and no others."""

    model_config = ConfigDict(extra="forbid")


class InstrumentScore(Content):
    """Of one instrument."""

    score: float = Field(ge=0, le=1, description="calibrated: to be read as a probability")
    present: bool = Field(description="whether it plays, by the model's own threshold")


class Stretch(Content):
    """When an instrument plays."""

    instrument: str = Field(description="its code")
    start_s: float
    end_s: float
    score: float


class Window(Content):
    """A window and an instrument's score in it."""

    start_s: float
    end_s: float
    score: float


class Frames(Content):
    """Scores over time: what the timeline is cut from."""

    step_s: float = Field(description="length of a frame")
    scores: dict[str, list[float]] = Field(description="of each instrument by code, a number a frame")
    strongest: dict[str, Window] = Field(description="each instrument's strongest window")


class PredictionContent(Content):
    """What is predicted for a recording: an element of the list that `instrumentarium predict --format json` writes."""

    path: str = Field(description="the name the client gave the file, without folders; - if it gave none")
    duration_s: float
    instruments: dict[str, InstrumentScore] = Field(description="by code")
    timeline: list[Stretch]
    note: str | None = Field(description="why there was nothing to recognise")
    error: None
    frames: Frames | None = Field(default=None, description="if asked for")


class ErrorContent(Content):
    """Why there is no answer."""

    error: str
    id: str = Field(description="the same as the header X-Request-ID; names the request in the server's log")


class InstrumentContent(Content):
    """An instrument that the model recognises."""

    code: str
    name: str
    family: str
    threshold: float = Field(description="for scores before calibration")


class ModelContent(Content):
    """A model."""

    id: str
    taxonomy: str
    instruments: list[InstrumentContent]
    temperature: float = Field(description="calibrated logit = logit / temperature")
    sample_rate_hz: int
    windows: dict[str, Any]
    timeline: dict[str, float]
    trained: dict[str, Any]


class LimitsContent(Content):
    """What the server takes."""

    upload_bytes: int
    audio_s: float
    request_s: float


class ModelsContent(Content):
    """The models there are: one."""

    models: list[ModelContent]
    limits: LimitsContent


class HealthContent(Content):
    """Whether the server can answer."""

    status: str


AUDIO_BODY = {
    "requestBody": {
        "required": True,
        "description": "Audio of any kind that `instrumentarium predict` reads; its bytes say what it is.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}},
        },
    }
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorContent, "description": "No audio that can be used: empty, damaged, too short, no such form."},
    408: {"model": ErrorContent, "description": "The body did not arrive in time."},
    413: {"model": ErrorContent, "description": "More bytes than the server takes."},
    422: {
        "model": ErrorContent,
        "description": "The recording is too long, or decoding takes too much; a wrong parameter.",
    },
    500: {"model": ErrorContent, "description": "The server failed; its log has the reason by the id."},
    503: {
        "model": ErrorContent,
        "description": "As many requests are in hand as the server takes.",
        "headers": {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}},
    },
    504: {"model": ErrorContent, "description": "The prediction was not there in time."},
}
