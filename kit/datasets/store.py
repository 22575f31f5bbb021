"""Pictures that are decoded once, into a file that may be larger than the memory."""

import hashlib
import json
import os
import shutil
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from math import prod
from pathlib import Path

import numpy as np
import PIL
from filelock import FileLock
from torch import Tensor

from kit.datasets import pictures
from kit.datasets.mapped import Mapped, forget_facts, mapped
from kit.datasets.pictures import Broken, no_bombs
from kit.datasets.reading import in_order, report
from kit.runtime.files import user_cache, whole
from kit.runtime.progress import progress

IN_MEMORY = 2**29  # bytes of pixels; more than this stays in a file
BLOCK = 2**25  # bytes of pixels that are written and checked together
PIECE = 2**20  # bytes that each thread reads at a time to check them
FORMAT = 1  # of the file and its journal


def place(*settings: object) -> Path:
    """The folder of the pictures that these settings, which JSON can hold, tell from all others:
    in ``$KIT_CACHE/pictures``, else in the user's cache. It may be deleted at any time."""
    root = Path(os.environ.get("KIT_CACHE") or user_cache()).expanduser().absolute() / "pictures"
    code = hashlib.sha256(Path(pictures.__file__).read_bytes()).hexdigest()
    told = json.dumps([FORMAT, BLOCK, code, PIL.__version__, *settings])
    return root / hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Block:
    """What the journal says of some pictures that stand one after the other in the file.

    Parameters
    ----------
    number
        which of the blocks.
    start, kept
        number of its first picture in the file, and how many are there.
    checksum
        CRC-32 of their bytes.
    broken
        position -> sentence, of those that could not be read and are left out.
    """

    number: int
    start: int
    kept: int
    checksum: int
    broken: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pictures:
    """Pictures in a file of a folder, made out of what can be read one by one.

    A block counts as written when the journal says so and its checksum agrees. So a process may
    be killed at any point: the next one reads what is missing. A second one waits for the first.

    Parameters
    ----------
    folder
        where the file lies; its name must tell these pictures from all others.
    count
        how many there are to read.
    shape
        of one, ``(channels, height, width)``.
    read
        position -> uint8 picture of this shape; ``ValueError`` for one that cannot be read.
    threads
        how many are read at once, by default as many as there are processors.
    """

    folder: Path
    count: int
    shape: tuple[int, int, int]
    read: Callable[[int], Tensor]
    threads: int | None = None

    @property
    def file(self) -> Path:
        return self.folder / "pixels"

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def per_block(self) -> int:
        """Pictures in a block; the last one may have fewer."""
        return max(1, BLOCK // prod(self.shape))

    @property
    def blocks(self) -> range:
        """The numbers of all blocks."""
        return range(-(-self.count // self.per_block))

    def made(self, on_error: str = "raise") -> list[int]:
        """Check what is written, and write what is missing; the positions that are in the file.

        Raises
        ------
        ValueError
            pictures that cannot be read, unless ``on_error`` is "skip".
        OSError
            no space is left.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.folder}.lock"):
            self.folder.mkdir(exist_ok=True)
            sound = self._sound()
            if on_error == "raise":  # a disk that failed once may be asked again
                sound = {number: block for number, block in sound.items() if not block.broken}
            blocks = self._filled(sound)
        broken = {int(at): said for block in blocks for at, said in block.broken.items()}
        report(list(broken.values()), self.count, on_error)
        return [at for at in range(self.count) if at not in broken]

    def part(self, start: int, count: int) -> Mapped:
        """So many pictures of the file from number ``start`` on."""
        return mapped(self.file, start, (count, *self.shape))

    def _sound(self) -> dict[int, Block]:
        """The blocks that are written and undamaged, by number."""
        told = self._told()
        checks = in_order(self._checksum, told, self.threads)
        checks = progress(checks, "checking pictures", total=len(told))
        sound = {
            block.number: block
            for block, found in zip(told, checks, strict=True)
            if found == block.checksum
        }
        if len(sound) < len(told):
            warnings.warn(
                f"{self.file}: {len(told) - len(sound)} of {len(told)} blocks are damaged; "
                f"reading their pictures again",
                stacklevel=5,
            )
        return sound

    def _told(self) -> list[Block]:
        """What the journal says; a line that was cut short or damaged says nothing."""
        if not (self.file.exists() and self.journal.exists()):
            return []
        blocks = {}
        for line in self.journal.read_bytes().splitlines():
            text, _, checksum = line.rpartition(b" ")
            if checksum == b"%08x" % zlib.crc32(text):
                block = Block(**json.loads(text))
                blocks[block.number] = block  # the last line counts
        return list(blocks.values())

    def _checksum(self, block: Block) -> int:
        left, found = block.kept * prod(self.shape), 0
        with self.file.open("rb") as file:
            file.seek(block.start * prod(self.shape))
            while some := file.read(min(left, PIECE)):
                found, left = zlib.crc32(some, found), left - len(some)
        return found

    def _filled(self, sound: dict[int, Block]) -> list[Block]:
        """All blocks in their order, after those that are missing were written."""
        sound = self._fitting(sound)
        while missing := [number for number in self.blocks if number not in sound]:
            self._refuse_no_space()
            forget_facts(self.folder)
            self._write(missing, sound)
            sound = self._fitting(sound)
        return [sound[number] for number in self.blocks]

    def _fitting(self, sound: dict[int, Block]) -> dict[int, Block]:
        """Without the blocks that stand in a wrong place: when one is written again, more or fewer
        of its pictures may be readable."""
        start = 0
        for number in self.blocks:
            block = sound.get(number)
            if block and start not in (None, block.start):
                return {of: sound[of] for of in sound if of < number}
            start = block.start + block.kept if block else None
        return sound

    def _write(self, missing: list[int], sound: dict[int, Block]) -> None:
        """Read these blocks, write them, and add them to ``sound``."""
        with whole(self.journal) as half:
            half.write_bytes(b"".join(map(_line, sound.values())))
        self.file.touch()
        todo = [at for number in missing for at in self._positions(number)]
        with self.file.open("r+b") as file, self.journal.open("ab") as journal, no_bombs():
            found = in_order(self.read, todo, self.threads)
            found = iter(progress(found, "reading images", total=len(todo)))
            for number in missing:
                before = sound.get(number - 1)
                start = before.start + before.kept if before else 0
                images, broken = self._gathered(number, found)
                file.seek(start * prod(self.shape))
                file.write(images.data)
                file.flush()
                sound[number] = Block(number, start, len(images), zlib.crc32(images.data), broken)
                journal.write(_line(sound[number]))
                journal.flush()

    def _gathered(self, number: int, found: Iterator[Tensor]) -> tuple[np.ndarray, dict[str, str]]:
        """The next pictures that are found, as those of a block."""
        positions, broken, kept = self._positions(number), {}, 0
        images = np.empty((len(positions), *self.shape), np.uint8)
        for at in positions:
            picture = next(found)
            if isinstance(picture, Broken):
                broken[str(at)] = str(picture)
            else:
                images[kept] = picture.numpy()
                kept += 1
        return images[:kept], broken

    def _positions(self, number: int) -> range:
        """What a block is read from."""
        return range(number * self.per_block, min(self.count, (number + 1) * self.per_block))

    def _refuse_no_space(self) -> None:
        there = self.file.stat().st_size if self.file.exists() else 0
        needed = self.count * prod(self.shape) - there
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise OSError(
                f"no space is left in {self.folder.parent} for the pixels: {needed / 1e9:.2f} GB "
                f"are needed, {free / 1e9:.2f} GB are free; KIT_CACHE names another folder"
            )


def _line(block: Block) -> bytes:
    """A line of the journal, which ends with its own checksum."""
    text = json.dumps(asdict(block)).encode()
    return b"%s %08x\n" % (text, zlib.crc32(text))
