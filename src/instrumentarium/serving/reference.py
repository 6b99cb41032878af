"""The interface on a page for people, made of its OpenAPI schema: no script, nothing from elsewhere."""

import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape


def reference_page(schema: dict[str, Any]) -> str:
    """Return the page for an OpenAPI schema."""
    template = (files("instrumentarium.serving") / "page" / "reference.html.jinja").read_text(encoding="utf-8")
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    contents = schema["components"]["schemas"]
    return (
        Environment(autoescape=True)
        .from_string(template)
        .render(info=schema["info"], operations=operations, contents=contents, type_of=type_of, marked=marked)
    )


def marked(text: str) -> Markup:
    """Return text with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def type_of(schema: dict[str, Any]) -> str:
    """Return the type of a value in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(type_of(each) for each in schema["anyOf"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_of(schema['additionalProperties'])}"
    return kind
