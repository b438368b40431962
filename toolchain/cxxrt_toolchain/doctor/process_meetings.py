"""What is loaded in a process -> where objects with a runtime or a string of their own meet others.

In: its libraries, what they need, and the traces that were kept of their files, as text. Out:
`Meetings`. In most processes `may_meet` says that there is nothing to look at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cxxrt_toolchain.doctor.encoding import decode_traces, encode_traces
from cxxrt_toolchain.doctor.meetings import Meetings, Part, meet
from cxxrt_toolchain.doctor.traces import NO_TRACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cxxrt_toolchain.doctor.answers import Answers
    from cxxrt_toolchain.doctor.diagnosis import Library
    from cxxrt_toolchain.doctor.traces import Traces


def traces_text(traces: Traces) -> str:
    """One line without tabs; empty where there are none, and the same for most C++ objects."""
    row = encode_traces(traces)
    return json.dumps(row, separators=(",", ":")) if row else ""


def may_meet(texts: Iterable[str]) -> bool:
    """Whether there is an object that others had better not meet.

    Args:
        texts: `traces_text` of all that is loaded.
    """
    return any(each.hidden or each.is_particular for each in map(_traces, texts))


def _traces(text: str) -> Traces:
    return decode_traces(json.loads(text)) if text else NO_TRACES


def meetings_of(
    libraries: Iterable[Library],
    needed: Mapping[str, tuple[str, ...]],
    texts: Mapping[str, str],
    root: str,
    answers: Answers,
) -> Meetings:
    """Who meets whom.

    Args:
        libraries: All that is loaded, in load order where it is known.
        needed: ``DT_NEEDED`` by path.
        texts: `traces_text` by path, of those whose file can be read.
        root: What stands before a path of the process, here.
        answers: What their files answered before.
    """
    known = {text: _traces(text) for text in set(texts.values())}
    parts = (
        Part(
            path=each.path,
            place=root + each.path,
            name=each.soname,
            owner=each.package or each.path.rpartition("/")[0],
            needed=needed.get(each.path, ()),
            traces=known[texts[each.path]],
        )
        for each in libraries
        if each.path in texts and each.family is None
    )
    met = meet(parts, answers)
    answers.save()
    return met
