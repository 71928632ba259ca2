"""What the CPU can compute."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


@cache
def has_amx() -> bool:
    """True if the CPU multiplies matrices in hardware (Intel AMX); False where Linux says nothing.

    Source: the flag `amx_tile` of /proc/cpuinfo (Linux, arch/x86/include/asm/cpufeatures.h).
    """
    try:
        return re.search(r"\bamx_tile\b", CPUINFO.read_text()) is not None
    except OSError:
        return False
