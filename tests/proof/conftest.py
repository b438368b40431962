"""Puts the proof's package on the path; its tests import nothing else from here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
