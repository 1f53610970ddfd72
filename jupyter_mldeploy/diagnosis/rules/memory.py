"""Memory: of the container, of a process, of the GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import LOGS, Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

__all__ = ["memory_facts"]

_GIB = 2**30
_REFUSED = (
    r"^(?:\S*: )?MemoryError\b|std::bad_alloc|Unable to allocate [\d.]+ [KMGT]iB for an array"
    r"|DefaultCPUAllocator: (?:can't|not enough|can not) (?:allocate )?memory|\[Errno 12\]"
    r"|Cannot allocate memory|bad allocation|numpy\S*ArrayMemoryError|ArrowMemoryError"
    r"|malloc of size \d+ failed|mmap failed.{0,20}memory"
)
"""Memory that was asked for and not given; nothing is killed by that."""
_KILLED = (
    r"\bOOM-?Killed\b(?!\W{0,4}(?:false|no\b))|Memory cgroup out of memory|oom-kill:|Out of memory: Kill|OOMKilling"
    r"|\bKilled\s*$|SIGKILL|exited with (?:code )?137"
)


@rule("container-oom-killed")
def container_killed(reading: Reading) -> Iterator[Finding]:
    """The limit killed it. Exit code 137 alone says only that something sent SIGKILL."""
    if reading.stage == "build":
        return
    facts = memory_facts(reading)
    hit = reading.find(
        r"\bOOM-?Killed\b(?!\W{0,4}(?:false|no\b))|Memory cgroup out of memory|oom-kill:constraint"
        r"|invoked oom-killer|Out of memory: Kill(?:ed)? process|oom_kill_process|System OOM encountered"
        r"|OOMKilling|PodOutOfMemory"
        r"|(?:container|pod|process|replica) .{0,60}(?:exceed(?:ed|s|ing)|over|above|out of) (?:its |the "
        r"|your )?(?:configured |allowed )?memory(?: limit)?|[Mm]emory limit (?:of \S+(?: [KMG]i?B)? )?(?:exceeded|reached)"
        r"|killed (?:due to|because of|for) (?:out of |low |excessive |exceeding )?memory|out-of-memory"
        r"|due to the node running low on memory"
        r"|terminated .{0,40}OOM\b|ran out of memory"
    )
    if hit and "Perhaps out of memory" in hit.line.text:
        hit = None  # gunicorn's guess about a worker; the container lives
    ran_out = reading.find(_REFUSED)
    if reading.oom_killed or (hit and not re.search(r"CUDA|GPU|cuda", hit.line.text)):
        proof = ran_out if facts.get("killed") == "no" and ran_out else hit
        yield found("container-oom-killed", Depth.ROOT, proof, _code(reading), facts=facts)
        return
    if ran_out:
        yield found("container-oom-killed", Depth.SPECIFIC, ran_out, facts=facts)
    killed = reading.find(r"^(?:/\S+: line \d+:\s+\d+ |\[\d+\]\S?\s+\d+ |.{0,80}\d+ )?Killed\b(?:\s{2,}.*|\s*)$", LOGS)
    if killed:
        yield found("container-oom-killed", Depth.SYMPTOM - 3, killed, _code(reading), facts=facts)
    if reading.exit_code in (137, -9) and not reading.find(
        r"liveness|Killing|startup probe|Stopping container|preempt|evict|docker (?:kill|stop)",
        ("k8s_events", "k8s_reason", "log"),
    ):
        told = reading.oom_killed is not False
        busy = reading.find(
            r"(?<!not )\b(?:load|read|init|model|alloc|memory|batch|embedding|shard|tensor|fit|download)", LOGS
        )
        # One that has served requests was beyond loading: who killed it is not told.
        serving = reading.find(r"\" 200\b|startup complete|init has completed", LOGS)
        if told and ((busy and not serving) or killed):
            yield found("container-oom-killed", Depth.SYMPTOM, _code(reading), busy, certain=False, facts=facts)


def _code(reading: Reading):  # type: ignore[no-untyped-def]
    return reading.statement("exit code", reading.exit_code) if reading.exit_code is not None else None


def memory_facts(reading: Reading) -> dict[str, str]:
    """The limit; and whether anything was killed (``killed``: ``no``, or the ``worker``), else what asked for too much."""
    facts = _limit(reading)
    failure = reading.failure
    raised = failure.get("kind") == "exception" and bool(failure.get("oom"))
    died = reading.oom_killed or reading.exit_code in (137, -9)
    if raised or (not died and reading.find(_REFUSED) and not reading.find(_KILLED)):
        return {**facts, "killed": "no", "raised": _asking(reading)}
    if reading.target == "local" or failure.get("oom"):
        facts["killed"] = "worker"  # of our own runtime, which lives and starts another
    return facts


def _asking(reading: Reading) -> str:
    """What asked for more than there was: ``init()``, ``run()``, the script while it was loaded; ``""`` if not known."""
    stage = str(reading.failure.get("stage") or "")
    if stage == "import":
        return reading.evidence.script_name
    if stage in ("init", "run"):
        return f"{stage}()"
    last = reading.last_exception()
    functions = [frame.function for frame in last.frames] if last else []
    return next((f"{name}()" for name in ("init", "run") if name in functions), "")


def _limit(reading: Reading) -> dict[str, str]:
    """The memory limit, from the evidence or from its text, and a new one that is twice as large."""
    limit = reading.evidence.memory_limit
    if not limit and (
        hit := reading.find(
            r"(?:memory (?:limit|usage)|limit:?|--memory[ =]|-m ) ?(?:of "
            r"|is )?(?P<size>\d+(?:\.\d+)?) ?(?P<unit>[KMG]i?)B?\b"
        )
    ):
        unit = {"k": 2**10, "m": 2**20, "g": 2**30}[hit["unit"][0].lower()]
        limit = int(float(hit["size"]) * unit)
    if not limit:
        return {}
    doubled = max(limit * 2, 2**29)
    return {"limit": _size(limit), "new_memory": _size(doubled).replace(" ", "").removesuffix("B")}


def _size(size: int) -> str:
    return f"{size / _GIB:.3g} GiB" if size >= _GIB else f"{size // 2**20} MiB"


@rule("cuda-out-of-memory")
def gpu_memory(reading: Reading) -> Finding | None:
    """The memory of the GPU is full."""
    hit = reading.find(
        r"CUDA out of memory|torch\.(?:cuda\.)?OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY"
        r"|CUDA error: out of memory|cudaErrorMemoryAllocation|CUBLAS_STATUS_ALLOC_FAILED"
        r"|CUDNN_STATUS_ALLOC_FAILED|CUDNN_STATUS_NOT_INITIALIZED|OOM when allocating tensor"
        r"|RESOURCE_EXHAUSTED: .{0,40}(?:out of memory|allocating|failed to allocate)"
        r"|failed to allocate [\d.]+\S+ \(\d+ bytes\) from device|No available memory for the cache blocks"
        r"|Allocator \(GPU_\d+_bfc\) ran out of memory|BFCArena::AllocateRawInternal"
        r"|cuda(?:Malloc)? failed:? out of memory|cudaMalloc.{0,30}out of memory"
        r"|out of memory.{0,40}\b(?:GPU|CUDA|HIP)\b|(?:GPU|CUDA|HIP) out of memory"
        r"|Free memory on device .{0,60}is less than desired GPU memory utilization"
        r"|Out of memory allocating \d+ bytes|Failed to allocate memory for requested buffer of size"
    )
    if not hit:
        return None
    wanted = reading.find(r"Tried to allocate (?P<size>[\d.]+ [KMG]iB)")
    total = reading.find(r"(?P<size>[\d.]+ [KMG]iB) total capacity|total capacity of (?P<of>[\d.]+ [KMG]iB)")
    return found("cuda-out-of-memory", Depth.ROOT - 2, hit, wanted=wanted["size"] if wanted else "",
                 total=(total["size"] or total["of"]) if total else "")  # fmt: skip
