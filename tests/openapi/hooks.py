"""What schemathesis must know of this API besides its description."""

import itertools
import json
import os

import requests
import schemathesis


@schemathesis.deserializer("text/event-stream")
def frames(_context, response):
    """The JSON on the `data:` line of every frame: that is what the description describes.

    A frame that is not as the contract has it fails here: one `data:` line, a name at most, an empty
    line behind it.
    """
    values = []
    for frame in response.content.decode("utf-8").split("\n\n"):
        lines = [line for line in frame.split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        names = [line for line in lines if line.startswith("event: ")]
        data = [line for line in lines if line.startswith("data: ")]
        if len(data) != 1 or len(names) > 1 or len(names) + len(data) != len(lines):
            raise ValueError(f"this is no frame: {frame!r}")
        values.append(json.loads(data[0].removeprefix("data: ")))
    if not values:
        raise ValueError("the stream has no frame")
    return values


# A program of each language, and a test that fails and one that passes.
PROGRAMS = {
    "python": ("def twice(x):\n    return 2 * x\n", "def test_it():\n    assert twice(2) == {}\n"),
    "javascript": (
        "const twice = (x) => 2 * x;\n",
        "test('it', () => expect(twice(2)).toBe({}));\n",
    ),
    "typescript": (
        "const twice = (x: number): number => 2 * x;\n",
        "test('it', () => expect(twice(2)).toBe({}));\n",
    ),
    "java": (
        "class Twice { static int of(int x) { return 2 * x; } }\n",
        "import org.junit.jupiter.api.Test;\nimport static org.junit.jupiter.api.Assertions.*;\n"
        "class TwiceTest { @Test void it() { assertEquals({}, Twice.of(2)); } }\n",
    ),
}

_made = itertools.count(1)


@schemathesis.hook.apply_to(path_regex="generate|execution")
def map_body(_context, body):
    """Of texts that fit the schema, turns every other one into a program.

    A schema can't say what is valid in a language, so that nothing would ever be generated or run. A
    Turnstile token is good for one request; each gets one of its own.
    """
    if not isinstance(body, dict):
        return body
    language = body.get("language")
    source, tests = PROGRAMS.get(language.lower() if isinstance(language, str) else "", (None, None))
    number = next(_made)
    if source is not None and number % 2:
        for name, shortest, text in [
            ("input_code", 10, source),
            ("code", 1, source),
            ("test_code", 1, tests.replace("{}", str(number % 5))),
        ]:
            value = body.get(name)
            if isinstance(value, str) and shortest <= len(value) <= 100_000:
                body = {**body, name: text}
        # Nor which models are offered.
        if isinstance(body.get("model"), str):
            body = {**body, "model": None}
    if isinstance(body.get("turnstile_token"), str):
        body = {**body, "turnstile_token": f"{body['turnstile_token'][:100]}-{number}"}
    return body


@schemathesis.hook.apply_to(path="/api/history/{id}")
def map_path_parameters(_context, path_parameters):
    """Every other request that names a stored generation names one that is there."""
    number = next(_made)
    if number % 2 and path_parameters:
        return {**path_parameters, "id": stored_generation(number)}
    return path_parameters


def stored_generation(number):
    """Has tests written, and gives the id that they are stored under."""
    answer = requests.post(
        os.environ["TESTER_URL"] + "/api/generate",
        headers={"Authorization": "Bearer " + os.environ["TESTER_ACCESS_TOKEN"]},
        json={
            "language": "python",
            "input_code": PROGRAMS["python"][0] + f"# {number}\n",
            "turnstile_token": f"stored-{os.getpid()}-{number}",
        },
        timeout=60,
    )
    answer.raise_for_status()
    return frames(None, answer)[-1]["history_id"]
