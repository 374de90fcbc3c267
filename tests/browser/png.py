"""Write a picture with the 256 colours that it needs most: a third of the bytes, and as legible.

The browser takes the picture apart, for it knows how to; what is left is a PNG of one plane.
"""

import base64
import struct
import zlib
from typing import Any

from playwright.sync_api import Page

COLOURS = 256
# The most frequent colours stay as they are; each other becomes the nearest of them.
REDUCE = """
async ([source, most]) => {
  const bytes = Uint8Array.from(atob(source), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const points = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const times = new Map();
  for (const point of points) times.set(point, (times.get(point) || 0) + 1);
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const ranked = [...times].sort((a, b) => b[1] - a[1]);
  const kept = ranked.slice(0, most).map(([colour]) => parts(colour));
  const nearest = new Map();
  for (const colour of times.keys()) {
    const [red, green, blue] = parts(colour);
    let best = 0;
    let least = Infinity;
    kept.forEach((one, place) => {
      const distance = (one[0] - red) ** 2 + (one[1] - green) ** 2 + (one[2] - blue) ** 2;
      if (distance < least) [least, best] = [distance, place];
    });
    nearest.set(colour, best);
  }
  const plane = Uint8Array.from(points, (point) => nearest.get(point));
  let text = "";
  for (let at = 0; at < plane.length; at += 8192) {
    text += String.fromCharCode(...plane.subarray(at, at + 8192));
  }
  return { width, height, colours: kept.flat(), plane: btoa(text) };
}
"""


def fewer_colours(page: Page, picture: bytes) -> bytes:
    """Return a PNG as another one of at most 256 colours; the page only lends its browser."""
    found: dict[str, Any] = page.evaluate(REDUCE, [base64.b64encode(picture).decode(), COLOURS])
    width, height = found["width"], found["height"]
    plane = base64.b64decode(found["plane"])
    lines = b"".join(b"\0" + plane[row * width : (row + 1) * width] for row in range(height))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(found["colours"])),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
