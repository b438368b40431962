"""What the loader says of files, as glibc 2.36 writes it."""

from __future__ import annotations

from cxxrt_toolchain.facts.imports.run import Event, Kind, last_object, parse_trace

TEXT = """\
      9987:\t
      9987:\tfile=libffi.so.8 [0];  needed by /py/_ctypes.so [0]
      9987:\tfile=libffi.so.8 [0];  generating link map
      9987:\t  dynamic: 0x00007f1cc78fddb8  base: 0x00007f1cc78f3000   size: 0x000000000000b668
      9987:\t    entry: 0x00007f1cc78f3000  phdr: 0x00007f1cc78f3040  phnum:                  9
      9987:\tfile=/py/_ctypes.so [0];  needed by /lib/libstdc++.so.6 [0] (relocation dependency)
      9987:\tcalling init: /lib/x86_64-linux-gnu/libffi.so.8
      9987:\tfile=/site/a b/core.so [0];  dynamically loaded by /py/libpython3.12.so.1.0 [0]
      9987:\tfile=/site/a b/core.so [0];  generating link map
      9987:\topening file=/site/a b/core.so [0]; direct_opencount=1
      9987:\tcalling init: /site/a b/core.so
      9987:\tcalling fini: /site/a b/core.so [0]
"""


def test_events_in_their_order() -> None:
    assert parse_trace(TEXT) == (
        Event(Kind.NEEDED, "libffi.so.8", "/py/_ctypes.so"),
        Event(Kind.MAPPED, "libffi.so.8", ""),
        Event(Kind.STARTED, "/lib/x86_64-linux-gnu/libffi.so.8", ""),
        Event(Kind.OPENED, "/site/a b/core.so", "/py/libpython3.12.so.1.0"),
        Event(Kind.MAPPED, "/site/a b/core.so", ""),
        Event(Kind.STARTED, "/site/a b/core.so", ""),
    )


def test_the_last_object_is_the_one_whose_constructors_ran() -> None:
    events = parse_trace(TEXT)
    assert last_object(events) == "/site/a b/core.so"
    assert last_object(events[:2]) == "libffi.so.8"
    assert last_object(()) == ""


def test_other_texts_say_nothing() -> None:
    assert parse_trace("symbol=x;  lookup in file=y [0]\nfoo\n\n") == ()
