"""What is shipped, what it may import, and what every file of it looks like."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from statistics import median

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("service", "embedding", "indexing", "nearfield")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# The two composition roots read it. Three modules set it: two say whether the hub may be asked over a network, one
# gives a worker process the settings of its main process.
MAY_TOUCH_THE_ENVIRONMENT = {
    *("service/cli.py", "service/main.py"),
    *("embedding/text/encoder_hub.py", "embedding/text/sentence_encoder.py", "service/workers/worker.py"),
    "service/workers/processes.py",
}
# What takes its time to import, and what a help text has no use for.
HEAVY = (
    "granian",
    "httpx",
    "litestar",
    "lxml",
    "matplotlib",
    "openpyxl",
    "pyarrow",
    "qdrant_client",
    "qdrant_edge",
    "sentence_transformers",
    "torch",
)
MAX_LINES, MAX_MEDIAN_LINES = 300, 90


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {*PACKAGES, f"nearfield-{PROJECT['version']}.dist-info"}
    shipped = {name for name in names if name.endswith(".py")}
    assert shipped == {path.relative_to(ROOT).as_posix() for path in MODULES}
    for package in PACKAGES:
        assert f"{package}/py.typed" in names


def test_the_wheel_is_imported_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import service.cli, service.app, embedding, indexing, nearfield;"
        "print(*(m.__file__ for m in (service.cli, embedding, indexing, nearfield)), sep='\\n')"
    )
    command = [sys.executable, "-I", "-c", code, str(tmp_path / "site")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(tmp_path / "site")) for line in done.stdout.splitlines()), done.stdout


def test_the_wheel_can_not_be_uploaded(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    assert "Classifier: Private :: Do Not Upload" in text


def test_no_other_distribution_owns_our_names() -> None:
    owners = metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["nearfield"])) == {"nearfield"}


Requires = Callable[[str], list[str] | None]
# What torch's CUDA build needs besides what its CPU build does. Its own metadata says which versions; an environment
# with the CPU build knows nothing of them, so constraints.txt has none of them (`make constraints` leaves them out).
CUDA = re.compile(r"(cuda|nvidia)-|triton$")


def pins() -> dict[str, str]:
    """Version of each distribution that constraints.txt names."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    named = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in named}


def test_everything_installed_is_pinned() -> None:
    pinned = pins()
    assert not [(name, version) for name, version in pinned.items() if "+" in version or CUDA.match(name)]
    installed = {name: metadata.version(name).split("+")[0] for name in needed_distributions(metadata.requires)}
    assert {name: pinned.get(name) for name in installed} == installed


def needed_distributions(requires: Requires) -> set[str]:
    """Names of what this project needs on this machine, to the last step, but for what torch's CUDA build adds."""
    extras = PROJECT["optional-dependencies"]["dev"]
    todo = [Requirement(text) for text in (*PROJECT["dependencies"], *extras)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        wanted = todo.pop()
        name, key = canonicalize_name(wanted.name), (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in requires(name) or []:
            needed = Requirement(text)
            if name == "torch" and CUDA.match(canonicalize_name(needed.name)):
                continue
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in ("", *wanted.extras)):
                todo.append(needed)
    return {name for name, _ in seen}


def test_the_same_is_needed_with_either_build_of_torch() -> None:
    def of_cpu_build(name: str) -> list[str] | None:
        return ["filelock", "sympy>=1.13.3"] if name == "torch" else metadata.requires(name)

    def of_cuda_build(name: str) -> list[str] | None:
        if name == "torch":
            return [
                "filelock",
                "sympy>=1.13.3",
                "triton==3",
                "cuda-bindings<14",
                "cuda-toolkit[nvtx]==13",
                "nvidia-x==1",
            ]
        return metadata.requires(name)

    assert needed_distributions(of_cpu_build) == needed_distributions(of_cuda_build)


def test_only_torch_is_let_off_what_cuda_needs() -> None:
    """A library that needs CUDA of its own accord, or torch one that is something else, has to be pinned."""

    def with_more(name: str) -> list[str] | None:
        more = {"numpy": ["nvidia-x", "triton"], "torch": ["tritonclient", "filelock"]}
        return more.get(name, metadata.requires(name) if name in needed else None)

    needed = needed_distributions(metadata.requires)
    assert {"nvidia-x", "triton", "tritonclient"} <= needed_distributions(with_more)


def test_asking_for_help_loads_nothing_heavy() -> None:
    assert loaded_by("import service.cli as c; c.nearfield.main(['--help'], standalone_mode=False)", HEAVY) == []


def test_the_application_loads_no_torch() -> None:
    assert loaded_by("import service.app", ("torch", "sentence_transformers", "transformers", "matplotlib")) == []


def test_importing_the_client_loads_next_to_nothing() -> None:
    ours = ("embedding", "indexing", "service", "numpy", *HEAVY)
    assert loaded_by("import nearfield", (*ours, "msgspec")) == []
    of_the_client = tuple(name for name in ours if name != "httpx")
    assert loaded_by("import nearfield; nearfield.Client('http://127.0.0.1:8080')", of_the_client) == []


def test_opening_is_ready_for_torch_and_does_not_load_it() -> None:
    assert loaded_by("import nearfield; nearfield.open", ("torch", "sentence_transformers", "litestar", "scipy")) == []


def loaded_by(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of `names` are loaded after `code` ran in a fresh interpreter."""
    report = f"import sys; {code}; sys.stderr.write(' '.join(n for n in {names!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr.split()


def test_each_module_says_what_it_decides() -> None:
    first_lines = {name_of(module): (docstring_of(module) or "").split("\n", 1)[0] for module in MODULES}
    assert [name for name, line in first_lines.items() if not line.endswith((".", ":"))] == []


def test_files_stay_small() -> None:
    lines = {name_of(module): module.read_text(encoding="utf-8").count("\n") for module in MODULES}
    assert {name: number for name, number in lines.items() if number > MAX_LINES} == {}
    assert median(number for name, number in lines.items() if not name.endswith("__init__.py")) <= MAX_MEDIAN_LINES


def test_only_the_roots_read_the_environment() -> None:
    reads = {name_of(module): list(environment_reads(module)) for module in MODULES}
    assert {name: found for name, found in reads.items() if found and name not in MAY_TOUCH_THE_ENVIRONMENT} == {}


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def docstring_of(module: Path) -> str | None:
    return ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def environment_reads(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" | "putenv"):
                yield f"line {node.lineno}: os.{node.attr}"
            case ast.ImportFrom(module="os", names=names):
                yield from (f"line {node.lineno}: {n.name}" for n in names if n.name in {"environ", "getenv"})
            case ast.keyword(arg="auto_envvar_prefix" | "envvar"):
                yield f"line {node.value.lineno}: {node.arg}"


def test_every_folder_of_tests_is_a_package() -> None:
    # Fixtures lie beside the scripts that made them, which no test imports.
    for folder in {path.parent for path in (ROOT / "tests").rglob("*.py") if "fixtures" not in path.parts}:
        assert (folder / "__init__.py").is_file(), f"{folder}: without __init__.py it shadows the package of its name"


def test_the_licence_is_the_one_named() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert re.search(r"Apache License\s+Version 2\.0", (ROOT / "LICENSE").read_text(encoding="utf-8"))
