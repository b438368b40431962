"""Load every package into one process, compute with each, and say what is mapped.

Runs in the environment under test, which has no pytest: prints one JSON object.
"""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

os.environ["NUMBA_THREADING_LAYER"] = "omp"

import cumm.core_cc
import faiss
import imagecodecs
import lightgbm
import numba
import numpy as np
import scipy.linalg
import scipy.spatial
import sentencepiece
import skimage.segmentation
import spconv.core_cc
import xgboost
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier

_FAMILY = re.compile(
    r"(libstdc\+\+|libgcc_s|libgomp|libquadmath|libgfortran|libcudart|libatomic)[-.]"
)


@numba.njit(parallel=True)  # type: ignore[untyped-decorator]  # numba has none
def total(values: np.ndarray) -> float:
    result = 0.0
    for index in numba.prange(values.shape[0]):
        result += values[index]
    return result


def image_sums() -> dict[str, int]:
    picture = (np.arange(64 * 64 * 3) % 251).astype("uint8").reshape(64, 64, 3)
    codecs = ("png", "jpeg", "jpegxl", "avif")
    coded = {c: getattr(imagecodecs, f"{c}_encode")(picture) for c in codecs}
    return {c: int(getattr(imagecodecs, f"{c}_decode")(data).sum()) for c, data in coded.items()}


def pieces() -> list[str]:
    text = ["the quick brown fox jumps over the lazy dog", "pack my box with five jugs"] * 40
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=36, minloglevel=2
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return list(processor.encode("the lazy fox", out_type=str))


def neighbours(points: np.ndarray) -> list[list[int]]:
    index = faiss.index_factory(8, "IVF4,Flat")
    index.train(points)
    index.add(points)
    found: list[list[int]] = index.search(points[:5], 3)[1].tolist()
    return found


def compute() -> dict[str, object]:
    points = np.random.default_rng(0).normal(size=(400, 8))
    labels = (points[:, 0] + points[:, 1] ** 2 > 0.5).astype(int)
    boosted = xgboost.XGBClassifier(n_estimators=10, random_state=0).fit(points, labels)
    light = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, deterministic=True)
    trees = HistGradientBoostingClassifier(random_state=0, max_iter=20).fit(points, labels)
    return {
        "numpy": round(float(np.linalg.svd(points, compute_uv=False).sum()), 6),
        "scipy": round(float(scipy.linalg.expm(points[:8] / 10).sum()), 9),
        "tree": int(scipy.spatial.KDTree(points).query(points[0])[1]),
        "sklearn": float(trees.score(points, labels)),
        "kmeans": round(float(KMeans(3, n_init=2, random_state=0).fit(points).inertia_), 6),
        "xgboost": round(float(boosted.predict_proba(points)[:, 1].sum()), 4),
        "lightgbm": round(float(light.fit(points, labels).predict_proba(points)[:, 1].sum()), 6),
        "faiss": neighbours(points.astype("float32")),
        "sentencepiece": pieces(),
        "imagecodecs": image_sums(),
        "skimage": int(
            skimage.segmentation.slic(
                points[:384].reshape(64, 48), n_segments=10, channel_axis=None
            ).sum()
        ),
        "numba": [float(total(np.arange(1000.0))), numba.threading_layer()],
        "cuda": [bool(dir(cumm.core_cc)), bool(dir(spconv.core_cc))],
    }


def mapped() -> dict[str, list[str]]:
    rows = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    paths = sorted({row.split(None, 5)[5] for row in rows if "/" in row and ".so" in row})
    found: dict[str, list[str]] = {}
    for path in paths:
        if match := _FAMILY.match(Path(path).name):
            found.setdefault(match[1], []).append(path)
    return found


def memory() -> dict[str, int]:
    """Kilobytes, as the kernel sums them up."""
    rows = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    sums = {row.split(":")[0]: int(row.split()[1]) for row in rows}
    return {"rss": sums["Rss"], "pss": sums["Pss"]}


if __name__ == "__main__":
    results = compute()
    threads = len(list(Path("/proc/self/task").iterdir()))
    document = {"results": results, "mapped": mapped(), "memory": memory(), "threads": threads}
    print(json.dumps(document))
