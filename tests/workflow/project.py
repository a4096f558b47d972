"""A throw-away copy of the project, and the calls a user makes in it."""

import fcntl
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = """\
name: tiny
experiments:
  widths:
    figures: [song_alignment_width, song_loss]
    replicates: 2
    settings: {rule: fa, samples: 6, dimension: 9, steps: 60, eta: 1e-2}
    grid:
      activation: [linear, relu]
      width: [20, 40]
      l2: [0, 0.5]
"""


# Calls of snakemake start from a process that has its libraries loaded, in half the time.
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(["snakemake.cli", "numpy", "pydantic", "ruamel.yaml"])


def _snakemake(folder: Path, environment: dict[str, str], arguments: list[str], said: Path) -> None:
    """What `python -m snakemake` does; the output goes to `said`/1 and `said`/2."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for stream in (1, 2):
        os.dup2(os.open(said / str(stream), os.O_CREAT | os.O_WRONLY), stream)
    sys.argv[1:] = arguments
    import snakemake.cli

    snakemake.cli.main()


@dataclass
class Project:
    """A copy of the project in a folder of its own."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, config: str = TINY) -> "Project":
        folders = ("workflow", "profiles", "resources", "scripts", "notebooks", "src")
        for name in ("Snakefile", "requirements.lock", "environment.yml", *folders):
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".ipynb_checkpoints")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, folder / name)
        (folder / "config").mkdir()
        shutil.copy(ROOT / "config/sources.yaml", folder / "config")
        project = cls(folder)
        project.configure(config)
        return project

    @classmethod
    def built(cls, tmp_path_factory, name: str, config: str = TINY) -> "Project":
        """The project after a whole run, made once for all workers: copy it to change anything."""
        above = tmp_path_factory.getbasetemp()
        # A worker's folder lies in that of the whole call.
        above = above.parent if "PYTEST_XDIST_WORKER" in os.environ else above
        folder, done = above / name, above / f"{name}.done"
        with (above / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                cls.create(folder, config).run()
                done.touch()
        return cls(folder)

    def copy(self, folder: Path) -> "Project":
        """A copy that a test may change, file times kept."""
        shutil.copytree(self.folder, folder)
        return Project(folder)

    @property
    def results(self) -> Path:
        return self.folder / "results/tiny"

    def configure(self, text: str) -> None:
        (self.folder / "config/config.yaml").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        """The copy's own library, and none of the settings of a surrounding run."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "PYTEST"))}
        return kept | {"PYTHONPATH": str(self.folder / "src")}

    def snakemake(self, *arguments: str, timeout: int = 600) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder)
            call = (self.folder, self.environment, list(arguments), said)
            process = _LOADED.Process(target=_snakemake, args=call)
            process.start()
            process.join(timeout)
            if process.exitcode is None:
                process.kill()
                raise subprocess.TimeoutExpired(arguments, timeout)
            texts = [(said / stream).read_text(encoding="utf-8") for stream in "12"]
            return subprocess.CompletedProcess(arguments, process.exitcode, *texts)

    def start(self, *arguments: str) -> subprocess.Popen:
        """A call that goes on while the test does other things."""
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, cores: int = 2) -> str:
        done = self.snakemake("--cores", str(cores), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pending(self, *arguments: str) -> dict[str, int]:
        """Number of jobs of each rule that a dry run announces."""
        done = self.snakemake("-n", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        text = done.stdout + done.stderr
        if "Nothing to be done" in text:
            return {}
        table = text.split("Job stats:")[1].split("total")[0]
        counts = dict(re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE))
        return {rule: int(count) for rule, count in counts.items() if rule != "all"}
