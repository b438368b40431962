"""A ``.whl`` as an archive; knows no ELF."""
