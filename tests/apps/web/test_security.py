"""Who may come in: only this server's own page, with a person's cookie and the page's token."""

import json

import pytest

from lindley.apps.web.security import HEADERS, MAX_BODY, Cookies, csrf_token, hash_cookie, refusal

ORIGIN = "http://127.0.0.1:8123"
LABEL = {"events": [{"uuid": "u1", "kind": "label", "item": 0, "class_id": 0}]}
ROUTES = ["/", "/static/app.js", "/api/me", "/api/items/0/content", "/api/classes", "/api/history", "/api/status"]
ROUTES += ["/api/search?q=x", "/api/items/0/similar", "/api/disputes"]
POSTS = ["/api/next", "/api/events", "/api/reveal", "/api/grid", "/api/claim", "/api/classes", "/api/guideline"]
POSTS += ["/api/release", "/api/train"]


def assert_guarded(answer, status):
    assert answer.status_code == status
    for name in HEADERS:
        assert name in answer.headers
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; frame-ancestors 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def unchanged(project):
    """The test stores nothing."""
    before = [each.seq for each in project.store.events()], project.store.items_on_lease()
    yield
    assert ([each.seq for each in project.store.events()], project.store.items_on_lease()) == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8123", "127.0.0.1", "127.0.0.1:80", "localhost:8123.evil.com", "[::1]:8123", ""],
)
def test_a_foreign_host_is_refused_everywhere(ann, host):
    for path in [*ROUTES, "/healthz", "/launch?token=x", "/nothing"]:
        assert_guarded(ann.get(path, headers={"Host": host}), 421)
    assert_guarded(ann.post("/api/events", json=LABEL, headers={"Host": host}), 421)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8123.evil.com",
        "http://127.0.0.1:8124",
        "https://127.0.0.1:8123",
        "http://127.0.0.1:8123.evil.com",
        "http://evil@127.0.0.1:8123",
        "null",
        "",
        "http://127.0.0.1:8123/",
    ],
)
def test_a_foreign_origin_is_refused_everywhere(ann, origin):
    for path in ROUTES:
        assert_guarded(ann.get(path, headers={"Origin": origin}), 403)
    for path in POSTS:
        assert_guarded(ann.post(path, json=LABEL, headers={"Origin": origin}), 403)


@pytest.mark.usefixtures("unchanged")
def test_two_hosts_or_two_origins_are_refused(ann):
    two = [*ann.headers.items(), ("Host", "127.0.0.1:8123"), ("Host", "evil.example")]
    assert ann.get("/api/me", headers=two).status_code == 421
    two = [("Origin", ORIGIN), ("Origin", "http://evil.example")]
    assert ann.post("/api/events", json=LABEL, headers=two).status_code == 403


@pytest.mark.usefixtures("unchanged")
def test_without_a_cookie_nothing_but_the_door_is_seen(stranger):
    for path in ROUTES:
        assert_guarded(stranger.get(path), 401)
    for path in POSTS:
        assert_guarded(stranger.post(path, json=LABEL), 401)
    assert_guarded(stranger.head("/"), 401)
    assert stranger.get("/healthz").json() == {"status": "UP"}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("cookie", ["", "x", "\N{EURO SIGN}", "a" * 5000])
def test_a_wrong_cookie_is_refused(stranger, cookie):
    assert_guarded(stranger.get("/api/me", headers={"Cookie": f"lindley-8123={cookie}".encode()}), 401)


def test_the_hash_of_a_cookie_is_no_cookie(ann, project):
    cookie = ann.cookies["lindley-8123"]
    assert project.store.find_person(hash_cookie(cookie)) == "ann"
    ann.cookies.clear()
    assert ann.get("/api/me", headers={"Cookie": f"lindley-8123={hash_cookie(cookie)}"}).status_code == 401
    assert cookie.encode() not in (project.folder / "project.db").read_bytes()


def test_a_new_cookie_takes_the_place_of_the_one_before(project):
    cookies = Cookies(project.store)
    first = cookies.give("ann")
    assert (cookies.recall(first), cookies.find_person(first), cookies.recall(first)) == (None, "ann", "ann")
    second = cookies.give("ann")
    assert (cookies.recall(first), cookies.find_person(first), cookies.find_person(second)) == (None, None, "ann")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("token", [None, "", "x", csrf_token("another cookie"), "é"])
def test_without_the_pages_token_nothing_changes(ann, token):
    del ann.headers["X-CSRF-Token"]
    headers = {} if token is None else {"X-CSRF-Token": token.encode()}
    for path in POSTS:
        assert_guarded(ann.post(path, json=LABEL, headers=headers), 403)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_calls_foreign_changes_nothing(ann, site):
    assert_guarded(ann.post("/api/events", json=LABEL, headers={"Sec-Fetch-Site": site}), 403)


def test_a_launch_link_lets_one_browser_in_once(stranger, links):
    link = links.links()["ann"]
    first = stranger.get(link)
    assert (first.status_code, first.headers["Location"]) == (303, "/")
    cookie = first.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "ann" not in links.links()
    again = stranger.get(link)  # the same browser
    assert (again.status_code, again.headers["Location"]) == (303, "/")
    assert "Set-Cookie" not in again.headers
    stranger.cookies.clear()
    for path in (link, "/launch?token=", "/launch"):
        refused = stranger.get(path)
        assert_guarded(refused, 403)
        assert refused.headers["Content-Type"].startswith("text/html")
        assert "start it again" in refused.text


def test_programs_are_refused_in_json_and_people_by_a_page(stranger):
    for path in ROUTES:
        refused = stranger.get(path)
        assert_guarded(refused, 401)
        if path.startswith("/api/"):
            assert "link" in refused.json()["detail"]
        else:
            assert refused.headers["Content-Type"].startswith("text/html")
            assert "link" in refused.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/items/../../etc/passwd",
        "/api/items/%2e%2e/%2e%2e/etc/passwd",
        "/api/items/%252e%252e%252fetc%252fpasswd/content",
        "/api/items/..%2f..%2fetc%2fpasswd/content",
        "/api/items/..%5c..%5cetc/content",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2fapp.py",
        "/static/..%5capp.py",
        "/static/%252e%252e%252fapp.py",
        "/static/static2/page.js",
        "/static//etc/passwd",
        "/static/app.js%00.css",
        "/api/items/40/content",
        "/api/items/99999999999999999999999999/content",
        "/api/items/-1/content",
        "/nothing",
    ],
)
def test_no_path_leads_out(ann, path):
    answer = ann.get(path)
    assert_guarded(answer, answer.status_code)
    assert answer.status_code == 404


def test_every_answer_carries_the_headers(ann):
    assert_guarded(ann.get("/"), 200)
    assert_guarded(ann.put("/api/next"), 405)
    assert_guarded(ann.post("/api/next", json={"n": "x"}), 422)
    assert_guarded(ann.post("/api/next", content=b"{", headers={"Content-Type": "application/json"}), 422)
    assert_guarded(ann.options("/api/next"), 405)


def test_an_error_of_our_own_carries_the_headers_and_says_nothing(ann, desk, monkeypatch):
    def fail(*_):
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(desk, "hand_out", fail)
    answer = ann.post("/api/next", json={"n": 1})
    assert_guarded(answer, 500)
    assert "secret" not in answer.text


@pytest.mark.usefixtures("unchanged")
def test_a_long_body_is_refused_with_its_length_and_without(ann):
    long = b'{"events": [' + b" " * (MAX_BODY + 1) + b"]}"
    typed = {"Content-Type": "application/json"}
    assert_guarded(ann.post("/api/events", content=long, headers=typed), 413)
    parts = (long[start : start + 65536] for start in range(0, len(long), 65536))
    assert_guarded(ann.post("/api/events", content=parts, headers=typed), 413)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999", "１"])
def test_a_length_that_is_none_is_refused(ann, length):
    headers = {"Content-Type": "application/json", "Content-Length": length.encode()}
    assert_guarded(ann.post("/api/events", content=b"{}", headers=headers), 413)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b'{"n": ' + b"9" * 10_000 + b"}", b'{"\\ud800": 1}', b"\xff", b"NaN", b""],
)
def test_json_that_nobody_sends_is_refused(ann, body):
    for path in POSTS[:-1]:
        answer = ann.post(path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500
        assert_guarded(answer, answer.status_code)


def test_a_reason_that_no_encoding_holds_is_still_an_answer():
    """A file's name may have bytes that are no text: Python writes them as halves of characters."""
    answer = refusal(404, "/data/\udcff.png cannot be read")
    assert json.loads(answer.body) == {"detail": "/data/\udcff.png cannot be read"}


@pytest.mark.usefixtures("unchanged")
def test_a_form_without_an_end_is_refused_unread(ann):
    """A multipart body is no JSON, however many parts it has, and the length of all is limited."""
    typed = {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n'
    for path in POSTS[:-1]:
        assert_guarded(ann.post(path, content=part * 100, headers=typed), 422)
        assert_guarded(ann.post(path, content=(part * 1000 for _ in range(1000)), headers=typed), 413)


def test_a_huge_range_is_ignored(ann):
    answer = ann.get("/static/app.js", headers={"Range": "bytes=" + ",".join("0-" for _ in range(5000))})
    assert_guarded(answer, 200)
    assert len(answer.content) < 100_000
