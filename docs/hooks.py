"""MkDocs hook: tables of options, made from the dataclasses that define them.

A line `<!-- options: pinet_ros.estimator.EstimatorConfig -->` of a page becomes a table of the
fields of that class, with their defaults, allowed values and descriptions.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout's package, not an installed one

from pinet_ros.util.options import Option, options_of

_DIRECTIVE = re.compile(r"^<!-- options: ([\w.]+) -->$", re.MULTILINE)
_HEAD = "| option | default | values | |\n|---|---|---|---|"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs with the text of each page; replaces the directives in it."""
    return _DIRECTIVE.sub(lambda match: _table(match[1]), markdown)


def _table(dotted_name: str) -> str:
    """The Markdown table of a dataclass's options."""
    module, _, name = dotted_name.rpartition(".")
    config = getattr(import_module(module), name)
    rows = [
        f"| `{field.name}` | {_code(field.default)} | {_values(field.default, option)} | "
        f"{option.description} |"
        for field, option in options_of(config).items()
    ]
    return "\n".join([_HEAD, *rows])


def _values(default: Any, option: Option) -> str:
    """What may be given for an option."""
    if option.choices:
        return ", ".join(map(_code, option.choices))
    if option.minimum is not None:
        return f"{option.minimum} to {option.maximum}"
    return {bool: "true or false", str: "text"}[type(default)]


def _code(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "empty"
