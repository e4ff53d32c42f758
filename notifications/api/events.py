"""The OpenAPI document's description of what webhooks are sent."""

from typing import Any

from drf_spectacular.utils import OpenApiWebhook

SIGNED = {
    "webhook-id": "Stays the same however often the message is tried: drop what you have seen.",
    "webhook-timestamp": "Seconds since 1970 (UTC) of this attempt. Refuse messages that are minutes old.",
    "webhook-signature": "“v1,” and the base64 of HMAC-SHA256 over “id.timestamp.body” with the base64-decoded secret "
    "after “whsec_”. Two of them, parted by a blank, while a secret is being replaced: one that fits is enough.",
}
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["type", "timestamp", "data"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Code of the most severe scenario that applies (see the scenarios); “test” in a test.",
        },
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
        "data": {
            "type": "object",
            "required": ["scenarios", "company", "test", "about", "source", "subject", "text", "facts"],
            "properties": {
                "scenarios": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "All subscribed scenarios that apply, the most severe first. Empty in a test.",
                },
                "company": {"type": "string", "description": "Code of the company."},
                "test": {"type": "boolean", "description": "True: somebody tries the webhook out."},
                "about": {
                    "type": ["string", "null"],
                    "description": "Kind and reference: “entry:” and its id, “package:” and its id, …",
                },
                "source": {
                    "type": ["string", "null"],
                    "description": "The run: “log_entry:” and its number, “package_run:” and its number, …",
                },
                "subject": {"type": "string"},
                "text": {"type": "string", "description": "The same in words, for people."},
                "facts": {
                    "type": "object",
                    "additionalProperties": True,
                    "description": "What is known, by name, such as name, entry_no, job, error, attempts, due_at, "
                    "started_at, ended_at; of packages outcome, run_number and lines. Names are only added.",
                },
            },
        },
    },
}
EXAMPLE = {
    "type": "entry_error",
    "timestamp": "2026-11-20T06:15:02.120000+00:00",
    "data": {
        "scenarios": ["entry_error"],
        "company": "main",
        "test": False,
        "about": "entry:0b6b7a3c-5f0e-4f0e-9a55-6a1f4f5f3c11",
        "source": "log_entry:4711",
        "subject": "[Jobwarden] Job queue entry Fetch exchange rates: Error",
        "text": "Error: Fetch exchange rates …",
        "facts": {
            "name": "Fetch exchange rates",
            "entry_no": 12,
            "attempts": 3,
            "error": "The bank is closed.",
        },
    },
}
DESCRIPTION = (
    "Posted to the address of every webhook that subscribes to one of the scenarios. Answer 2xx within 15 seconds and "
    "do the work afterwards. 4xx (but 408, 423, 425 and 429) and permanent redirects fail for good; everything else is "
    "tried again with growing pauses, and Retry-After is respected. No redirect is followed. Signed as Standard "
    "Webhooks asks: verify it with the secret that creating the webhook answered."
)
POSTED: dict[str, Any] = {
    "summary": "Something happened",
    "description": DESCRIPTION,
    "tags": ["webhooks"],
    "security": [],
    "parameters": [
        {"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": words}
        for name, words in SIGNED.items()
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": EVENT, "examples": {"failed": {"value": EXAMPLE}}}},
    },
    "responses": {"2XX": {"description": "Taken. The body is not read."}},
}
WEBHOOKS = [OpenApiWebhook("event", {"post": POSTED})]
