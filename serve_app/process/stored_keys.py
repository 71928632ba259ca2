"""The API key of the command line: from the environment, `paperworks login`, or the home folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from runtime.private_files import private_folder, write_private
from runtime.service_info import read_service_info
from serve_app.process.address import home_of
from stores.local_key import LOCAL_KEY, read_local_key

KEY_VARIABLE = "PAPERWORKS_KEY"


def key_for(url: str, home: Path | None, environment: Mapping[str, str]) -> str | None:
    """Returns the first of PAPERWORKS_KEY, the key of `paperworks login` for this URL, and the key
    in the home folder if the service that runs there has this URL; None if there is none.

    A stored key is sent to no other URL.
    """
    if key := environment.get(KEY_VARIABLE):
        return key
    if key := read_keys(environment).get(_normal(url)):
        return key
    folder = home_of(home, environment)
    if _normal(str(read_service_info(folder).get("url"))) == _normal(url):
        return read_local_key(folder / LOCAL_KEY)
    return None


def store_key(url: str, key: str, environment: Mapping[str, str]) -> Path:
    """Stores the key for this URL in a file of mode 0600; returns its path."""
    path = keys_file(environment)
    private_folder(path.parent)
    keys = {**read_keys(environment), _normal(url): key}
    write_private(path, json.dumps(keys, indent=1))
    return path


def forget_key(url: str, environment: Mapping[str, str]) -> bool:
    """Removes the key for this URL from the file; False if there was none."""
    keys = read_keys(environment)
    if keys.pop(_normal(url), None) is None:
        return False
    write_private(keys_file(environment), json.dumps(keys, indent=1))
    return True


def read_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the stored keys by URL."""
    try:
        found = json.loads(keys_file(environment).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keys_file(environment: Mapping[str, str]) -> Path:
    """Returns the file of the stored keys, in the config folder of the user (XDG)."""
    folder = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(folder) / "paperworks" / "keys.json"


def _normal(url: str) -> str:
    return url.rstrip("/").lower()
