"""What POST /prompt finds in a graph before anything runs, and what it does not."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nodes

Graph = dict[str, Any]
Problem = dict[str, Any]
CONVERTED: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
LONG = 20
"""A list of choices longer than this is not repeated in an error."""


@dataclass
class Verdict:
    """`error` None: it goes into the queue, with these `outputs`. `node_errors` may be there all the same."""

    error: Problem | None
    outputs: list[str]
    node_errors: dict[str, Any]


def problem(kind: str, message: str, details: str = "", **extra: Any) -> Problem:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def validated(graph: Graph) -> Verdict:
    """Judge a whole graph. Of classes that are not there, the first alone is named; else every bad node is."""
    if error := _wrong_class(graph):
        return Verdict(error, [], {})
    outputs = [name for name in graph if getattr(nodes.CLASSES[graph[name]["class_type"]], "OUTPUT_NODE", False)]
    if not outputs:
        return Verdict(problem("prompt_no_outputs", "Prompt has no outputs"), [], {})
    checker = Checker(graph)
    good: list[str] = []
    told: list[str] = []
    node_errors: dict[str, Any] = {}
    for output in outputs:
        if checker.check_output(output):
            good.append(output)
            continue
        told += [f"{found['message']}: {found['details']}" for found in checker.found[output]]
        for name, problems in checker.found.items():
            if problems:
                fresh = {"errors": problems, "dependent_outputs": [], "class_type": graph[name]["class_type"]}
                node_errors.setdefault(name, fresh)["dependent_outputs"].append(output)
    if good:
        return Verdict(None, good, node_errors)
    text = "Prompt outputs failed validation"
    return Verdict(problem("prompt_outputs_failed_validation", text, "\n".join(told)), [], node_errors)


def _wrong_class(graph: Graph) -> Problem | None:
    for name, node in graph.items():
        if not isinstance(node, dict) or "class_type" not in node:
            text = "Cannot execute because a node is missing the class_type property."
            return problem("invalid_prompt", text, f"Node ID '#{name}'")
        if node["class_type"] not in nodes.CLASSES:
            text = f"Cannot execute because node {node['class_type']} does not exist."
            return problem("invalid_prompt", text, f"Node ID '#{name}'")
    return None


class Checker:
    """`found` has the problems of each node that was looked at; `valid` whether all it needs is sound, too."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: dict[str, list[Problem]] = {}
        self.valid: dict[str, bool] = {}

    def check_output(self, name: str) -> bool:
        try:
            return self.check(name, ())
        except Exception as error:
            text = "Exception when validating node"
            self.found[name] = [_exception("exception_during_validation", text, error)]
            self.valid[name] = False
            return False

    def check(self, name: str, above: tuple[str, ...]) -> bool:
        """Whether a node and what it needs is sound. `above`: the nodes that need it; to meet one of them again is a
        cycle, which makes all of them invalid without a word. Raises whatever an odd link leads to."""
        if name in above:
            return False
        if name in self.valid:
            return self.valid[name]
        node = self.graph[name]
        kind = nodes.CLASSES[node["class_type"]]
        groups = kind.INPUT_TYPES()
        problems: list[Problem] = []
        sound = True
        for key, of_type in {**groups.get("required", {}), **groups.get("optional", {})}.items():
            if key not in node["inputs"]:
                if key in groups.get("required", {}):
                    problems.append(
                        problem("required_input_missing", "Required input is missing", key, input_name=key)
                    )
            elif isinstance(node["inputs"][key], list):
                wrong = self.check_link(key, of_type[0], node["inputs"][key])
                problems += wrong
                if not wrong and not self.check_inner(node["inputs"][key][0], (*above, name)):
                    sound = False
            else:
                problems += check_value(key, of_type, node["inputs"], by_class=hasattr(kind, "VALIDATE_INPUTS"))
        problems += custom(kind, node["inputs"]) if not problems else []
        self.found[name] = problems
        self.valid[name] = sound and not problems
        return self.valid[name]

    def check_inner(self, name: str, above: tuple[str, ...]) -> bool:
        try:
            return self.check(name, above)
        except Exception as error:
            text = "Exception when validating inner node"
            self.found[name] = [_exception("exception_during_inner_validation", text, error)]
            self.valid[name] = False
            return False

    def check_link(self, key: str, wanted: Any, link: list[Any]) -> list[Problem]:
        """Raises KeyError where the node is not there, IndexError where it has no such output."""
        if len(link) != 2:
            text = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return [problem("bad_linked_input", text, key, input_name=key, received_value=link)]
        received = nodes.CLASSES[self.graph[link[0]]["class_type"]].RETURN_TYPES[link[1]]
        if "*" in (wanted, received) or received == wanted:
            return []
        details = f"{key}, received_type({received}) mismatch input_type({wanted})"
        text = "Return type mismatch between linked nodes"
        known = {"input_name": key, "received_type": received, "linked_node": link}
        return [problem("return_type_mismatch", text, details, **known)]


def check_value(key: str, of_type: Any, inputs: dict[str, Any], by_class: bool) -> list[Problem]:
    """Judge one value, and convert it in place. New-style choices (`COMBO`) are not looked at, nor are those of a
    class that judges its inputs itself."""
    wanted, limits = of_type[0], of_type[1] if len(of_type) > 1 else {}
    value = inputs[key]
    known = {"input_name": key, "input_config": [wanted, limits], "received_value": value}
    if not isinstance(wanted, list) and wanted in CONVERTED:
        try:
            value = inputs[key] = CONVERTED[wanted](value)
        except (ValueError, TypeError) as error:
            text = f"Failed to convert an input value to a {wanted} value"
            return [problem("invalid_input_type", text, f"{key}, {value}, {error}", **known)]
    if "min" in limits and value < limits["min"]:
        return [problem("value_smaller_than_min", f"Value {value} smaller than min of {limits['min']}", key, **known)]
    if "max" in limits and value > limits["max"]:
        return [problem("value_bigger_than_max", f"Value {value} bigger than max of {limits['max']}", key, **known)]
    if isinstance(wanted, list) and value not in wanted and not by_class:
        listed = str(wanted)
        if len(wanted) > LONG:
            listed, known["input_config"] = f"(list of length {len(wanted)})", None
        return [problem("value_not_in_list", "Value not in list", f"{key}: '{value}' not in {listed}", **known)]
    return []


def custom(kind: Any, inputs: dict[str, Any]) -> list[Problem]:
    """What the class itself has against its inputs."""
    if not hasattr(kind, "VALIDATE_INPUTS"):
        return []
    answer = kind.VALIDATE_INPUTS(**inputs)
    if answer is True:
        return []
    key = next(iter(inputs))
    text = "Custom validation failed for node"
    return [problem("custom_validation_failed", text, f"{key} - {answer}", input_name=key)]


def _exception(kind: str, text: str, error: Exception) -> Problem:
    lines = traceback.format_exception(error)
    return problem(kind, text, str(error), exception_type=type(error).__name__, traceback=lines)
