"""Which module may import which."""

import ast
from pathlib import Path

from devtools import layout

# The modules that dispatch to the lab.
_DISPATCHERS = {"devtools.cli", "devtools.testing"}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(layout.ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports() -> dict[str, set[str]]:
    """Each module of devtools and lab outside tests, with the modules that it imports."""
    paths = {_module(path): path for name in ("devtools", "lab") for path in (layout.ROOT / name).rglob("*.py")}
    paths = {module: path for module, path in paths.items() if ".tests" not in module}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        found[module] = (names & paths.keys()) - {"devtools", "lab", module}
    return found


def test_only_the_dispatchers_import_the_lab() -> None:
    imports = _imports()
    users = {
        module
        for module, used in imports.items()
        if module.startswith("devtools") and any(name.startswith("lab.") for name in used)
    }
    assert users == _DISPATCHERS
    assert not any(_DISPATCHERS & used for module, used in imports.items() if module.startswith("lab"))


def test_no_module_imports_itself_through_others() -> None:
    imports = _imports()
    assert len(imports) > 40
    while leaves := {module for module, used in imports.items() if not used & imports.keys()}:
        imports = {module: used for module, used in imports.items() if module not in leaves}
    assert imports == {}
