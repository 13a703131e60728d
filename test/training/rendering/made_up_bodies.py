"""Small bodies with Anny's bones and origin: around each bone's beginning a little box of skin."""

from __future__ import annotations

import numpy as np

from pinet_training.rendering.bodies import Bodies

# (bone, parent, metres from the parent's beginning), of the trunk, then of the left side
TRUNK = [
    ("root", None, (0, 0, 0.05)),
    ("spine05", "root", (0, 0, 0)),
    ("spine04", "spine05", (0, 0.01, 0.08)),
    ("spine03", "spine04", (0, -0.01, 0.09)),
    ("spine02", "spine03", (0, 0, 0.1)),
    ("spine01", "spine02", (0, 0.01, 0.1)),
    ("neck01", "spine01", (0, -0.02, 0.15)),
    ("neck02", "neck01", (0, -0.01, 0.03)),
    ("neck03", "neck02", (0, -0.01, 0.03)),
    ("head", "neck03", (0, -0.01, 0.03)),
]
LEFT = [
    ("eye", "head", (0.03, -0.08, 0.05)),
    ("clavicle", "spine01", (0.02, -0.02, 0.1)),
    ("upperarm01", "clavicle", (0.15, 0, 0)),
    ("lowerarm01", "upperarm01", (0.2, 0, -0.2)),
    ("wrist", "lowerarm01", (0.15, -0.15, -0.12)),
    ("metacarpal3", "wrist", (0.01, -0.01, -0.01)),
    *[
        (f"finger{f}-{k}", f"finger{f}-{k - 1}" if k > 1 else "wrist", step)
        for f in range(2, 6)
        for k, step in enumerate(
            [(0.05, -0.03 + 0.01 * f, -0.05), (0.02, 0, -0.03), (0.01, 0, -0.03)], start=1
        )
    ],
    ("upperleg01", "root", (0.1, 0, -0.02)),
    ("lowerleg01", "upperleg01", (0.02, -0.02, -0.42)),
    ("foot", "lowerleg01", (0.02, 0.03, -0.42)),
    ("toe2-1", "foot", (0.01, -0.14, -0.05)),
]
SIDES = {"L": (1, 1, 1), "R": (-1, 1, 1)}
BONES = TRUNK + [
    (
        f"{bone}.{s}",
        parent if parent in dict.fromkeys(b for b, *_ in TRUNK) else f"{parent}.{s}",
        tuple(np.multiply(step, sign)),
    )
    for s, sign in SIDES.items()
    for bone, parent, step in LEFT
]
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.02
# counterclockwise from outside
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
BOX = np.array([[q[0], *q[i : i + 2]] for q in QUADS for i in (1, 2)])


def made_up_bodies(sizes=(1.0, 0.8, 1.1), splits=None):
    """Bodies like one another but for their size; each box goes partly with its bone's parent."""
    labels = [bone for bone, *_ in BONES]
    parents = [-1 if parent is None else labels.index(parent) for _, parent, _ in BONES]
    heads = np.zeros((len(BONES), 3))
    for bone, (parent, (*_, step)) in enumerate(zip(parents, BONES, strict=True)):
        heads[bone] = np.array(step) + (heads[parent] if parent >= 0 else 0)
    vertices = (heads[:, None] + CORNERS).reshape(-1, 3)
    weights = np.zeros((len(vertices), len(BONES)))
    for bone, parent in enumerate(parents):
        share = np.linspace(0.6, 1, len(CORNERS))
        weights[8 * bone : 8 * bone + 8, max(parent, 0)] += 1 - share
        weights[8 * bone : 8 * bone + 8, bone] += share
    sizes = np.array(sizes)[:, None, None]
    return Bodies(
        vertices=(vertices * sizes).astype(np.float32),
        bone_heads=(heads * sizes).astype(np.float32),
        template_vertices=vertices.astype(np.float32),
        template_bone_heads=heads.astype(np.float32),
        weights=weights.astype(np.float32),
        faces=np.concatenate([BOX + 8 * bone for bone in range(len(BONES))]).astype(np.int32),
        labels=np.array(labels),
        parents=np.array(parents, np.int32),
        splits=np.array(splits or ["train"] * len(sizes)),
    )
