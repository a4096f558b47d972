"""Execute a notebook so that its output repeats byte for byte, and export it as one HTML page."""

from __future__ import annotations

import ast
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback_alignment.files import replacing, write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Sockets are files below the working folder, whose path must stay under some hundred characters.
_LONGEST_TEMP = 60

_CSS = """
:root { color-scheme: light dark; --ink: #22262b; --soft: #5b6067; --line: #dfe3e8; --code: #f6f7f9;
  --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --soft: #a2a9b3; --line: #363b43;
  --code: #23272e; --page: #181b20; } }
body { margin: 0 auto; max-width: 52rem; padding: 2rem 1.2rem 4rem; background: var(--page);
  color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; }
pre, code { font: 13px/1.5 ui-monospace, monospace; }
.input_area pre { background: var(--code); border-radius: 6px; padding: .7rem .9rem;
  overflow-x: auto; }
.output_text pre, .output_error pre { overflow-x: auto; }
.prompt { display: none; }
.output_html { overflow-x: auto; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
table { border-collapse: collapse; border: 0; font-size: 13px; margin: .8rem 0;
  font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border: 0; border-bottom: 1px solid var(--line);
  text-align: right !important; white-space: nowrap; }
thead th { white-space: normal; vertical-align: bottom; min-width: 4.5rem; }
"""


class NotebookError(Exception):
    """A notebook that could not be executed; the message is one line."""


class UnknownParameterError(NotebookError):
    """A parameter that the notebook's parameters cell does not set."""


class CellFailedError(NotebookError):
    """A cell that raised; the failed notebook is kept for reading.

    Attributes:
        failed: path of the notebook as far as it ran, with the whole traceback.
    """

    def __init__(self, message: str, failed: Path) -> None:
        super().__init__(message)
        self.failed = failed


def execute(
    notebook: Path, output_ipynb: Path, output_html: Path, parameters: Mapping[str, Any]
) -> None:
    """Execute a notebook with parameters and write it as `.ipynb` and as one offline HTML page.

    The kernel is the running interpreter, isolated from the user's Jupyter settings, and works in
    the folder of `output_ipynb`. Neither output holds a time, a random id or a path of the machine.

    Args:
        notebook: the notebook to execute; it stays as it is.
        output_ipynb: where the executed notebook goes.
        output_html: where the HTML page goes.
        parameters: values for the cell tagged `parameters`. A `Path`, or a list of them, is handed
            over relative to the folder of `output_ipynb`.

    Raises:
        UnknownParameterError: the parameters cell does not set one of `parameters`.
        CellFailedError: a cell raised; `<output>.failed.ipynb` is kept.
        NotebookError: the notebook cannot be read, or its kernel died.
    """
    notebook, output_ipynb, output_html = map(Path, (notebook, output_ipynb, output_html))
    _check_parameters(notebook, parameters)
    folder = output_ipynb.absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    failed = output_ipynb.with_name(f"{output_ipynb.stem}.failed.ipynb")
    given = {name: _relative(value, folder) for name, value in parameters.items()}
    with _isolation() as work:
        executed = _run(notebook, given, folder, work, failed)
        page = _page(executed, output_html.stem)
    _write(executed, output_ipynb)
    write_text(output_html, page)
    failed.unlink(missing_ok=True)


def parameters_of(notebook: Path) -> list[str]:
    """The names that a notebook's parameters cell sets.

    Raises:
        NotebookError: the file is missing, or is not a notebook.
    """
    for cell in _read(notebook).cells:
        if "parameters" in cell.metadata.get("tags", []):
            statements = ast.parse(cell.source).body
            targets = [t for s in statements if isinstance(s, ast.Assign) for t in s.targets]
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    known = parameters_of(notebook)
    for name in parameters:
        if name not in known:
            knows = ", ".join(known) or "nothing"
            raise UnknownParameterError(
                f"{notebook}: unknown parameter {name}; its parameters cell sets {knows}"
            )


def _read(notebook: Path) -> NotebookNode:
    import nbformat

    if not Path(notebook).is_file():
        raise NotebookError(f"{notebook}: there is no such notebook")
    try:
        return nbformat.read(notebook, as_version=4)
    except Exception as error:
        raise NotebookError(f"{notebook}: not a notebook: {_line(error)}") from error


def _relative(value: Any, folder: Path) -> Any:
    # From folder to folder, so that results look the same wherever the project lies.
    if isinstance(value, Path):
        return Path(os.path.relpath(value.absolute(), folder)).as_posix()
    return [_relative(v, folder) for v in value] if isinstance(value, list) else value


@contextmanager
def _isolation() -> Iterator[Path]:
    """A working folder for kernel and converter, and an environment without the user's settings."""
    base = tempfile.gettempdir()
    if len(base) > _LONGEST_TEMP and os.path.isdir("/tmp"):
        base = "/tmp"
    library = str(Path(__file__).resolve().parents[1])
    python_path = [library, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with tempfile.TemporaryDirectory(prefix="notebook-", dir=base) as work:
        private = {
            "IPYTHONDIR": f"{work}/ipython",
            "JUPYTER_CONFIG_DIR": f"{work}/config",
            "JUPYTER_DATA_DIR": f"{work}/data",
            "JUPYTER_RUNTIME_DIR": f"{work}/runtime",
            "MPLCONFIGDIR": f"{work}/matplotlib",
            "MPL_IGNORE_SYSTEM_FONTS": "1",
            "MPLBACKEND": "agg",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(python_path)),
        }
        cleared = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "MATPLOTLIBRC", "PYTHONSTARTUP")
        before = {name: os.environ.get(name) for name in (*private, *cleared)}
        for name in (*cleared, *private):
            os.environ.pop(name, None)
        os.environ.update(private)
        try:
            yield Path(work)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def _kernel_class(work: Path) -> type:
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    class Kernel(AsyncKernelManager):
        """The running interpreter, over sockets of its own: TCP ports collide now and then."""

        def __init__(self, **settings: Any) -> None:
            specs = KernelSpecManager(kernel_dirs=[])  # none installed: the native kernel remains
            own = {"transport": "ipc", "connection_file": str(work / "kernel.json")}
            super().__init__(**own, kernel_spec_manager=specs, **settings)

    return Kernel


def _run(
    notebook: Path, parameters: Mapping[str, Any], folder: Path, work: Path, failed: Path
) -> NotebookNode:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source, output = work / "source.ipynb", work / "output.ipynb"
    shutil.copyfile(notebook, source)
    try:
        executed = papermill.execute_notebook(
            source,
            output,
            parameters=dict(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel_manager_class=_kernel_class(work),
            shutdown_kernel="immediate",  # a polite interrupt makes the kernel print now and then
            resources={"metadata": {"path": str(folder)}},
        )
    except PapermillExecutionError as error:
        with replacing(failed) as temporary:
            shutil.copyfile(output, temporary)
        what = f"{error.ename}: {_line(error.evalue)}"
        message = f"{notebook}, cell [{error.exec_count}]: {what} (see {failed})"
        raise CellFailedError(message, failed) from error
    except Exception as error:
        raise NotebookError(f"{notebook}: {type(error).__name__}: {_line(error)}") from error
    return _without_traces(executed)


def _without_traces(notebook: NotebookNode) -> NotebookNode:
    """Drop what differs between two equal runs: times, and the random ids of cells."""
    notebook.metadata.pop("papermill", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    return notebook


def _write(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    write_text(path, nbformat.writes(notebook) + "\n")


def _page(notebook: NotebookNode, title: str) -> str:
    from nbconvert.exporters import HTMLExporter
    from pygments.formatters import HtmlFormatter

    # The other templates load scripts and styles from the network.
    exporter = HTMLExporter(template_name="basic", exclude_anchor_links=True)
    body, _ = exporter.from_notebook_node(notebook)
    light, dark = (HtmlFormatter(style=name) for name in ("default", "github-dark"))
    colors = "\n".join(
        [
            *_token_styles(light),
            "@media (prefers-color-scheme: dark) {",
            *_token_styles(dark),
            "}",
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}{colors}</style>\n</head>\n"
        f"<body>\n<main>\n{body.strip()}\n</main>\n</body>\n</html>\n"
    )


def _token_styles(formatter: Any) -> list[str]:
    # The page has its own background for code.
    lines = formatter.get_style_defs(".highlight").splitlines()
    return [line for line in lines if line.startswith(".highlight .")]


def _line(error: object) -> str:
    """The first line of a message that is not empty."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
