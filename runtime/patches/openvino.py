"""`ov`: OpenVINO without its telemetry. Patches openvino 2026.4 and nncf 3.4.

Import `ov` only from here. `sys.modules["openvino_telemetry"]` is set to None, so that both
libraries treat the telemetry package as not installed and use a stub that does nothing.

Reason: `import openvino` sends an "import" event to Google Analytics and writes a client id to
~/intel (openvino/tools/ovc/__init__.py). The documented opt-out is a file in the home folder.

Check on upgrade: openvino/tools/ovc/telemetry_utils.py and nncf/telemetry/wrapper.py still accept
an ImportError of `openvino_telemetry`, and no other module sends events.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))

import openvino as ov  # noqa: E402

__all__ = ["ov"]
