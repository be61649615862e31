"""`./dev swarm vm`: the stack as it is, in a virtual machine whose kernel has IPVS.

The machine is User Mode Linux, a kernel that is a program: it needs no KVM, and computes as fast as its host. What it does
slowly is to change between its processes, and most of that is gone when all of it stays on one processor.
https://docs.kernel.org/virt/uml/user_mode_linux_howto_v2.html
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .. import console, layout, packages
from ..console import Trouble
from . import images, kernel, lab, nodes

_SYSTEM = "docker.io,iproute2,iptables,ca-certificates,kmod,curl,procps,python3-minimal"
# Its first process: what follows is on the third disk, made anew each time.
_FIRST = "#!/bin/bash\nmkdir -p /files\nmount /dev/ubdc /files\nexec /files/init.sh\n"
_LIMIT_SECONDS = 5400


def run() -> int:
    """Boot with the builder's images, walk, power off; 0 if the walk came to its end."""
    packages.install(set() if shutil.which("mkfs.ext4") else {"e2fsprogs"})
    kernel.folder().mkdir(parents=True, exist_ok=True)
    disks = [_system(), _store(), _files()]
    return _boot(disks)


def _disk(name: str, folder: Path, size: str) -> Path:
    """A folder as a disk; needs neither a loop device nor a mount."""
    disk = kernel.folder() / f"{name}.img"
    disk.unlink(missing_ok=True)
    console.must_run(["nice", "mkfs.ext4", "-q", "-E", "lazy_itable_init=1", "-d", str(folder), str(disk), size])
    return disk


def _system() -> Path:
    """Debian with Docker."""
    root, disk, stamp = kernel.folder() / "root", kernel.folder() / "system.img", kernel.folder() / "system.packages"
    if disk.exists() and stamp.exists() and stamp.read_text() == _SYSTEM:
        return disk
    console.step("making the virtual machine's Debian")
    shutil.rmtree(root, ignore_errors=True)
    console.must_run(["nice", "mmdebstrap", "--variant=minbase", f"--include={_SYSTEM}", "bookworm", str(root)])
    (root / "init.sh").write_text(_FIRST)
    (root / "init.sh").chmod(0o755)
    _disk("system", root, "3G")
    shutil.rmtree(root)
    stamp.write_text(_SYSTEM)
    return disk


def _store() -> Path:
    """Docker's own folder with all images in it, filled by a daemon on this machine: loading them there is slow."""
    name, disk, stamp = "store", kernel.folder() / "store.img", kernel.folder() / "store.images"
    wanted = "\n".join(images.image_id("builder", image) for image in images.stack_images())
    if disk.exists() and stamp.exists() and stamp.read_text() == wanted:
        return disk
    stamp.unlink(missing_ok=True)
    shutil.rmtree(lab.cache() / name, ignore_errors=True)
    nodes.start_aside(name)
    try:
        images.load_into(name, images.stack_images())
    finally:
        nodes.stop_aside(name)
    _disk(name, lab.cache() / name, "10G")
    stamp.write_text(wanted)
    return disk


def _files() -> Path:
    """The walk, the stack file and the docker command."""
    folder = kernel.folder() / "files"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(layout.ROOT / "deploy", folder / "deploy")
    shutil.copy(lab.STACK_FILE, folder)
    for script in (layout.ROOT / "deploy" / "lab" / "vm").iterdir():
        shutil.copy(script, folder)
    shutil.copy(Path(__file__).parent / "nxdomain.py", folder)
    (folder / "bin").mkdir()
    shutil.copy(shutil.which("docker") or "/usr/bin/docker", folder / "bin" / "docker")
    return _disk("files", folder, "200M")


def _boot(disks: list[Path]) -> int:
    words = ["nice", "taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), str(kernel.program()), "seccomp=on", "mem=6G"]
    words += ["root=/dev/ubda", "rw", "init=/init.sh"]
    words += ["con=null", "con0=fd:0,fd:1", "panic=1", "quiet"]
    changes = [kernel.folder() / f"changes-{number}" for number in range(len(disks))]
    for number, (disk, change) in enumerate(zip(disks, changes, strict=True)):
        change.unlink(missing_ok=True)
        words.append(f"ubd{number}={change},{disk}")
    console.step(f"booting; what it says goes to {_log()}")
    try:
        return 0 if _follow(words) else 1
    finally:
        for change in changes:
            change.unlink(missing_ok=True)


def _log() -> Path:
    return lab.logs() / "vm.log"


def _follow(words: list[str]) -> bool:
    """Show the walk's lines as they come; whether it came to its end."""
    finished = False
    for line in _console(words):
        if match := re.match(r"\x1b?[^W]*WALK (.*)", line):
            console.step(match[1])
            finished = finished or match[1] == "finished"
    return finished


def _console(words: list[str]) -> Iterator[str]:
    """The lines that a virtual machine prints; it is ended when it takes too long or we are."""
    machine = subprocess.Popen(
        ["timeout", str(_LIMIT_SECONDS), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        with open(_log(), "w", encoding="utf-8") as log:
            for line in machine.stdout or ():
                log.write(line)
                log.flush()
                yield line.rstrip()
    finally:
        machine.terminate()
        machine.wait()
