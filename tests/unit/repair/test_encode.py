"""One build under three names, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.repair.apply import apply_plan
from cxxrt_toolchain.repair.encode import NotEncodableError, index_file, plan_encoding, runtime_of
from cxxrt_toolchain.repair.options import Encoding
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PLAIN = "cp312-cp312-manylinux_2_28_x86_64"
_TAGGED = "cp312-cxxrt1_cu12_cp312-manylinux_2_28_x86_64"


def _record(runtime: str) -> dict[str, bytes]:
    return {"demo-1.0.dist-info/cxxrt.json": json.dumps({"runtime_abi": runtime}).encode()}


@pytest.fixture
def tagged(make_wheel: Callable[..., Path]) -> Path:
    """A wheel as the backend writes it with the encoding ``tag``."""
    files = {"demo/__init__.py": b"", **_record("cxxrt1_cu12")}
    return make_wheel(files, tags=[_TAGGED])


def _encode(source: Path, encoding: Encoding, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with Wheel.open(source) as wheel:
        return apply_plan(plan_encoding(wheel, encoding), wheel, folder)


def test_each_encoding_has_its_name(tagged: Path, tmp_path: Path) -> None:
    plain = _encode(tagged, Encoding.PLAIN, tmp_path / "out")
    variant = _encode(tagged, Encoding.VARIANT, tmp_path / "out")
    assert plain.name == f"demo-1.0-{_PLAIN}.whl"
    assert variant.name == f"demo-1.0-{_PLAIN}-cxxrt1_cu12.whl"
    with Wheel.open(variant) as wheel:
        document = json.loads(wheel.read("demo-1.0.dist-info/variant.json"))
        assert wheel.wheel_file.tags == (_PLAIN,)
    nvidia = {"cuda_version_lower_bound": ["12.0"]}
    assert document["variants"] == {"cxxrt1_cu12": {"cxxrt": {"abi": ["1"]}, "nvidia": nvidia}}


@pytest.mark.parametrize("by_way_of", [Encoding.PLAIN, Encoding.VARIANT])
def test_there_and_back_gives_the_same_bytes(
    tagged: Path, tmp_path: Path, by_way_of: Encoding
) -> None:
    canonical = _encode(tagged, Encoding.TAG, tmp_path / "same")
    there = _encode(canonical, by_way_of, tmp_path / "there")
    back = _encode(there, Encoding.TAG, tmp_path / "back")
    assert back.name == tagged.name
    assert back.read_bytes() == canonical.read_bytes() == tagged.read_bytes()


def test_a_name_alone_says_enough(make_wheel: Callable[..., Path]) -> None:
    with Wheel.open(make_wheel({}, tags=[_TAGGED])) as wheel:
        assert str(runtime_of(wheel)) == "cxxrt1_cu12"


def test_a_plain_wheel_of_someone_else_cannot_be_encoded(make_wheel: Callable[..., Path]) -> None:
    path = make_wheel({}, tags=[_PLAIN])
    with Wheel.open(path) as wheel:
        assert runtime_of(wheel) is None
        with pytest.raises(NotEncodableError, match="names no runtime ABI"):
            plan_encoding(wheel, Encoding.TAG)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (_record("cxxrt1_cu13"), "its name says cxxrt1_cu12, its cxxrt.json cxxrt1_cu13"),
        (_record("cxxrt0"), "no runtime ABI"),
        ({"demo-1.0.dist-info/cxxrt.json": b"[]"}, "cannot be read"),
        ({"demo-1.0.dist-info/cxxrt.json": b"\xff"}, "cannot be read"),
    ],
)
def test_a_record_that_contradicts_or_is_broken_is_refused(
    make_wheel: Callable[..., Path], record: dict[str, bytes], message: str
) -> None:
    path = make_wheel(record, tags=[_TAGGED])
    with Wheel.open(path) as wheel, pytest.raises(NotEncodableError, match=message):
        runtime_of(wheel)


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        (
            {"cxxrt1_cu12": {"cxxrt": {"abi": ["1"]}}},
            "differs in nvidia :: cuda_version_lower_bound :: 12.0",
        ),
        (
            {
                "cxxrt1_cu12": {
                    "cxxrt": {"abi": ["1"]},
                    "nvidia": {"cuda_version_lower_bound": ["12.0"]},
                    "x86_64": {"level": ["v4"]},
                }
            },
            "differs in x86_64 :: level :: v4, which an ABI tag cannot say",
        ),
        ({"other": {}}, "no properties of the variant"),
        ([], "no properties of the variant"),
    ],
)
def test_a_variant_whose_label_and_properties_disagree_is_refused(
    make_wheel: Callable[..., Path], tmp_path: Path, variants: object, message: str
) -> None:
    """M-4."""
    text = json.dumps({"variants": variants}).encode()
    plain = make_wheel({"demo-1.0.dist-info/variant.json": text}, tags=[_PLAIN])
    path = plain.rename(plain.with_name(f"demo-1.0-{_PLAIN}-cxxrt1_cu12.whl"))
    with Wheel.open(path) as wheel, pytest.raises(InputError, match=message):
        plan_encoding(wheel, Encoding.TAG)


def test_a_wheel_with_a_plain_abi_beside_a_tagged_one_has_no_variant(
    make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    """G-4."""
    path = make_wheel({}, tags=["cp312-cp312.cxxrt1_cp312-manylinux_2_28_x86_64"])
    with Wheel.open(path) as wheel, pytest.raises(InputError, match="not every ABI"):
        plan_encoding(wheel, Encoding.VARIANT)


def test_a_wheel_that_was_renamed_gets_the_tag_lines_of_its_name(
    make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    """What rule T6 advises."""
    plain = make_wheel(_record("cxxrt1_cu12"), tags=[_PLAIN])
    renamed = _encode(
        plain.rename(plain.with_name(f"demo-1.0-{_TAGGED}.whl")), Encoding.TAG, tmp_path / "out"
    )
    with Wheel.open(renamed) as wheel:
        assert wheel.wheel_file.tags == (_TAGGED,)


@pytest.mark.parametrize("label", ["", "-cxxrt1_cu12"])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_wheel_with_both_spellings_gets_one(
    make_wheel: Callable[..., Path], tmp_path: Path, label: str, encoding: Encoding
) -> None:
    """What rule T5 advises."""
    files = {"demo-1.0.dist-info/variant.json": b"{}"}
    made = make_wheel(files, tags=[_TAGGED])
    path = made.rename(made.with_name(f"demo-1.0-{_TAGGED}{label}.whl"))
    with Wheel.open(_encode(path, encoding, tmp_path / "out")) as wheel:
        assert (wheel.name.label is not None) == (encoding is Encoding.VARIANT)
        assert any("cxxrt" in abi for abi in wheel.name.abi) == (encoding is Encoding.TAG)
        assert ("demo-1.0.dist-info/variant.json" in wheel) == (encoding is Encoding.VARIANT)


@pytest.mark.parametrize("label", ["x86_64_v3", "cxxrt1", "cxxrt1_cu12x"])
def test_a_label_that_says_other_things_is_refused(
    make_wheel: Callable[..., Path], tmp_path: Path, label: str
) -> None:
    """A new name would lose what the label says."""
    made = make_wheel({}, tags=[_TAGGED])
    path = made.rename(made.with_name(f"demo-1.0-{_TAGGED}-{label}.whl"))
    with Wheel.open(path) as wheel, pytest.raises(InputError, match=f"the label {label} says"):
        plan_encoding(wheel, Encoding.PLAIN)


def test_the_index_level_file_has_all_variants_of_a_release() -> None:
    names = [f"Demo-1.0-{_PLAIN}-{label}.whl" for label in ("cxxrt1", "cxxrt1_cu12")]
    found = index_file([*names, f"Demo-1.0-{_TAGGED}.whl", f"Demo-1.0-{_PLAIN}-x86_64_v3.whl"])
    assert found is not None
    assert found[0] == "demo-1.0-variants.json"
    assert list(json.loads(found[1])["variants"]) == ["cxxrt1", "cxxrt1_cu12"]
    assert index_file([f"Demo-1.0-{_TAGGED}.whl"]) is None
