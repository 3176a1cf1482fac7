# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The machine of a run, and the versions of all that was compared."""

import os
import pathlib
import platform
import re
import resource
import shutil
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def _read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _said(*command):
    """The first line that a program says; empty: it isn't here."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return next((line.strip() for line in (done.stdout + done.stderr).splitlines()
                 if line.strip()), "")


def _memory(name):
    found = re.search(rf"^{name}:\s+(\d+) kB", _read("/proc/meminfo"), re.M)
    return int(found.group(1)) * 1024 if found else 0


def available_memory():
    """Bytes that a bench may take."""
    return _memory("MemAvailable")


def descriptors():
    """How many a program may have, having raised the limit of this one and those that it starts as far as
    it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = int(_read("/proc/sys/fs/nr_open") or hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, most)))
    except (OSError, ValueError):  # not permitted
        pass
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def cpus():
    return sorted(os.sched_getaffinity(0))


def mitigations():
    found = {}
    for file in sorted(pathlib.Path("/sys/devices/system/cpu/vulnerabilities").glob("*")):
        if (said := _read(file)).startswith("Mitigation"):
            found[file.name] = said.removeprefix("Mitigation: ")
    return found


def processor_times():
    """(all, stolen by the hypervisor) since boot, of all CPUs."""
    times = [int(word) for word in _read("/proc/stat").splitlines()[0].split()[1:9]]
    return sum(times), times[7]


def meanwhile(before):
    """What else the machine did since processor_times() said `before`."""
    everything, stolen = (b - a for a, b in zip(before, processor_times()))
    return {"load_after": os.getloadavg()[0],
            "stolen_percent": round(100 * stolen / everything, 2) if everything else None}


def machine():
    info = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.M)
    mhz = re.search(r"^cpu MHz\s*:\s*([0-9.]+)$", info, re.M)
    flags = (re.search(r"^flags\s*:\s*(.*)$", info, re.M) or [None, ""])[1].split()
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "mhz": float(mhz.group(1)) if mhz else None,
        "cpus": len(cpus()),
        "hypervisor": "hypervisor" in flags,
        "memory_bytes": _memory("MemTotal"),
        "huge_pages": int((re.search(r"^HugePages_Total:\s+(\d+)", _read("/proc/meminfo"), re.M)
                           or [0, "0"])[1]),
        "kernel": platform.release(),
        "command_line": " ".join(w for w in _read("/proc/cmdline").split()
                                 if re.match(r"(isolcpus|nohz|mitigations|rcu_|intel_|amd_)", w)),
        "mitigations": mitigations(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load": os.getloadavg()[0],
    }


def versions(build):
    commit = _said("git", "-c", f"safe.directory={REPOSITORY}", "-C", str(REPOSITORY), "describe",
                   "--always", "--dirty", "--abbrev=12")
    return {
        "turnpike": commit,
        "build": _read(pathlib.Path(build) / ".options"),
        "coturn": _said("dpkg-query", "-W", "-f=${Version}\n", "coturn"),
        "dpdk": _said("dpkg-query", "-W", "-f=${Version}\n", "dpdk"),
        "compiler": _said("cc", "--version"),
        "gnuplot": _said("gnuplot", "--version"),
    }
