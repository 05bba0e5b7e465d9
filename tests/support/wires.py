"""How each wire spells a refusal."""

import requests


def arm(answer: requests.Response) -> str:
    """`{"error":{"code","message"}}`; gives the code."""
    return _coded(answer)


def graph(answer: requests.Response) -> str:
    """`{"error":{"code","message","innerError"}}`; gives the code."""
    error = answer.json()["error"]
    assert "innerError" in error, f"a Graph error carries `innerError`: {error}"
    return _coded(answer)


def oauth(answer: requests.Response) -> str:
    """`{"error","error_description","error_codes",…}`; gives the number of the code."""
    body = answer.json()
    assert isinstance(body["error"], str) and body["error_description"].startswith("AADSTS"), body
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys(), body
    return str(body["error_codes"][0])


def page(answer: requests.Response) -> str:
    """A page for people, with nothing of ours and nothing of theirs in it."""
    assert "text/html" in answer.headers["Content-Type"], answer.headers
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "data-testid=" in answer.text and "<h1" in answer.text
    return "page"


def _coded(answer: requests.Response) -> str:
    assert answer.headers.get("Content-Type", "").startswith("application/json"), f"{answer.headers} {answer.text[:300]}"
    error = answer.json()["error"]
    assert error["code"] and error["message"], error
    return error["code"]


def silent(answer: requests.Response) -> None:
    """What no answer may carry, whatever was asked: traces of our inside."""
    text = answer.text.lower()
    for word in ("panicked", "backtrace", "sqlx", "sqlite", "/src/", ".rs:", "stack trace"):
        assert word not in text, f"the answer says `{word}`: {answer.text[:500]}"
