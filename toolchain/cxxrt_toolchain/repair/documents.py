"""A repair plan as a JSON document, as ``plan.schema.json`` in the specification says."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxxrt_toolchain.repair.edits import Edit
    from cxxrt_toolchain.repair.plan import RepairPlan
    from cxxrt_toolchain.rules.rule import Finding

SCHEMA = 1


def plan_document(plan: RepairPlan) -> dict[str, Any]:
    """``plan.schema.json``."""
    return {
        "schema": SCHEMA,
        "source": plan.source,
        "result": plan.result,
        "possible": plan.possible,
        "edits": [_edit(edit) for edit in plan.edits],
        "refusals": [_refusal(refusal) for refusal in plan.refusals],
        "notes": list(plan.notes),
    }


def _refusal(refusal: Finding) -> dict[str, Any]:
    return {
        "rule": refusal.rule,
        "member": refusal.member,
        "reason": refusal.reason,
        "advice": refusal.unrepairable,
    }


def _edit(edit: Edit) -> dict[str, Any]:
    """The edit's fields, with its kind in front: ``ReplaceNeeded`` is ``replace-needed``."""
    kind = re.sub(r"(?<=.)(?=[A-Z])", "-", type(edit).__name__).lower()
    return {"edit": kind, **asdict(edit)}
