"""What an ill-meaning client sends: damaged files of every kind, and whatever the interface's schema suggests."""

import runpy
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import schemathesis
from serving.conftest import Server

Serve = Callable[..., Server]
FUZZER = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_audio.py"))
CASES = 1000
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_headers_conformance,
    schemathesis.checks.response_schema_conformance,
]
"""All but those that know from the schema what is accepted: which bytes are audio, no schema can say."""


def test_damaged_files_are_decoded_or_refused_and_end_no_process(serve: Serve) -> None:
    files, server = FUZZER["made"](), serve(decoders=2)
    bodies = [FUZZER["damaged"](files, 7, number)[1] for number in range(CASES)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.predict, bodies))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 400}, statuses
    assert min(statuses.values()) > CASES / 20, statuses
    assert all(answer.json()["error"] for answer in answers if answer.status_code == 400)
    assert server.counter("decoders_replaced") == 0
    assert server.client.get("/healthz").status_code == 200


def test_the_schema_holds(serve: Serve) -> None:
    server = serve()
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    seen: Counter[int] = Counter()
    for operation in schema.get_all_operations():
        found = operation.ok()

        @hypothesis.settings(
            max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
        )
        @hypothesis.given(case=found.as_strategy())
        def try_one(case: schemathesis.Case) -> None:
            response = case.call()
            seen[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        try_one()
    assert seen[200]
    assert seen[400]
    assert not [status for status in seen if status >= 500], seen
