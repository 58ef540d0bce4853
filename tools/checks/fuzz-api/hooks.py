"""What the OpenAPI document cannot say about one run of schemathesis."""

import os
import re

import schemathesis

USER = os.environ["TASK_API_USER"]
TITLE_MAX = 200
DESCRIPTION_MAX = 10_000
REJECTED_VALID = "ST202"
ACCEPTED_INVALID = "ST201"
TAGS = re.compile(r'\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*')
# Refusals of well-formed requests, for what only the service knows.
OF_THE_STATE = {"invalid_cursor", "precondition_failed", "idempotency_in_progress", "idempotency_mismatch"}

# Unicode's White_Space. Python's strip() takes U+001C to U+001F as well, which are none.
WHITE_SPACE = "".join(
    map(chr, [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A token opens the tasks of its own user only, so for this run that user is the only valid one.

    Others are still tried, as invalid values, and must be refused.
    """
    for item in raw_schema["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "user_id":
                    parameter["schema"] = {"type": "string", "enum": [USER]}
                    parameter["example"] = USER


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Judges a request by the contract where JSON Schema cannot: it measures a title before it is trimmed, knows no
    U+0000, does not see that a member that is null is left out, and cannot know which cursors, versions and keys there
    are. Every other check of these answers counts as always.
    """
    if failure.code == REJECTED_VALID:
        return error_code(response) not in OF_THE_STATE and has_valid_headers(case) and is_valid(case)
    if failure.code == ACCEPTED_INVALID and isinstance(case.body, dict):
        title = case.body.get("title")
        only_untrimmed = isinstance(title, str) and len(title) > TITLE_MAX and is_valid(case)
        return not only_untrimmed
    return True


def error_code(response):
    """The code of an error, or None."""
    try:
        return response.json().get("error")
    except ValueError:
        return None


def has_valid_headers(case):
    """Whether the conditions match the document's own pattern, which schemathesis does not always heed."""
    headers = {name.lower(): value for name, value in (case.headers or {}).items()}
    conditions = [headers[name] for name in ("if-match", "if-none-match") if name in headers]
    return all(TAGS.fullmatch(value) for value in conditions)


def is_valid(case):
    """Whether the contract takes the body of this request; one that is no object is judged by the schema alone."""
    body = case.body
    if not isinstance(body, dict):
        return True
    if case.path.endswith("/complete"):
        return body.keys() == {"completed"} and isinstance(body["completed"], bool)
    if case.method.upper() == "PATCH":
        members = dict(body)
        if members.get("description", "") is None:
            del members["description"]
        if not isinstance(members.pop("completed", False), bool):
            return False
        return are_texts(members)
    members = {name: value for name, value in body.items() if value is not None}
    return bool(members) and are_texts(members)


def are_texts(members):
    """Whether these are a title and a description that the contract takes, or one of them, or none."""
    if not members.keys() <= {"title", "description"}:
        return False
    if not all(isinstance(value, str) and "\0" not in value for value in members.values()):
        return False
    title, description = members.get("title", "x"), members.get("description", "")
    return 1 <= len(title.strip(WHITE_SPACE)) <= TITLE_MAX and len(description) <= DESCRIPTION_MAX
