"""What every generated Python client does once against a running service."""

import os
from dataclasses import dataclass
from typing import Any

URL = os.environ["TASK_API_URL"]
TOKEN = os.environ["TASK_API_TOKEN"]
# An id that has to be percent-encoded in a path.
USER = os.environ["TASK_API_USER"]


@dataclass
class Refusal:
    """An answer that is no success."""

    status: int
    body: Any


def expect(found, expected):
    """Fails unless these are equal."""
    assert found == expected, f"{found!r} is not {expected!r}"


def tour(client):
    """Calls every operation of a task."""
    created = client.create("buy milk")
    expect((created.title, created.user_id, created.version, created.description), ("buy milk", USER, 1, None))

    listed = client.list(1)
    expect((listed.count, [task.id for task in listed.tasks]), (1, [created.id]))

    completed = client.complete(created.id, '"1"')
    expect((completed.completed, completed.version), (True, 2))

    late = client.complete(created.id, '"1"')
    expect((late.status, late.body.error, late.body.current.version), (412, "precondition_failed", 2))

    updated = client.update(created.id, "two bottles")
    expect(updated.description, "two bottles")

    cleared = client.clear(created.id)
    expect((cleared.description, cleared.version), (None, 4))

    expect(client.remove(created.id).message, "Task deleted")

    gone = client.show(created.id)
    expect((gone.status, gone.body.error), (404, "not_found"))
