"""How the last requests were answered, from the access lines of a service's log."""

from __future__ import annotations

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.last_request import LastRequests, last_requests
from jupyter_mldeploy.evidence import Evidence


def line(time: str, status: int, name: str, path: str = "/score") -> str:
    return f"2026-03-01 {time} I [7] access [{name}] - POST {path} {status} 1.000ms 8"


def test_nobody_has_asked() -> None:
    assert last_requests("") == LastRequests()
    assert last_requests(line("10:00:00,000", 200, "health", "/")).status is None


def test_the_last_one_counts() -> None:
    log = "\n".join(
        [line("10:00:00,000", 502, "a"), "a line between", line("10:00:01,000", 200, "b", "/prefix/score?x=1")]
    )
    assert last_requests(log) == LastRequests(200, "b", 2, 0)


def test_logs_of_several_replicas_follow_one_another() -> None:
    first, second = line("10:00:05,000", 500, "late"), line("10:00:01,000", 200, "early")
    assert last_requests(f"iris/1 {first}\niris/2 {second}").request_id == "late"


def test_most_of_the_recent_ones_were_refused() -> None:
    lines = [line("10:00:00,000", 503, str(i)) for i in range(3)] + [line("10:00:01,000", 200, "served")]
    assert last_requests("\n".join(lines)) == LastRequests(503, "served", 4, 3)
    later = [*lines, line("10:05:00,000", 200, "later")]
    assert last_requests("\n".join(later)) == LastRequests(200, "later", 1, 0)


def test_the_time_out_that_was_exceeded_is_named() -> None:
    body = '{"message": "Scoring timeout after 3000 ms"}'
    told = diagnose(Evidence(stage="run", target="local", service="adder", http_status=504, http_body=body))
    assert told.cause == "http-504-timeout"
    assert "(3 s)" in told.what
