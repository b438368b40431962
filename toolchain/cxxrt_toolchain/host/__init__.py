"""An environment to its supported tags, best first."""
