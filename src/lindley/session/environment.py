"""The environment of a trial: where it is equal, bits on a CPU are promised equal."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from lindley.session.manifest import Manifest

_CODE = (
    "contracts/**/*.py",
    "torch_state.py",
    "seeds.py",
    "noise.py",
    *(
        f"{name}/**/*.py"
        for name in (
            "information",
            "acquisition",
            "posteriors",
            "networks",
            "pools",
            "datasets",
            "measures",
            "session",
        )
    ),
    "study/observers/**/*.py",
    "study/running/assembler.py",
    "study/running/trial_data.py",
    "study/running/learners.py",
)
"""The sources that can change a result."""


def environment(*, device: str, threads: int) -> Manifest:
    """Return versions, code, device, threads, platform and CPU, for a manifest."""
    packages = ("lindley", "torch", "numpy", "scikit-learn", "scipy")
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    return {
        "versions": versions,
        "code": code_sha256(),
        "device": _device_name(device),
        "threads": threads,
        "platform": f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "cpu": cpu_name(),
    }


@cache
def code_sha256() -> str:
    """Return the sha256 of lindley's own sources that can change a result: code changes while a version stays."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted({path.relative_to(package).as_posix() for pattern in _CODE for path in package.glob(pattern)}):
        content = (package / path).read_bytes()
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def cpu_name() -> str | None:
    """Return the processor's model and its bfloat16 instructions; None where the system does not name them.

    Kernels of one instruction set still differ between processors, those of bfloat16 most.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor() or None
    entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = entries.get("flags", entries.get("Features", "")).split()
    numbers = [f"{key} {entries[key]}" for key in ("cpu family", "model", "stepping", "CPU part") if key in entries]
    parts = [entries.get("model name", ""), *numbers, *sorted(flag for flag in flags if "bf16" in flag)]
    return ", ".join(part for part in parts if part) or None


def _device_name(device: str) -> str:
    kind = torch.device(device)
    return f"{device} ({torch.cuda.get_device_name(kind)})" if kind.type == "cuda" else device
