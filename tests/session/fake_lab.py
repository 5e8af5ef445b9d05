"""A lab process without a machine: speaks the protocol, and misbehaves as it is told.

The first word of ``argv`` in the configuration chooses: echo (default), flood, crash,
panic, fail, garbage, exit.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

from starrylab.session.channel import LabChannel
from starrylab.session.protocol import (
    Booted,
    Consumed,
    Exited,
    Failed,
    Hello,
    Input,
    Panic,
    Resize,
    Signal,
    SnapshotSeen,
    Start,
    Stop,
)
from starrylab.session.snapshot import MemoryKind, ProcessView, Snapshot

INIT = ProcessView(
    1, 0, 1, 1, "console", True, "S", "wait4", "init", "/sbin/init", 1, 1000, 2000, 65536, 1 << 20,
    3, 0, 17, 0,
)  # fmt: skip


def snapshot(sequence: int) -> Snapshot:
    memory = (MemoryKind("user", 1 << 20), MemoryKind("free", 15 << 20))
    return Snapshot(sequence, time.monotonic_ns(), (INIT,), memory, 16 << 20)


class FakeLab:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.channel = LabChannel(sock)
        self.mode = "echo"
        self.sequence = 0

    def run(self) -> None:
        self.channel.send(Hello())
        while not self.channel.closed:
            self.flood()
            floods = self.mode == "flood" and self.channel.room()
            if floods and not select.select([self.sock], [], [], 0)[0]:
                continue
            for command in self.channel.receive():
                self.serve(command)

    def flood(self) -> None:
        if self.mode == "flood" and self.channel.room():
            self.channel.send_output(b"y\r\n" * 2000)

    def serve(self, command: object) -> None:
        match command:
            case Start(config=config):
                self.mode = (config.argv or (b"echo",))[0].decode()
                self.start()
            case Input(data=data):
                if self.mode == "flood" and b"\x03" in data:
                    self.mode = "echo"
                    self.channel.give_back(2)
                    data = b"^C"
                self.channel.send_output(data.replace(b"\r", b"\r\n"))
                if data == b"\x04":
                    self.channel.send(Exited(0))
            case Resize(rows=rows, columns=columns):
                self.channel.send_output(f"[{columns}x{rows}]".encode())
            case Signal(pid=pid, signo=signo):
                self.channel.send_output(f"[kill -{signo} {pid}]".encode())
            case Consumed(size=size):
                self.channel.give_back(size)
            case SnapshotSeen():
                pass
            case Stop():
                self.channel.close()
                sys.exit(0)

    def start(self) -> None:
        if self.mode == "fail":
            self.channel.send(Failed("no such rootfs: give a folder or a tar file"))
            return
        self.channel.send(Booted())
        self.sequence += 1
        self.channel.send(snapshot(self.sequence))
        self.channel.send_output(b"login: ")
        if self.mode == "crash":
            sys.stderr.write("native trouble\n")
            sys.stderr.flush()
            os.kill(os.getpid(), 11)
        if self.mode == "panic":
            self.channel.send(Panic("ZeroDivisionError: in the kernel"))
        if self.mode == "garbage":
            self.sock.sendall(b"\xff" * 64)
        if self.mode == "exit":
            self.channel.send(Exited(3 << 8))


if __name__ == "__main__":
    FakeLab(socket.socket(fileno=int(sys.argv[1]))).run()
