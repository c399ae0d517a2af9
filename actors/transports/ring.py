"""Channels between processes of one machine: rings and blocks of shared memory, and a bell to wake the reader.

All of it is anonymous memory (`memfd_create`) that a peer opens through `/proc/<pid>/fd`: it has no name in any
file system, nothing listens, and it is gone with the last process that maps it, however that process ends.

A ring has one writer and one reader and needs no lock. Its correctness rests on stores becoming visible in the
order in which they are made, which x86-64 promises; `unavailable` says so elsewhere.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Address", "Bell", "Block", "BlockPool", "Inbox", "MappedBlocks", "Outbox", "Ring", "unavailable"]

RING_BYTES = 128 * 1024
_HEADER = 128
_SKIP = 0xFFFFFFFF
_BLOCK_HEADER = 64
_FREE, _USED, _RETIRED = 0, 1, 2
_SPARE_BLOCKS = 4
"""Free blocks that fit nothing, above which a pool gives memory back."""

_SPINS = 400
"""Looks at the bell before a reader sleeps: about 0.2 ms. Waking a sleeping core costs ten times a look."""

_FUTEX, _FUTEX_WAIT, _FUTEX_WAKE = 202, 0, 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


_libc: Any = None


def _c() -> Any:
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
        _libc.syscall.argtypes = [
            ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p,
            ctypes.c_int,
        ]  # fmt: skip
    return _libc


def unavailable() -> str | None:
    """Why this machine has no such channels, or None if it has."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "shared-memory channels need Linux on x86-64"
    if not hasattr(os, "memfd_create") or not os.path.isdir("/proc/self/fd"):
        return "there is no memfd_create or no /proc"
    return None


@dataclass(frozen=True)
class Address:
    """Where a process can be reached by its neighbours on the machine.

    Attributes:
        machine: identifier of the running kernel.
        namespace: that of the process's PID namespace; only within it do process numbers mean the same.
        user: numeric user.
        pid: process number.
    """

    machine: str
    namespace: str
    user: int
    pid: int

    @classmethod
    def here(cls) -> Address:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            machine = file.read().strip()
        return cls(machine, os.readlink("/proc/self/ns/pid"), os.getuid(), os.getpid())

    def reaches(self, other: Address) -> bool:
        """Whether the two processes can share memory."""
        return (self.machine, self.namespace, self.user) == (other.machine, other.namespace, other.user)


def _create(size: int) -> tuple[int, mmap.mmap]:
    fd = os.memfd_create("weft", os.MFD_CLOEXEC)
    os.ftruncate(fd, size)
    return fd, mmap.mmap(fd, size)


def _open(pid: int, fd: int) -> mmap.mmap:
    own = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    try:
        return mmap.mmap(own, os.fstat(own).st_size)
    finally:
        os.close(own)


class Bell:
    """A word that writers change and its one reader sleeps on.

    Args:
        memory: the shared page.
        fd: file that peers open; None on their side.
    """

    def __init__(self, memory: mmap.mmap, fd: int | None = None) -> None:
        self.fd = fd
        self._word = memoryview(memory).cast("I")
        self._pinned = ctypes.c_uint32.from_buffer(memory)
        self._at = ctypes.addressof(self._pinned)
        self._call = _c().syscall
        self._yield = _c().sched_yield

    @classmethod
    def create(cls) -> Bell:
        fd, memory = _create(mmap.PAGESIZE)
        return cls(memory, fd)

    @classmethod
    def open(cls, pid: int, fd: int) -> Bell:
        return cls(_open(pid, fd))

    def value(self) -> int:
        return self._word[0]

    def ring(self, value: int) -> None:
        """Sets the word, to a value that no one else ever sets, and wakes the reader."""
        self._word[0] = value
        self._call(_FUTEX, self._at, _FUTEX_WAKE, 1, None, None, 0)

    def wait(self, seen: int, seconds: float, spins: int = _SPINS) -> bool:
        """Waits until the word is no longer `seen`, at most so long; whether it changed."""
        word, give_way = self._word, self._yield
        for _ in range(spins):
            if word[0] != seen:
                return True
            give_way()
        limit = _Timespec(int(seconds), int(seconds % 1.0 * 1e9))
        self._call(_FUTEX, self._at, _FUTEX_WAIT, seen, ctypes.byref(limit), None, 0)
        return word[0] != seen


class Ring:
    """Messages from one writer to one reader, in order.

    Args:
        memory: shared memory; the first bytes hold how far either side has come.
        fd: file that the peer opens; None on its side.
    """

    def __init__(self, memory: mmap.mmap, fd: int | None = None) -> None:
        self.fd = fd
        view = memoryview(memory)
        self._words = view[:_HEADER].cast("Q")
        self._lengths = view[_HEADER:].cast("I")
        self._data = view[_HEADER:]
        self._size = len(view) - _HEADER
        self._tail = self._words[0]
        self._head = self._words[8]
        self.largest = self._size // 4

    @classmethod
    def create(cls, size: int = RING_BYTES) -> Ring:
        fd, memory = _create(_HEADER + size)
        return cls(memory, fd)

    @classmethod
    def open(cls, pid: int, fd: int) -> Ring:
        return cls(_open(pid, fd))

    def put(self, message: bytes) -> bool:
        """Appends a message of at most `largest` bytes; False where there is no room for it now."""
        length = len(message)
        need = 8 + (length + 7 & ~7)
        tail, size = self._tail, self._size
        at = tail % size
        skip = size - at if at + need > size else 0
        if tail + skip + need - self._words[8] > size:
            return False
        if skip:
            self._lengths[at // 4] = _SKIP
            tail += skip
            at = 0
        self._data[at + 8 : at + 8 + length] = message
        self._lengths[at // 4] = length
        self._tail = tail + need
        self._words[0] = self._tail
        return True

    def get(self) -> bytes | None:
        """The next message, or None where there is none yet."""
        head = self._head
        if self._words[0] == head:
            return None
        at = head % self._size
        length = self._lengths[at // 4]
        if length == _SKIP:
            head += self._size - at
            at = 0
            length = self._lengths[0]
        message = bytes(self._data[at + 8 : at + 8 + length])
        self._head = head + 8 + (length + 7 & ~7)
        self._words[8] = self._head
        return message


class Block:
    """Shared memory for one large tensor on its way.

    Attributes:
        number: what the two sides call it.
        fd: file that the reader opens.
        size: bytes that it holds.
    """

    __slots__ = ("_memory", "_state", "data", "fd", "number", "size")

    def __init__(self, number: int, size: int) -> None:
        self.number, self.size = number, size
        self.fd, self._memory = _create(_BLOCK_HEADER + size)
        self._state = memoryview(self._memory)[:8].cast("Q")
        self.data = np.frombuffer(self._memory, np.uint8, size, _BLOCK_HEADER)

    @property
    def free(self) -> bool:
        return self._state[0] == _FREE

    def take(self) -> None:
        self._state[0] = _USED

    def retire(self) -> None:
        """Gives the memory back: the reader sees the mark and drops its mapping too."""
        self._state[0] = _RETIRED
        os.close(self.fd)


class BlockPool:
    """A writer's blocks to one reader; the reader marks a block free when it has dropped the tensor in it."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._made = 0

    def take(self, size: int) -> Block:
        """A block for so many bytes, a used one where one fits."""
        found, free = None, []
        for block in self.blocks:
            if block.free:
                if size <= block.size <= 4 * size and (found is None or block.size < found.size):
                    found = block
                free.append(block)
        if found is None:
            for block in free[_SPARE_BLOCKS:]:
                self.blocks.remove(block)
                block.retire()
            self._made += 1
            found = Block(self._made, _rounded(size))
            self.blocks.append(found)
        found.take()
        return found

    @property
    def bytes(self) -> int:
        return sum(b.size for b in self.blocks)

    def close(self) -> None:
        for block in self.blocks:
            block.retire()
        self.blocks.clear()


def _rounded(size: int) -> int:
    unit = 1 << 20 if size > 1 << 20 else mmap.PAGESIZE
    return -(-size // unit) * unit


class _Lease(np.ndarray):  # type: ignore[type-arg]
    """The bytes of a block, as long as somebody looks at them; the block is free when nobody does."""

    state: Any = None

    def __del__(self) -> None:
        if self.state is not None:
            self.state[0] = _FREE


class MappedBlocks:
    """A reader's view of one writer's blocks.

    Args:
        pid: process of the writer.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._mapped: dict[int, tuple[mmap.mmap, Any]] = {}

    def array(self, number: int, fd: int, dtype: Any, shape: tuple[int, ...], size: int) -> Any:
        """The tensor in a block: a read-only view of shared memory, which holds the block while it lives."""
        if number not in self._mapped:
            self._sweep()
            memory = _open(self._pid, fd)
            self._mapped[number] = memory, memoryview(memory)[:8].cast("Q")
        memory, state = self._mapped[number]
        lease = np.ndarray.__new__(_Lease, (size,), np.uint8, memory, _BLOCK_HEADER)
        lease.state = state
        lease.flags.writeable = False
        return lease.view(np.ndarray).view(dtype).reshape(shape)

    def _sweep(self) -> None:
        for number in [n for n, (_, state) in self._mapped.items() if state[0] == _RETIRED]:
            del self._mapped[number]


class Inbox:
    """The reading end of one process: a ring per peer, and one bell for all."""

    def __init__(self) -> None:
        self.bell = Bell.create()
        self._rings: list[tuple[int, Ring, MappedBlocks]] = []
        self._made = 0

    def accept(self, pid: int) -> tuple[int, int, int]:
        """Makes a ring for a peer that is process `pid`; what it needs to open it: bell, ring, its number here."""
        ring = Ring.create()
        self._made += 1
        assert self.bell.fd is not None
        assert ring.fd is not None
        self._rings = [*self._rings, (self._made, ring, MappedBlocks(pid))]
        return self.bell.fd, ring.fd, self._made

    def poll(self, handle: Callable[[int, bytes, MappedBlocks], None]) -> bool:
        """Hands over all messages that are there; whether there were any."""
        found = False
        for number, ring, blocks in self._rings:
            while (message := ring.get()) is not None:
                found = True
                handle(number, message, blocks)
        return found

    def close(self) -> None:
        for _, ring, _ in self._rings:
            if ring.fd is not None:
                os.close(ring.fd)
        self._rings = []
        if self.bell.fd is not None:
            os.close(self.bell.fd)
            self.bell.fd = None


class Outbox:
    """The writing end towards one peer.

    Args:
        pid: the peer's process.
        bell, ring, number: what the peer's `Inbox.accept` gave.
    """

    def __init__(self, pid: int, bell: int, ring: int, number: int) -> None:
        self._bell = Bell.open(pid, bell)
        self._ring = Ring.open(pid, ring)
        self._base = (number & 0xFFF) << 20
        self._count = 0
        self.largest = self._ring.largest
        self.blocks = BlockPool()
        self._waiting: deque[bytes] = deque()
        self.sent = 0

    def send(self, message: bytes) -> None:
        """Sends a message; where the peer is behind, it is kept until there is room."""
        if self._waiting or not self._ring.put(message):
            self._waiting.append(message)
            self.flush()
            return
        self._wake()

    def flush(self) -> bool:
        """Sends what was kept as far as there is room; whether nothing is left."""
        moved = False
        while self._waiting and self._ring.put(self._waiting[0]):
            self._waiting.popleft()
            moved = True
        if moved:
            self._wake()
        return not self._waiting

    def _wake(self) -> None:
        self._count = self._count + 1 & 0xFFFFF
        self._bell.ring(self._base | self._count)

    def close(self) -> None:
        self.blocks.close()
        self._waiting.clear()


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Waits for a condition by looking now and then; whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True
