"""The machine-readable cxxrt ABI tag specification: JSON data, schemas and vectors; no code."""

SPEC_VERSION = "1.0.dev0"
