"""Has a change moved the weights of any method? A hash of each on the toy request, as JSON.

python bench/weights.py before.json       # on the one commit
python bench/weights.py after.json        # on the other, on the same machine
diff before.json after.json
"""

import hashlib
import json
import sys
from pathlib import Path

import torch

import kit
from kit.methods.toy import Case, toy_feature_original, toy_mixed, toy_original, toy_retrained


def digest(model: torch.nn.Module) -> str:
    """Hash of all weights and buffers, to the last bit."""
    found = hashlib.sha256()
    for name, value in model.state_dict().items():
        found.update(name.encode())
        found.update(value.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def main(target: str) -> None:
    torch.set_num_threads(1)  # the sums of several threads may differ in the last bit
    networks = {"original": toy_original, "retrained": toy_retrained,
                "feature_original": toy_feature_original, "mixed": toy_mixed}  # fmt: skip
    found = {name: digest(make()) for name, make in networks.items()}
    found |= {name: digest(Case(name).outcome.model) for name in kit.methods.names()}
    Path(target).write_text(json.dumps(found, indent=1) + "\n")
    print(f"{len(found)} hashes in {target}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python bench/weights.py FILE.json")
    main(sys.argv[1])
