"""Puts this folder's own modules on the path: golden cases are also run without pytest."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
