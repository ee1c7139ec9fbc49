"""The folder of a hub model, found in the Hugging Face cache or fetched into it: a program, run apart by encoder_hub.

It imports nothing of ours, and no process of ours imports the hub's library for it: whether that may use a network is
fixed when it is first imported, and in a process that encodes it must not.
"""

import json
import sys

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.constants import is_offline_mode

# Copies of the model for other runtimes.
_NOT_NEEDED = ("onnx/*", "openvino/*", "*.onnx", "*.ot", "*.h5", "*.msgpack", "*.tflite")


def snapshot(name: str, timeout_s: float) -> str:
    """The folder of `name`; any error of the library, the first within `timeout_s` or little more."""
    if not is_offline_mode():
        # Fetching itself waits for ever for a hub that accepts the connection and does not answer.
        HfApi().repo_info(name, timeout=timeout_s)
    return snapshot_download(name, ignore_patterns=list(_NOT_NEEDED))


if __name__ == "__main__":
    try:
        print(json.dumps({"folder": snapshot(sys.argv[1], float(sys.argv[2]))}))
    # The library fails in its own ways and in those of its HTTP client; the words go into a message of ours.
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}))
