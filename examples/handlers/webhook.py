#!/usr/bin/env python3
"""Delivers a webhook: posts the payload's `body` as JSON to its `url`.

A delivery that fails for a reason that may pass (no connection, 408, 429, 5xx) fails the job, and jobd tries it again
as often as `max_attempts` says. The receiver can tell a repeated delivery by its Idempotency-Key.
"""
import json
import os
import sys
import urllib.error
import urllib.request

payload = json.load(sys.stdin)["payload"]
request = urllib.request.Request(
    payload["url"],
    data=json.dumps(payload["body"]).encode(),
    headers={
        "Content-Type": "application/json",
        "User-Agent": os.environ["USER_AGENT"],
        "Idempotency-Key": f"job-{os.environ['JOB_ID']}",
    },
)
try:
    with urllib.request.urlopen(request, timeout=20) as answer:
        json.dump({"status": answer.status, "answer": answer.read(10_000).decode(errors="replace")}, sys.stdout)
except urllib.error.HTTPError as e:
    if e.code in (408, 429) or e.code >= 500:
        sys.exit(f"{payload['url']} answered {e.code}")
    # Trying again would not help: the job is done, and its result says how it went.
    json.dump({"status": e.code, "answer": e.read(10_000).decode(errors="replace")}, sys.stdout)
except urllib.error.URLError as e:
    sys.exit(f"{payload['url']} cannot be reached: {e.reason}")
