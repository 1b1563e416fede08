"""Repairs a picture through a model server's REST interface; needs Python alone.

    python client_rest.py photo.jpg mask.png repaired.png [--url http://localhost:8501] [--model inpaint]

White in the mask is repaired. PNG and JPEG are understood; the result is a PNG.
"""

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request


def repair(photo: bytes, mask: bytes, *, url: str, model: str, timeout: float = 60.0) -> bytes:
    """Returns the repaired picture's PNG file; raises `RuntimeError` with the server's own words."""
    files = {"image_bytes": photo, "mask_bytes": mask}
    row = {key: {"b64": base64.b64encode(data).decode("ascii")} for key, data in files.items()}
    body = json.dumps({"instances": [row]}).encode("ascii")
    request = urllib.request.Request(f"{url}/v1/models/{model}:predict", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return base64.b64decode(json.load(answer)["predictions"][0]["b64"])
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["error"]) from error


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("mask")
    parser.add_argument("output")
    parser.add_argument("--url", default="http://localhost:8501")
    parser.add_argument("--model", default="inpaint")
    args = parser.parse_args(argv)
    with open(args.photo, "rb") as photo, open(args.mask, "rb") as mask:
        files = photo.read(), mask.read()
    try:
        result = repair(*files, url=args.url, model=args.model)
    except (RuntimeError, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    with open(args.output, "wb") as output:
        output.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
