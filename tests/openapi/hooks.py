"""What schemathesis must know of this API besides its description."""

import json

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
