"""What a job runs on, by name."""

import platform
import re
from pathlib import Path


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return model.group(1) if model else platform.processor() or platform.machine()


def trainer(device: str) -> str:
    """The name of what trains: the processor, or with `cuda` the GPU; empty where torch has none.

    Args:
        device: `cpu` or `cuda`.
    """
    if device != "cuda":
        return processor()
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""
