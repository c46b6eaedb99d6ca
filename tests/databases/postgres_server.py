"""A real PostgreSQL for the tests, as an unprivileged user, which forgets what it holds."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_schemas = count()


def find_missing() -> str:
    """Return why there can be no server; "" where there can."""
    if importlib.util.find_spec("pg8000") is None:
        return "pg8000 is not installed"
    if _programs() is None:
        return "PostgreSQL is not installed"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or _user() is None):
        return "PostgreSQL does not run as root, and there is no user postgres or nobody"
    return ""


@contextmanager
def run_server() -> Iterator[str]:
    """Start a server, and yield the address of its database, to which `new_schema` adds a schema."""
    programs, folder = _programs(), Path(tempfile.mkdtemp(prefix="lindley-postgres-"))
    assert programs is not None
    if os.geteuid() == 0:
        user = pwd.getpwnam(str(_user()))
        os.chown(folder, user.pw_uid, user.pw_gid)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off"
    data, log = str(folder / "data"), str(folder / "log")
    try:
        _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "lindley", "-E", "UTF8", "--no-sync")
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        try:
            yield f"postgresql://lindley@127.0.0.1:{port}/postgres"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def new_schema(url: str) -> str:
    """Return the address of a schema that no test has used."""
    return f"{url}?schema=test_{os.getpid()}_{next(_schemas)}"


def _programs() -> Path | None:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    return max(found, default=None if on_path is None else Path(on_path).parent)


def _user() -> str | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


def _run(program: Path, *arguments: str) -> None:
    command = [str(program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", str(_user()), "--", *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", timeout=120)
    assert done.returncode == 0, done.stdout.decode()
