"""Requests to an application without a server."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fastapi import FastAPI, Request, Response

from lindley.apps.notebook.in_process import Answer, call_application

app = FastAPI()


@app.get("/fault")
def fault():
    raise RuntimeError("a fault")


@app.api_route("/mirror/{part}", methods=["GET", "PUT"])
async def mirror(request: Request, part: str):
    said = f"{request.method} {part} {request.url.query} {request.state.name} {(await request.body()).decode()}"
    return Response(said, status_code=202, media_type="text/x-said")


def ask(path="/mirror/a%20b?c=%20d", **more):
    return call_application(app, path, state={"name": "ann"}, **more)


def test_method_path_query_state_and_body_arrive():
    assert ask(method="PUT", body="ü") == Answer(202, "text/x-said; charset=utf-8", "PUT a b c=%20d ann ü".encode())
    assert ask().body == b"GET a b c=%20d ann "


def test_it_answers_while_an_event_loop_runs_in_the_same_thread():
    async def work():
        return ask()

    assert asyncio.run(work()).status == 202


def test_a_fault_is_answered_and_logged(caplog):
    with caplog.at_level(logging.ERROR):
        assert ask("/fault").status == 500
    assert "a fault" in caplog.text


def test_an_application_that_answers_nothing_raises():
    async def broken(scope, receive, send):
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError):
        call_application(broken, "/")
