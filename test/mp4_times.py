"""Videos of variable rate, as phones film them; OpenCV writes only those of one rate."""

from __future__ import annotations

import struct


def with_intervals(content: bytes, intervals: list[tuple[int, int]]) -> bytes:
    """An .mp4 file whose frames take other times: (number of frames, ticks) after one another.

    ISO/IEC 14496-12: the box `stts`, in others that must grow with it and follow the frames.
    """
    table = struct.pack(">II", 0, len(intervals))
    table += b"".join(struct.pack(">II", *each) for each in intervals)
    at = content.index(b"stts") - 4
    (size,) = struct.unpack_from(">I", content, at)
    growth = 8 + len(table) - size
    changed = bytearray(content)
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = content.index(name) - 4
        assert place > content.index(b"mdat")
        (old,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", changed, place, old + growth)
    changed[at : at + size] = struct.pack(">I", 8 + len(table)) + b"stts" + table
    return bytes(changed)
