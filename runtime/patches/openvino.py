"""`ov`: OpenVINO, imported without its telemetry. Import it from here and nowhere else.

`import openvino` by itself sends an "import" event to Google Analytics and writes a client id to
~/intel (openvino/tools/ovc/__init__.py, seen in 2026.4). Its documented opt-out is a file in the
home folder. Where its telemetry package is missing it uses a stub that does nothing, and so does
nncf: to them it is missing here.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))

import openvino as ov  # noqa: E402

__all__ = ["ov"]
