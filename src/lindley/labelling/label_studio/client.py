"""Requests to the API of a Label Studio whose address the user named. Its token is in no message and no log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from lindley.errors import InputError, LindleyError

_PAGE = 500
_SECONDS = (5.0, 60.0)  # to connect, and until an answer comes
_MOST_BYTES = 1 << 28


class LabelStudioError(LindleyError):
    """A request that Label Studio did not answer as it should."""


class LabelStudioClient:
    """The API of one project of a Label Studio.

    Args:
        url: The address of Label Studio.
        token: The token of its API.
        project: The number of the project there.
    """

    def __init__(self, url: str, token: str, project: int) -> None:
        self._url, self._project = url.rstrip("/"), project
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy sees the token, and no .netrc takes its place
        self._session.headers["Authorization"] = f"Token {token}"

    def read_tasks(self) -> Iterator[dict[str, Any]]:
        """Yield the tasks of the project, each with its "id" and its "data"."""
        page, seen, total = 1, 0, 1
        while seen < total:
            found = self._request(
                "GET", f"/api/tasks?project={self._project}&page={page}&page_size={_PAGE}&include=id,data"
            )
            try:
                tasks, total = [*found["tasks"]], int(found["total"])
                numbered = [{"id": each["id"], "data": each["data"]} for each in tasks]
            except (KeyError, TypeError, ValueError, OverflowError):
                raise LabelStudioError(f"Label Studio at {self._url} did not answer with tasks.") from None
            yield from numbered
            if not tasks:
                return
            page, seen = page + 1, seen + len(tasks)

    def push(self, predictions: Sequence[Mapping[str, Any]], version: str) -> None:
        """Add predictions to tasks, and have Label Studio order by them.

        Args:
            predictions: Each with the number of its "task".
            version: Their version.
        """
        self._request("POST", f"/api/projects/{self._project}/import/predictions", predictions)
        self._request("PATCH", f"/api/projects/{self._project}", {"model_version": version})

    def delete_version(self, version: str) -> None:
        """Delete the predictions of a version; nothing where there are none."""
        self._request("DELETE", f"/api/projects/{self._project}/model-versions/", {"model_version": version})

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _request(self, method: str, path: str, content: Any = None) -> Any:
        where = f"Label Studio at {self._url}"
        try:
            with self._session.request(
                method, self._url + path, json=content, timeout=_SECONDS, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code >= 300:
                    raise LabelStudioError(f"{where} refused {method} {path.partition('?')[0]}: {_reason(answer)}")
                body = _read_body(answer)
            return json.loads(body) if body else {}
        except (requests.RequestException, OSError) as error:
            raise LabelStudioError(f"{where} does not answer ({type(error).__name__}).") from None
        except (ValueError, RecursionError):
            raise LabelStudioError(f"{where} did not answer {method} {path} with JSON.") from None


def _reason(answer: requests.Response) -> str:
    if answer.status_code in (401, 403):
        return (
            "its token is not valid. Start it with --enable-legacy-api-token, and connect the backend again in the "
            "settings of the project."
        )
    return f"status {answer.status_code}."


def _read_body(answer: requests.Response) -> bytes:
    body = bytearray()
    for part in answer.iter_content(1 << 16):
        body += part
        if len(body) > _MOST_BYTES:
            raise ValueError("the answer is too large")
    return bytes(body)


def check_url(url: str) -> str:
    """Return the address of a Label Studio. Raises InputError for what is none, or holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise InputError(argument="label_studio_url", expected="an address such as http://localhost:8080", got=url)
    return url.rstrip("/")
