"""Which uses of the v1 API stand in Python text and in commands, each with its verdict: what ``mldeploy import`` reports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from jupyter_mldeploy.azureml.facade import INTERNAL
from jupyter_mldeploy.azureml.findings import CHANGES, REFUSED, RUNS, Finding, command_finding
from jupyter_mldeploy.azureml.members import Owner, all_of, classes, has, has_member, is_module, parameters
from jupyter_mldeploy.azureml.unknown import member_sentence, reason_for
from jupyter_mldeploy.azureml.use_tables import (
    ALWAYS_REFUSED,
    AZURE_ONLY,
    CONFIGURES,
    ELEMENTS,
    GONE,
    GONE_OF_NUMPY,
    MAKES,
    MODULES,
)
from jupyter_mldeploy.azureml.written_values import configuration_problem

__all__ = ["Uses", "script_findings"]


class Uses(ast.NodeVisitor):
    """Finds imports of the SDK, and what is asked of what was imported or made of it.

    Attributes:
        findings: What was found, in the order of the text.
        cell: Number of the cell that is read.
        is_script: Whether the text that was read last is a scoring script.
    """

    def __init__(self, file: str, cell: int = 0, script: str = "") -> None:
        self.file = file
        self.cell = cell
        self.findings: list[Finding] = []
        self.is_script = False
        self._script = script
        self._names: dict[str, Owner] = {}  # name here → module, name there
        self._made: dict[str, Owner] = {}  # variable → class it is of
        self._modules: dict[str, str] = {}  # name here → module
        self._missing: dict[str, str] = {}  # name that a * would have brought → module
        self._numpy: set[str] = set()

    def read(self, text: str) -> str:
        """Read one text; what is wrong with it, or ``""``. IPython's own lines are no Python, and no mistake."""
        from jupyter_mldeploy.capture.parsing import Parsed, parse

        parsed = parse(text)
        if not isinstance(parsed, Parsed):
            last = parsed[-1]
            return f"line {last.line}: {last.message}".rstrip(".") if last.line else last.message
        functions = {item.name for item in parsed.tree.body if isinstance(item, ast.FunctionDef)}
        self.is_script = {"init", "run"} <= functions
        self.visit(parsed.tree)
        return ""

    # -- names -----------------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name == "numpy":
                self._numpy.add(alias.asname or alias.name)
            if alias.name.partition(".")[0] == "azureml":
                self._imported(alias.name, "", node.lineno)
                self._modules[alias.asname or "azureml"] = alias.name if alias.asname else "azureml"

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._missing.pop(alias.asname or alias.name, None)
            if (gone := GONE.get((node.module or "", alias.name))) and not node.level:
                self._note(CHANGES, f"{node.module}.{alias.name}", gone, node.lineno)
        if node.level or (node.module or "").partition(".")[0] != "azureml":
            return
        for alias in node.names:
            module, name = str(node.module), alias.asname or alias.name
            if alias.name == "*":
                here, missing = all_of(module)
                self._names |= {each: (module, each) for each in here}
                self._missing |= dict.fromkeys(missing, module)
            elif is_module(f"{module}.{alias.name}"):
                self._modules[name] = f"{module}.{alias.name}"
            else:
                self._names[name] = (module, alias.name)
            self._imported(module, alias.name, node.lineno)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self._bind(target, self._class_of(node.value))
            if isinstance(target, ast.Attribute) and target.attr == "base_dockerfile":
                self._dockerfile(node.value)

    def _dockerfile(self, value: ast.expr) -> None:
        """Of a text that is written out it can be said whether its instructions are carried out."""
        from jupyter_mldeploy.errors import MLDeployError
        from jupyter_mldeploy.spec.docker_steps import read_dockerfile

        if isinstance(value, ast.Constant) and isinstance(value.value, str) and "\n" in value.value:
            try:
                read_dockerfile(value.value, "base_dockerfile")
            except MLDeployError as error:
                self._note(CHANGES, "docker.base_dockerfile", error.summary, value.lineno)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._bind(node.target, self._element_of(node.iter))
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        self._bind(node.target, self._element_of(node.iter))
        for condition in node.ifs:
            self.visit(condition)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehended(node.generators, node.elt)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehended(node.generators, node.elt)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehended(node.generators, node.elt)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehended(node.generators, node.key, node.value)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, None)
        for statement in node.body:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self._scope(node.args):
            self.visit(node.body)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        with self._scope(node.args):
            for statement in node.body:
                self.visit(statement)

    @contextmanager
    def _scope(self, arguments: ast.arguments) -> Iterator[None]:
        """Arguments hide what is called so outside; what is made inside stays inside."""
        kept = dict(self._made), dict(self._names), dict(self._modules), dict(self._missing)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for argument in every:
            if argument is not None:
                owner = self._annotated(argument.annotation)
                for known in (self._made, self._names, self._modules, self._missing):
                    known.pop(argument.arg, None)
                if owner:
                    self._made[argument.arg] = owner
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        yield
        self._made, self._names, self._modules, self._missing = kept

    def _comprehended(self, generators: list[ast.comprehension], *results: ast.expr) -> None:
        made = dict(self._made)
        for each in (*generators, *results):
            self.visit(each)
        self._made = made

    def _annotated(self, annotation: ast.expr | None) -> Owner | None:
        name = annotation.value if isinstance(annotation, ast.Constant) else getattr(annotation, "id", None)
        return self._names.get(name) if isinstance(name, str) else None

    def _bind(self, target: ast.expr, made: Owner | None) -> None:
        if isinstance(target, ast.Name):
            self._modules.pop(target.id, None)
            self._missing.pop(target.id, None)
            if made:
                self._made[target.id] = made
            else:
                self._made.pop(target.id, None)
                if target.id in self._names and self._names[target.id][1]:
                    del self._names[target.id]
        elif isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._bind(each, None)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, None)

    # -- uses ------------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and (module := self._missing.pop(node.id, "")):
            self._imported(module, node.id, node.lineno)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if dotted := self._dotted(node):
            if not dotted[1].startswith("__"):
                self._imported(*dotted, node.lineno)
            return
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in self._numpy and node.attr in GONE_OF_NUMPY:
            why = f"numpy no longer has it: write {GONE_OF_NUMPY[node.attr]}."
            self._note(CHANGES, f"numpy.{node.attr}", why, node.lineno)
        if owner := self._owner_of(node.value):
            self._asked(owner, node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        function = node.func
        if dotted := self._dotted(function):
            self._arguments(dotted, "__init__", node)
        elif isinstance(function, ast.Attribute):
            if owner := self._owner_of(function.value):
                self._arguments(owner, function.attr, node)
        elif isinstance(function, ast.Name) and function.id in self._names:
            self._arguments(self._names[function.id], "__init__", node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (
            found := command_finding(node.value.strip(), self.file, node.lineno, self.cell)
        ):
            self.findings.append(found)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a text alone is a comment
            self.generic_visit(node)

    def _of_name(self, name: str) -> Owner | None:
        return self._made.get(name) or (self._names[name] if self._names.get(name, ("", ""))[1] else None)

    def _class_of(self, node: ast.AST) -> Owner | None:
        """The class of what an expression makes, as far as it is plain: ``Model(...)``, ``Model.register(...)``, a name."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                return self._names.get(node.func.id)
            if dotted := self._dotted(node.func):
                return dotted
            if isinstance(node.func, ast.Attribute):
                owner = self._owner_of(node.func.value)
                made = MAKES.get((owner[1], node.func.attr)) if owner else None
                return self._configured(node) or made if made and made[1] == "Webservice" else made
        if isinstance(node, ast.Subscript):
            return self._element_of(node.value)
        return self._made.get(node.id) if isinstance(node, ast.Name) else None

    def _configured(self, node: ast.Call) -> Owner | None:
        """The kind of service, where the deployment's configuration is plain, too."""
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        return next((kind for each in given if (kind := CONFIGURES.get(self._class_of(each) or ("", "")))), None)

    def _owner_of(self, node: ast.expr) -> Owner | None:
        return self._of_name(node.id) if isinstance(node, ast.Name) else self._dotted(node) or self._class_of(node)

    def _dotted(self, node: ast.AST) -> Owner | None:
        """``azureml.core.Workspace``: the module, and the name in it."""
        module = self._module(node.value) if isinstance(node, ast.Attribute) else ""
        if module and isinstance(node, ast.Attribute) and not is_module(f"{module}.{node.attr}"):
            return module, node.attr
        return None

    def _module(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return self._modules.get(node.id, "")
        above = self._module(node.value) if isinstance(node, ast.Attribute) else ""
        below = f"{above}.{node.attr}" if above and isinstance(node, ast.Attribute) else ""
        return below if below and is_module(below) else ""

    def _element_of(self, node: ast.expr) -> Owner | None:
        """Of ``ws.models[…]``, ``Model.list(ws)[0]`` and loops over them."""
        call = isinstance(node, ast.Call)
        inner = node.func if isinstance(node, ast.Call) else node
        if not isinstance(inner, ast.Attribute):
            return None
        if call and inner.attr == "values":
            return self._element_of(inner.value)
        owner = self._owner_of(inner.value)
        return ELEMENTS.get((owner[1], inner.attr)) if owner else None

    def _imported(self, module: str, name: str, line: int) -> None:
        shown = f"{module}.{name}" if name else module
        found = None
        try:
            found = import_module(f"jupyter_mldeploy.{module}")
            if name and name != "*":
                getattr(found, name)
        except (ImportError, AttributeError) as error:
            below = f"{module.removeprefix('azureml.')}.{name}" if name else module.removeprefix("azureml.")
            home = next((home for home in MODULES if has(home, name)), "") if name else ""
            if "is not among" in str(error):
                why = str(error)
            elif home and found is not None:
                why = f"{name} is in {home}: write from {home} import {name}."
            else:
                why = f"{shown} is not here: {reason_for(below)}."
            self._note(CHANGES if home and found is not None else REFUSED, shown, why, line)
        else:
            self._note(RUNS, shown, "", line)

    def _asked(self, owner: Owner, node: ast.Attribute) -> None:
        kinds, member = classes(owner), node.attr
        if not kinds or member.startswith("__"):
            return
        shown = f"{owner[1]}.{member}"
        refusals = [
            reason
            for made in kinds
            if (reason := getattr(made, "REFUSED", {}).get(member) or ALWAYS_REFUSED.get((made.__name__, member)))
        ]
        if len(refusals) == len(kinds) or (refusals and owner[1] == kinds[0].__name__):
            self._note(REFUSED, shown, f"{refusals[0]}.", node.lineno)
        elif any(has_member(made, member) for made in kinds):
            self._note(RUNS, shown, "", node.lineno)
        elif isinstance(node.ctx, ast.Load):
            known = {name for made in kinds for name in dir(made) if not name.startswith("_")} - INTERNAL
            if member.startswith("_"):
                why = f"it is the original's own affair; {member_sentence(owner[1], member.lstrip('_'), known)}"
            else:
                why = member_sentence(owner[1], member, known)
            self._note(CHANGES, shown, why, node.lineno)

    def _arguments(self, owner: Owner, member: str, node: ast.Call) -> None:
        signatures = [names for made in classes(owner) if (names := parameters(getattr(made, member, None)))]
        # Where any other is taken, too, nothing is strange; update() of AKS takes them and makes nothing of them.
        signatures = [names for names in signatures if "**" not in names or member == "update"]
        if not signatures:
            return
        shown = owner[1] if member == "__init__" else f"{owner[1]}.{member}"
        before = len(self.findings)
        for keyword in node.keywords:
            if keyword.arg is None:
                continue
            if not any(keyword.arg in names for names in signatures):
                every = dict.fromkeys(name for names in signatures for name in names)
                takes = ", ".join(name for name in every if name not in {"self", "cls", "args", "**"})
                why = f"there is no such argument; it takes {takes}."
                self._note(CHANGES, f"{shown}({keyword.arg}=)", why, keyword.value.lineno)
            elif keyword.arg in AZURE_ONLY and not _is_nothing(keyword.value):
                self._note(CHANGES, f"{shown}({keyword.arg}=)", AZURE_ONLY[keyword.arg], keyword.value.lineno)
        made = classes(owner)
        alone = member == "deploy_configuration" and len(made) == 1 and len(self.findings) == before
        if alone and (problem := configuration_problem(getattr(made[0], member), node)):
            self._note(CHANGES, f"{shown}()", problem, node.lineno)

    def _note(self, verdict: str, what: str, why: str, line: int) -> None:
        self.findings.append(Finding(self.file, line, verdict, what, why, self.cell, self._script))


def script_findings(text: str, file: str, cell: int, shown: str) -> Iterator[Finding]:
    """Of a scoring script: what it imports is judged by what a service has, which is less than a notebook."""
    from jupyter_mldeploy.capture import lent_uses
    from jupyter_mldeploy.capture.parsing import Parsed, parse

    parsed = parse(text)
    assert isinstance(parsed, Parsed)
    for name, problem in lent_uses(parsed.survey):
        if problem.message:
            yield Finding(file, problem.line, REFUSED, name, f"{problem.message} {problem.hint}", cell, shown)
        elif name.endswith(".ModelDataCollector"):
            why = "it keeps nothing here: let run() write what you want to keep."
            yield Finding(file, problem.line, CHANGES, name, why, cell, shown)
        else:
            yield Finding(file, problem.line, RUNS, name, "", cell, shown)
    uses = Uses(file, cell, shown)
    uses.read(text)
    for finding in uses.findings:
        first, _, member = finding.what.partition(".")
        if finding.what == "Model.get_model_path" or first in {"numpy", "sklearn"}:
            yield finding
        elif first == "Model" and member and "(" not in member:
            why = "a service has Model.get_model_path only: take its path there, or AZUREML_MODEL_DIR."
            yield Finding(file, finding.line, REFUSED, finding.what, why, cell, shown)


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in {None, False}
