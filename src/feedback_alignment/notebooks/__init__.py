"""Execute a notebook so that its output repeats byte for byte, and export it as one HTML page."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback_alignment.files import replacing, write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Sockets are files below the working folder, whose path must stay under some hundred characters.
_LONGEST_TEMP = 60
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class NotebookError(Exception):
    """A notebook that could not be executed; the message is one line."""


def execute(
    notebook: Path, output_ipynb: Path, output_html: Path, parameters: Mapping[str, Any]
) -> None:
    """Execute a notebook with parameters and write it as `.ipynb` and as one offline HTML page.

    The kernel is the running interpreter, isolated from the user's Jupyter settings, and works in
    the folder of `output_ipynb`. Neither output holds a time, a random id or a path of the machine.

    Of the values for the cell tagged `parameters`, a `Path`, or a list of them, is handed over
    relative to that folder.

    Raises:
        NotebookError: the notebook cannot be read, its parameters cell does not set one of
            `parameters`, its kernel died, or a cell raised; then the notebook as far as it ran is
            kept as `<output>.failed.ipynb`, with the whole traceback.
    """
    content = _read(notebook)
    folder = output_ipynb.absolute().parent
    failed = output_ipynb.with_name(f"{output_ipynb.stem}.failed.ipynb")
    given = {name: _relative(value, folder) for name, value in parameters.items()}
    with _isolation() as work:
        source = work / "source.ipynb"
        _write(content, source)
        _check_parameters(notebook, source, parameters)
        folder.mkdir(parents=True, exist_ok=True)
        executed = _run(notebook, source, given, folder, failed)
        page = _page(executed, output_html.stem)
    _write(executed, output_ipynb)
    write_text(output_html, page)
    failed.unlink(missing_ok=True)


def _check_parameters(notebook: Path, source: Path, parameters: Mapping[str, Any]) -> None:
    from papermill import inspect_notebook

    known = inspect_notebook(source)
    for name in parameters:
        if name not in known:
            what = "no cell sets parameters; the first code cell needs the tag parameters"
            if known:
                what = f"unknown parameter {name}; its parameters cell sets {', '.join(known)}"
            needed = f"must set {', '.join(parameters)} (docs/adding_a_figure.md)"
            raise NotebookError(f"{notebook}: {what}, and {needed}")


def _read(notebook: Path) -> NotebookNode:
    import nbformat

    if not notebook.is_file():
        raise NotebookError(f"{notebook}: there is no such notebook")
    try:
        content = nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4)
    except Exception as error:
        raise NotebookError(f"{notebook}: not a notebook: {_line(error)}") from error
    # Papermill asks in which language the parameters are written.
    content.metadata.setdefault("kernelspec", dict(_KERNEL))
    return content


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
    library = str(Path(__file__).resolve().parents[2])
    python_path = [library, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with tempfile.TemporaryDirectory(prefix="notebook-", dir=base) as work:
        (Path(work) / "matplotlib").mkdir()
        # Together with SOURCE_DATE_EPOCH: a plain savefig writes no random id and no time.
        (Path(work) / "matplotlib/matplotlibrc").write_text("svg.hashsalt: feedback-alignment\n")
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
            "SOURCE_DATE_EPOCH": "0",
        }
        cleared = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "MATPLOTLIBRC", "PYTHONSTARTUP")
        before = dict(os.environ)
        for name in cleared:
            os.environ.pop(name, None)
        os.environ.update(private)
        try:
            yield Path(work)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _kernel_class(work: Path) -> type:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class Kernel(AsyncKernelManager):
        """The running interpreter, over sockets of its own: TCP ports collide now and then."""

        def __init__(self, **settings: Any) -> None:
            specs = KernelSpecManager(kernel_dirs=[])  # none installed: the native kernel remains
            own = {"transport": "ipc", "connection_file": str(work / "kernel.json")}
            super().__init__(**own, kernel_spec_manager=specs, **settings)

    return Kernel


def _run(
    notebook: Path, source: Path, parameters: Mapping[str, Any], folder: Path, failed: Path
) -> NotebookNode:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    output = source.with_name("output.ipynb")
    try:
        executed = papermill.execute_notebook(
            source,
            output,
            parameters=dict(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel_manager_class=_kernel_class(source.parent),
            shutdown_kernel="immediate",  # a polite interrupt makes the kernel print now and then
            resources={"metadata": {"path": str(folder)}},
        )
    except PapermillExecutionError as error:
        with replacing(failed) as temporary:
            shutil.copyfile(output, temporary)
        what = f"{error.ename}: {_line(error.evalue)}"
        message = f"{notebook}, cell [{_number(error.exec_count, output)}]: {what} (see {failed})"
        raise NotebookError(message) from error
    except Exception as error:
        raise NotebookError(f"{notebook}: {type(error).__name__}: {_line(error)}") from error
    return _without_traces(executed)


def _number(executed: int, output: Path) -> int:
    """The number of a code cell in the user's notebook, which has no cell with the values given."""
    import nbformat

    cells = nbformat.read(output, as_version=4).cells
    given = [c for c in cells if "injected-parameters" in c.metadata.get("tags", [])]
    return executed - sum((cell.execution_count or executed) < executed for cell in given)


def _without_traces(notebook: NotebookNode) -> NotebookNode:
    """Drop what differs between equal runs: times, random ids of cells, the Python's version."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
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

    exporter = HTMLExporter(
        template_name="notebook_page",
        extra_template_basedirs=[str(Path(__file__).parent)],
        exclude_anchor_links=True,
    )
    colours = {"light": "default", "dark": "github-dark"}
    styles = {k: HtmlFormatter(style=v).get_style_defs(".highlight") for k, v in colours.items()}
    resources = {"metadata": {"name": title}, **styles}
    return exporter.from_notebook_node(notebook, resources=resources)[0]


def _line(error: object) -> str:
    """The first line of a message that is not empty."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
