"""OpenAI's own client at the same address: nothing of ours is imported here."""

import os
from base64 import b64decode
from pathlib import Path

from openai import OpenAI

URL = os.environ.get("FRIENDLI_BASE_URL", "http://localhost:8000")


def main() -> None:
    client = OpenAI(base_url=f"{URL}/v1", api_key=os.environ.get("FRIENDLI_TOKEN", "none"))
    answer = client.images.generate(
        model="gpt-image-1",  # the server's base model answers to such names
        prompt="A white lighthouse on a cliff by the sea",
        output_format="jpeg",
        extra_body={"num_inference_steps": 10, "seed": 5},
    )
    assert answer.data is not None
    path = Path("lighthouse.jpg")
    path.write_bytes(b64decode(answer.data[0].b64_json or ""))
    print(path)


if __name__ == "__main__":
    main()
