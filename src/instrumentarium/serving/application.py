"""The routes, joined to the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from instrumentarium.serving.contents import (
    AUDIO_BODY,
    REFUSALS,
    HealthContent,
    InstrumentContent,
    LimitsContent,
    ModelContent,
    ModelsContent,
    PredictionContent,
)
from instrumentarium.serving.front import Front, error_answer
from instrumentarium.serving.reference import reference_page
from instrumentarium.serving.refusals import RefusalError
from instrumentarium.serving.service import Service

PAGE = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "timeline.js": "text/javascript; charset=utf-8",
    "spectrogram.js": "text/javascript; charset=utf-8",
    "recorder.js": "text/javascript; charset=utf-8",
    "downloads.js": "text/javascript; charset=utf-8",
}
"""The files of the page, and their kinds: nothing else is ever served from disk."""


def build_application(service: Service) -> FastAPI:
    """Return the application that serves a model."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="instrumentarium",
        version=version("instrumentarium"),
        description="Which instruments play in a recording, and when.",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(Front, monitoring=service.monitoring)
    _tell_errors(app)
    _add_interface(app, service)
    _add_pages(app)
    return app


def _tell_errors(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refuse(request: Request, error: RefusalError) -> Response:
        return error_answer(error.status, error.reason, request.state.request_id, error.headers)

    @app.exception_handler(HTTPException)
    async def tell(request: Request, error: HTTPException) -> Response:
        return error_answer(error.status_code, error.detail, request.state.request_id, error.headers)

    @app.exception_handler(RequestValidationError)
    async def explain(request: Request, error: RequestValidationError) -> Response:
        reasons = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return error_answer(422, reasons, request.state.request_id)


def _add_interface(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/predict",
        summary="Which instruments play in a recording, and when",
        response_model=PredictionContent,
        response_description="The prediction.",
        responses=REFUSALS,
        openapi_extra=AUDIO_BODY,
    )
    async def predict(
        request: Request,
        frames: Annotated[bool, Query(description="Scores over time, too, in half seconds.")] = False,
    ) -> Response:
        """Take audio as a form's part `file`, or as the body itself, and return its prediction."""
        return JSONResponse(await service.predict(request, frames=frames))

    @app.get(
        "/v1/models",
        summary="The instruments of the model, and the limits of the server",
        response_description="The model.",
    )
    async def models() -> ModelsContent:
        """Describe the model."""
        return _models_content(service)

    @app.get(
        "/healthz",
        summary="Whether the server can answer",
        response_description="It can.",
        responses={503: {"model": HealthContent, "description": "It cannot."}},
    )
    async def health(response: Response) -> HealthContent:
        """Answer with 200 as long as it can."""
        response.status_code = 200 if service.healthy else 503
        return HealthContent(status="ok" if service.healthy else "the threads that score have ended")

    @app.get(
        "/metrics",
        summary="Counters for Prometheus",
        response_class=Response,
        response_description="In Prometheus' text format.",
    )
    async def counters() -> Response:
        """Return all counters in Prometheus' text format."""
        return Response(service.monitoring.text(), media_type=service.monitoring.content_type)


def _add_pages(app: FastAPI) -> None:
    folder = files("instrumentarium.serving") / "page"
    contents = {name: (folder / name).read_bytes() for name in PAGE}

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return Response(contents["index.html"], media_type=PAGE["index.html"])

    @app.get("/page/{name}", include_in_schema=False)
    async def part(name: str) -> Response:
        if name not in contents:
            raise HTTPException(404)
        return Response(contents[name], media_type=PAGE[name], headers={"Cache-Control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    async def reference() -> Response:
        return HTMLResponse(reference_page(app.openapi()))


def _models_content(service: Service) -> ModelsContent:
    card, ladder, limits = service.card, service.audio2timeline, service.limits
    thresholds = ladder.thresholds.tolist()
    model = ModelContent(
        id=card.trained.model,
        taxonomy=card.taxonomy_name,
        instruments=[
            InstrumentContent(code=each.code, name=each.name, family=each.family, threshold=threshold)
            for each, threshold in zip(card.taxonomy.instruments, thresholds, strict=True)
        ],
        temperature=ladder.temperature,
        sample_rate_hz=card.sample_rate_hz,
        windows=card.windows.model_dump(mode="json"),
        timeline=asdict(ladder.settings),
        trained=card.trained.model_dump(mode="json"),
    )
    taken = LimitsContent(upload_bytes=limits.upload_bytes, audio_s=limits.audio_s, request_s=limits.request_s)
    return ModelsContent(models=[model], limits=taken)
