"""`./dev swarm vm`: the unchanged stack in a virtual machine whose kernel has IPVS.

The machine is User Mode Linux, a kernel that runs as a program: it needs no KVM and computes as fast as its host.
Only switching between its processes is slow, and switching is faster when the machine stays on one processor.
https://docs.kernel.org/virt/uml/user_mode_linux_howto_v2.html
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from devtools import console, layout, packages
from lab import daemons, docker, settings
from lab.images import names, transfer
from lab.vm import kernel

_SYSTEM = "docker.io,iproute2,iptables,ca-certificates,kmod,curl,procps,python3-minimal"
# The first process. Everything else is on the third disk, which is created for each run.
_FIRST = "#!/bin/bash\nmkdir -p /files\nmount /dev/ubdc /files\nexec /files/init.sh\n"
_LIMIT_SECONDS = 5400


def run() -> int:
    """Start the machine with the builder's images and run the walk-through; return 0 if it finished."""
    packages.install(set() if shutil.which("mkfs.ext4") else {"e2fsprogs"})
    kernel.folder().mkdir(parents=True, exist_ok=True)
    disks = [_system_disk(), _image_store_disk(), _file_disk()]
    return _boot(disks)


def _disk(name: str, folder: Path, size: str) -> Path:
    """A disk image with the content of a folder. It needs neither a loop device nor a mount."""
    disk = kernel.folder() / f"{name}.img"
    disk.unlink(missing_ok=True)
    console.must_run(["nice", "mkfs.ext4", "-q", "-E", "lazy_itable_init=1", "-d", str(folder), str(disk), size])
    return disk


def _system_disk() -> Path:
    """Debian with Docker."""
    root, disk, stamp = kernel.folder() / "root", kernel.folder() / "system.img", kernel.folder() / "system.packages"
    if disk.exists() and stamp.exists() and stamp.read_text() == _SYSTEM:
        return disk
    console.step("making the Debian system of the virtual machine")
    shutil.rmtree(root, ignore_errors=True)
    console.must_run(["nice", "mmdebstrap", "--variant=minbase", f"--include={_SYSTEM}", "bookworm", str(root)])
    (root / "init.sh").write_text(_FIRST)
    (root / "init.sh").chmod(0o755)
    _disk("system", root, "3G")
    shutil.rmtree(root)
    stamp.write_text(_SYSTEM)
    return disk


def _image_store_disk() -> Path:
    """Docker's data folder with all images. A daemon on the host fills it, because the virtual machine is slow."""
    name, disk, stamp = "store", kernel.folder() / "store.img", kernel.folder() / "store.images"
    wanted = "\n".join(docker.image_id("builder", image) for image in names.stack())
    if disk.exists() and stamp.exists() and stamp.read_text() == wanted:
        return disk
    stamp.unlink(missing_ok=True)
    daemons.remove_files(name)
    daemons.start_helper(name)
    try:
        transfer.load(name, names.stack())
    finally:
        daemons.stop_helper(name)
    _disk(name, settings.cache() / name, "10G")
    stamp.write_text(wanted)
    return disk


def _file_disk() -> Path:
    """The scripts, the stack files and the docker command, in the same folders as in the repository."""
    folder = kernel.folder() / "files"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(layout.ROOT / "deploy", folder / "deploy")
    shutil.copy(settings.STACK_FILE, folder)
    (folder / "lab").mkdir()
    shutil.copy(settings.FOLDER / "docker-stack.vm.yml", folder / "lab")
    for script in (settings.FOLDER / "vm").glob("*.sh"):
        shutil.copy(script, folder)
    shutil.copy(settings.FOLDER / "nxdomain.py", folder)
    (folder / "bin").mkdir()
    shutil.copy(shutil.which("docker") or "/usr/bin/docker", folder / "bin" / "docker")
    return _disk("files", folder, "200M")


def _boot(disks: list[Path]) -> int:
    processor = str(min(os.sched_getaffinity(0)))
    words = ["nice", "taskset", "--cpu-list", processor, str(kernel.program()), "seccomp=on", "mem=6G"]
    words += ["root=/dev/ubda", "rw", "init=/init.sh"]
    words += ["con=null", "con0=fd:0,fd:1", "panic=1", "quiet"]
    changes = [kernel.folder() / f"changes-{number}" for number in range(len(disks))]
    for number, (disk, change) in enumerate(zip(disks, changes, strict=True)):
        change.unlink(missing_ok=True)
        words.append(f"ubd{number}={change},{disk}")
    console.step(f"starting the virtual machine; its output goes to {_log()}")
    try:
        return 0 if _follow(words) else 1
    finally:
        for change in changes:
            change.unlink(missing_ok=True)


def _log() -> Path:
    return settings.logs() / "vm.log"


def _follow(words: list[str]) -> bool:
    """Print the lines of the walk-through as they arrive; return whether it finished."""
    finished = False
    for line in _console_lines(words):
        if message := walk_message(line):
            console.step(message)
            finished = finished or message == "finished"
    return finished


def walk_message(line: str) -> str:
    """The text after WALK in a console line, possibly after a control sequence; empty for any other line."""
    match = re.match(r"\x1b?[^W]*WALK (.*)", line)
    return match[1] if match else ""


def _console_lines(words: list[str]) -> Iterator[str]:
    """The lines that the virtual machine prints. The machine stops at the time limit, or when this command ends."""
    machine = subprocess.Popen(
        ["timeout", str(_LIMIT_SECONDS), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        with _log().open("w", encoding="utf-8") as log:
            for line in machine.stdout or ():
                log.write(line)
                log.flush()
                yield line.rstrip()
    finally:
        machine.terminate()
        machine.wait()
