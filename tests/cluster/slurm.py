"""A SLURM of one node, this machine, from Debian's packages: started for a test, and stopped."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# Jobs lose SLURM_CONF on their way through Snakemake's plugin, so it must lie where SLURM looks.
CONF = Path("/etc/slurm/slurm.conf")
SETTINGS = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
# The test looks at finished jobs.
MinJobAge=3600
{node} NodeAddr=127.0.0.1
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why SLURM cannot be started here; empty if it can."""
    commands = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
    lacking = [name for name in commands if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    if lacking:
        return f"no {', '.join(lacking)}: apt-get install --no-install-recommends slurm-wlm munge"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "no executor plugin: pip install -c requirements.lock -e '.[cluster]'"
    if CONF.exists():
        return f"this machine has a SLURM of its own: {CONF}"
    return ""


@contextmanager
def running() -> Iterator[None]:
    """Start the daemons; stop them, and all jobs, at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        # Whoever sends a job must reach munge's socket.
        folder.chmod(0o755)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        settings = folder / "slurm.conf"
        node = subprocess.run(["slurmd", "-C"], capture_output=True, text=True).stdout
        settings.write_text(
            SETTINGS.format(
                folder=folder,
                host=socket.gethostname().partition(".")[0],
                node=node.splitlines()[0],
            )
        )
        # What a killed test has left leads nowhere.
        CONF.unlink(missing_ok=True)
        CONF.symlink_to(settings)
        stack.callback(CONF.unlink)
        places = {
            f"--{kind}": folder / f"munge.{kind}"
            for kind in ("socket", "pid-file", "log-file", "seed-file")
        }
        for command in (
            ["munged", "--foreground", f"--key-file={key}", *map("=".join, _texts(places))],
            ["slurmctld", "-D", "-f", str(settings)],
            ["slurmd", "-D", "-f", str(settings)],
        ):
            with (folder / f"{command[0]}.out").open("w") as out:
                daemon = subprocess.Popen(command, stdout=out, stderr=out)
            stack.callback(_stop, daemon)
            time.sleep(1)
        stack.callback(subprocess.run, ["scancel", "--user=root"], check=False)
        _wait_until_idle()
        yield


def jobs() -> list[dict[str, str]]:
    """What SLURM knows of the jobs that were sent."""
    said = subprocess.run(
        ["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in said.stdout.splitlines() if line.startswith("JobId=")]
    return [dict(word.split("=", 1) for word in line if "=" in word) for line in lines]


def _texts(places: dict[str, Path]) -> list[tuple[str, str]]:
    return [(option, str(path)) for option, path in places.items()]


def _wait_until_idle() -> None:
    for _ in range(60):
        said = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True
        )
        if said.stdout.strip() == "idle":
            return
        time.sleep(1)
    raise TimeoutError(f"SLURM does not start: {said.stdout}{said.stderr}")


def _stop(daemon: subprocess.Popen) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
