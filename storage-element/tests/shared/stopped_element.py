"""An element that was stopped in order, whose directory is looked at from outside."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running_element import MIB, Element, ElementAt

from artstore_kit.contracts.files import FileAttributes

LARGE = os.urandom(MIB + 7)


@dataclass
class Stopped:
    """Two documents: one that rode in the journal and one that was staged, both changed; a third was removed."""

    element: Element
    small: FileAttributes
    large: FileAttributes

    @property
    def root(self) -> Path:
        """The element's directory."""
        return self.element.root

    def rewrite(self, file: FileAttributes, content: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Change attr.json behind the element's back."""
        path = self.element.attributes_path(file)
        document = json.loads(path.read_bytes()) | changes
        document["content"] |= content or {}
        path.write_text(json.dumps(document))

    def flip(self, file: FileAttributes) -> None:
        """Change one bit of the content, and no byte more or less."""
        path = self.element.content_path(file)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


async def stopped_element(element_at: ElementAt, root: Path) -> Stopped:
    """Start it, fill it, stop it."""
    async with element_at(root) as element:
        small = await element.put(b"content", name="Договор.txt", tags=["a"])
        large = await element.put(LARGE, name="large.bin")
        gone = await element.put(b"removed")
        assert (await element.remove(gone.file_id)).status_code == 204
        for file in (small, large):
            assert (await element.patch(file.file_id, description="changed")).status_code == 200
        return Stopped(element, await element.attributes(small.file_id), await element.attributes(large.file_id))
