"""A throw-away copy of the project, and the calls a user makes in it."""

import os
import re
import shutil
import subprocess
import sys
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
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

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
