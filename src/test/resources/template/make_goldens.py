"""Writes chats.json and programs.json anew with Python's Jinja2, set up as Hugging Face's apply_chat_template does it.

Reads chat-cases.json and program-sources.json beside it; see PROVENANCE.md.
"""

import datetime
import json
import pathlib

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2025, 7, 10, 12, 0, 0)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


class Refused(Exception):
    pass


def raise_exception(message):
    raise Refused(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = NOW.strftime


def render(template, context):
    try:
        return {"text": environment.from_string(template).render(**context)}
    except Refused as refusal:
        return {"refusal": str(refusal)}
    except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError):
        return {"fails": True}


def write(name, goldens):
    text = json.dumps(goldens, ensure_ascii=False, indent=1)
    (HERE / name).write_text(text + "\n", encoding="utf-8")
    print(name, len(goldens))


chats = json.loads((HERE / "chat-cases.json").read_text(encoding="utf-8"))
templates = {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "templates").glob("*.jinja"))}
write(
    "chats.json",
    [
        {"template": template, "chat": chat, **render(source, chats[chat])}
        for template, source in templates.items()
        for chat in chats
    ],
)

programs = json.loads((HERE / "program-sources.json").read_text(encoding="utf-8"))
write(
    "programs.json",
    [{"program": program, **render(program, programs["context"])} for program in programs["programs"]],
)
