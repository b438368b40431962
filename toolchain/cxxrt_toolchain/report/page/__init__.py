"""A `Diagnosis` as one self-contained page: ``cxxrt doctor --html FILE``."""
