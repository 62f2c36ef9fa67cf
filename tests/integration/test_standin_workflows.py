"""The stand-in for ComfyUI takes, refuses, runs and forgets workflows as the real one was measured to, and lists
models as that does. Who gets in and how it starts: test_standin.py."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.standin import Answer, ComfyUI, Target, fresh, node, picture, served, started

Graph = dict[str, Any]


@pytest.fixture
def comfyui(tmp_path: Path) -> Iterator[ComfyUI]:
    with started(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with served(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def model(target: Target) -> Iterator[Callable[[str], str]]:
    """Puts a file of no use into `models/`, by its path there, for the time of a test; the name in its folder."""
    made: list[Path] = []

    def put(path: str) -> str:
        file = target.directory / "models" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"no model")
        made.append(file)
        return path.partition("/")[2]

    yield put
    for file in made:
        file.unlink(missing_ok=True)


def refused(target: Target, graph: Any) -> tuple[str, dict[str, Any]]:
    """Why a workflow is not taken at all: the type of the error, and the errors of nodes."""
    answer = target.ask("/prompt", {"prompt": graph})
    assert answer.status == 400, answer
    assert set(answer.body["error"]) == {"type", "message", "details", "extra_info"}
    return answer.body["error"]["type"], answer.body["node_errors"]


def errors(of_node: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["type"], error["details"]) for error in of_node["errors"]]


def events(record: Any) -> dict[str, Any]:
    return dict(record["status"]["messages"])


def files(record: Any) -> list[str]:
    return [image["filename"] for output in record["outputs"].values() for image in output["images"]]


def size(answer: Answer) -> tuple[int, int]:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.body[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", answer.body[16:24])
    return width, height


def held(comfyui: ComfyUI, *graphs: Graph) -> list[str]:
    """Submit workflows of which the first goes on until `hold` is gone; their ids."""
    comfyui.hold.touch()
    ids = [comfyui.submit(graph) for graph in graphs]
    end = time.monotonic() + 5
    while not comfyui.ask("/queue").body["queue_running"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    return ids


# --- a job ---------------------------------------------------------------------------------------------------


def test_a_job(target: Target) -> None:
    prompt_id, prefix = fresh("id"), fresh()
    graph = picture(65, 49, prefix)
    answer = target.ask("/prompt", {"prompt_id": prompt_id, "prompt": graph})
    assert answer.status == 200
    assert set(answer.body) == {"prompt_id", "number", "node_errors"}
    assert (answer.body["prompt_id"], answer.body["node_errors"]) == (prompt_id, {})
    done = target.finished(prompt_id)
    assert done["prompt"][1:3] == [prompt_id, graph]
    assert done["outputs"] == {
        "2": {"images": [{"filename": f"{prefix}_00001_.png", "subfolder": "", "type": "output"}]}
    }
    assert (done["status"]["status_str"], done["status"]["completed"]) == ("success", True)
    assert [event for event, _ in done["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    assert events(done)["execution_cached"]["nodes"] == []
    assert size(target.ask(f"/view?filename={prefix}_00001_.png&subfolder=&type=output")) == (65, 49)
    (target.directory / "output" / f"{prefix}_00001_.png").unlink()  # it was really written there
    assert prompt_id in target.ask("/history").body
    assert target.ask("/queue").body == {"queue_running": [], "queue_pending": []}


def test_an_id_is_made_where_none_is_given_and_never_looked_up(target: Target) -> None:
    graph = picture(prefix=fresh())
    assert target.submit(graph) != target.submit(graph)
    mine = fresh("id")
    assert [target.submit(graph, prompt_id=mine) for _ in range(2)] == [mine, mine]
    target.finished(mine)
    assert target.ask(f"/history/{fresh('nobody')}").body == {}


def test_a_file_is_viewed_or_not_there(target: Target) -> None:
    assert target.ask("/view?filename=none.png&subfolder=&type=output").status == 404
    assert target.ask("/view?filename=..%2Fmain.py&type=output").status == 400
    assert target.ask("/view?filename=main.py&subfolder=..&type=output").status == 403


def test_sub_folders_and_batches(target: Target) -> None:
    prefix = fresh()
    graph = picture(prefix=f"below/{prefix}")
    graph["1"]["inputs"]["batch_size"] = 2
    images = target.run(graph)["outputs"]["2"]["images"]
    assert images == [
        {"filename": f"{prefix}_0000{number}_.png", "subfolder": "below", "type": "output"} for number in (1, 2)
    ]
    assert size(target.ask(f"/view?filename={prefix}_00002_.png&subfolder=below&type=output")) == (64, 48)


def test_outputs_other_than_files(target: Target) -> None:
    graph = picture(prefix=fresh(), p=node("PreviewImage", images=["1", 0]), t=node("PreviewAny", source=["1", 0]))
    outputs = target.run(graph)["outputs"]
    (preview,) = outputs["p"]["images"]
    assert preview["type"] == "temp"
    assert size(target.ask(f"/view?filename={preview['filename']}&subfolder=&type=temp")) == (64, 48)
    assert isinstance(outputs["t"]["text"][0], str)


def test_a_pack_brings_classes_and_outputs_of_its_own(comfyui: ComfyUI) -> None:
    text = """
class Film:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"images": ("IMAGE",)}}
    RETURN_TYPES, FUNCTION, CATEGORY, OUTPUT_NODE = (), "film", "video", True
    def film(self, images):
        return {"ui": {"gifs": [{"filename": "a.mp4", "subfolder": "", "type": "output"}]}}
NODE_CLASS_MAPPINGS = {"Film & Sound": Film}
"""
    comfyui.pack("Film-Pack", text)
    comfyui.start()
    info = comfyui.ask("/object_info/Film%20%26%20Sound").body
    assert info["Film & Sound"]["python_module"] == "custom_nodes.Film-Pack"
    done = comfyui.run(picture(f=node("Film & Sound", images=["1", 0])))
    assert done["outputs"]["f"] == {"gifs": [{"filename": "a.mp4", "subfolder": "", "type": "output"}]}


# --- what goes wrong -----------------------------------------------------------------------------------------


def test_of_unknown_classes_the_first_alone_is_named(target: Target) -> None:
    answer = target.ask("/prompt", {"prompt": picture(a=node("Nothing One"), b=node("Nothing Two"))})
    assert (answer.status, answer.body["error"]["type"], answer.body["node_errors"]) == (400, "invalid_prompt", {})
    assert "Nothing One" in answer.body["error"]["message"]
    assert "Nothing Two" not in json.dumps(answer.body)


def test_missing_models_are_named_all_at_once(target: Target) -> None:
    one, two = f"{fresh()}.safetensors", f"{fresh()}.safetensors"
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name=one),
        "2": node("VAELoader", vae_name=two),
        "3": node("PreviewAny", source=["1", 0]),
        "4": node("PreviewAny", source=["2", 0]),
    }
    kind, nodes = refused(target, graph)
    assert kind == "prompt_outputs_failed_validation"
    assert set(nodes) == {"1", "2"}
    (error,) = nodes["1"]["errors"]
    assert error["type"] == "value_not_in_list"
    assert error["details"].startswith(f"ckpt_name: '{one}' not in ")
    assert error["extra_info"]["input_name"] == "ckpt_name"
    assert error["extra_info"]["received_value"] == one
    assert nodes["1"]["class_type"] == "CheckpointLoaderSimple"
    assert "3" in nodes["1"]["dependent_outputs"]


def test_without_models_the_list_is_empty(comfyui: ComfyUI) -> None:
    comfyui.start()
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="qwen.safetensors"),
        "2": node("PreviewAny", source=["1", 0]),
    }
    assert errors(refused(comfyui, graph)[1]["1"]) == [
        ("value_not_in_list", "ckpt_name: 'qwen.safetensors' not in []")
    ]


def test_a_value_that_is_not_offered(target: Target) -> None:
    scale = {"image": ["1", 0], "width": 8, "height": 8, "crop": "disabled"}
    graph = picture(s=node("ImageScale", **scale, upscale_method="magic"), o=node("PreviewImage", images=["s", 0]))
    del graph["2"]
    _, nodes = refused(target, graph)
    ((kind, details),) = errors(nodes["s"])
    assert kind == "value_not_in_list"
    assert details.startswith("upscale_method: 'magic' not in ['nearest-exact'")


@pytest.mark.parametrize(
    ("inputs", "kind", "details"),
    [
        ({"width": None}, "required_input_missing", "width"),
        ({"width": 0}, "value_smaller_than_min", "width"),
        ({"width": 16385}, "value_bigger_than_max", "width"),
        ({"width": "wide"}, "invalid_input_type", "width, wide, invalid literal for int() with base 10: 'wide'"),
        ({"width": ["1"]}, "bad_linked_input", "width"),
        ({"width": ["1", 0]}, "return_type_mismatch", "width, received_type(IMAGE) mismatch input_type(INT)"),
    ],
)
def test_a_wrong_input(target: Target, inputs: dict[str, Any], kind: str, details: str) -> None:
    graph = picture(3, 3)
    graph["a"] = node("EmptyImage", **{**graph["1"]["inputs"], **inputs})
    graph["a"]["inputs"] = {key: value for key, value in graph["a"]["inputs"].items() if value is not None}
    graph["2"]["inputs"]["images"] = ["a", 0]
    said, nodes = refused(target, graph)
    assert said == "prompt_outputs_failed_validation"
    assert errors(nodes["a"]) == [(kind, details)]
    assert nodes["a"]["errors"][0]["extra_info"]["input_name"] == "width"


def test_an_input_image_that_is_missing(target: Target) -> None:
    graph = {"1": node("LoadImage", image="none.png"), "2": node("PreviewImage", images=["1", 0])}
    assert errors(refused(target, graph)[1]["1"]) == [
        ("custom_validation_failed", "image - Invalid image file: none.png")
    ]


def test_a_link_to_a_node_that_is_not_there(target: Target) -> None:
    graph = picture()
    graph["2"]["inputs"]["images"] = ["9", 0]
    kind, nodes = refused(target, graph)
    assert kind == "prompt_outputs_failed_validation"
    assert errors(nodes["2"]) == [("exception_during_validation", "'9'")]
    assert set(nodes) == {"2"}


def test_such_a_link_further_in(target: Target) -> None:
    scale = {"upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"}
    graph = picture(s=node("ImageScale", image=["9", 0], **scale))
    graph["2"]["inputs"]["images"] = ["s", 0]
    assert errors(refused(target, graph)[1]["s"]) == [("exception_during_inner_validation", "'9'")]


def test_a_cycle_has_no_node_errors(target: Target) -> None:
    scale = {"upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"}
    graph = {
        "1": node("ImageScale", image=["2", 0], **scale),
        "2": node("ImageScale", image=["1", 0], **scale),
        "3": node("PreviewImage", images=["1", 0]),
    }
    assert refused(target, graph) == ("prompt_outputs_failed_validation", {})


def test_one_output_that_is_valid_runs(target: Target) -> None:
    prefix = fresh()
    answer = target.ask("/prompt", {"prompt": picture(prefix=prefix, bad=node("PreviewImage"))})
    assert answer.status == 200
    assert set(answer.body["node_errors"]) == {"bad"}
    assert errors(answer.body["node_errors"]["bad"]) == [("required_input_missing", "images")]
    done = target.finished(answer.body["prompt_id"])
    assert (done["status"]["status_str"], list(done["outputs"])) == ("success", ["2"])


UI_FORMAT = {
    "id": "9ae6082b-c7f4-433c-9971-7a8f65a3ea65",
    "revision": 0,
    "last_node_id": 1,
    "nodes": [{"id": 1, "type": "EmptyImage", "widgets_values": [64, 48, 1, 0]}],
    "links": [],
    "version": 0.4,
}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"prompt": {"1": picture()["1"]}}, "prompt_no_outputs"),
        ({"prompt": {}}, "prompt_no_outputs"),
        ({}, "no_prompt"),
        (UI_FORMAT, "no_prompt"),
        ({"prompt": UI_FORMAT}, "invalid_prompt"),
        ({"prompt": {"1": {"inputs": {}}}}, "invalid_prompt"),
    ],
    ids=["no output", "nothing", "no prompt", "UI format alone", "UI format", "no class"],
)
def test_what_is_no_workflow(target: Target, body: Any, kind: str) -> None:
    answer = target.ask("/prompt", body)
    assert (answer.status, answer.body["error"]["type"], answer.body["node_errors"]) == (400, kind, {})


def test_broken_json(target: Target) -> None:
    answer = target.get("/prompt", "POST", '{"prompt": ', Authorization=f"Bearer {target.token}")
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (500, "text/plain")


def test_an_error_while_it_runs(target: Target) -> None:
    graph = picture(71, 53, prefix=f"../{fresh()}")
    done = target.run(graph)
    assert (done["status"]["status_str"], done["status"]["completed"], done["outputs"]) == ("error", False, {})
    error = events(done)["execution_error"]
    assert (error["node_id"], error["node_type"], error["executed"]) == ("2", "SaveImage", ["1"])
    assert "outside the output folder" in error["exception_message"]
    assert isinstance(error["exception_type"], str)
    assert isinstance(error["traceback"], list)


# --- classes -------------------------------------------------------------------------------------------------


def test_object_info(target: Target) -> None:
    whole = target.ask("/object_info")
    assert {"EmptyImage", "SaveImage", "UNETLoader", "CLIPLoader", "VAELoader", "KSampler"} <= set(whole.body)
    one = target.ask("/object_info/EmptyImage").body
    assert one == {"EmptyImage": whole.body["EmptyImage"]}
    assert one["EmptyImage"]["input"]["required"]["width"][0] == "INT"
    assert one["EmptyImage"]["input"]["required"]["width"][1]["max"] == 16384
    assert one["EmptyImage"]["output"] == ["IMAGE"]
    assert (one["EmptyImage"]["python_module"], one["EmptyImage"]["output_node"]) == ("nodes", False)
    assert target.ask("/object_info/SaveImage").body["SaveImage"]["output_node"] is True
    answer = target.ask("/object_info/No%20Such%20Class")
    assert (answer.status, answer.body) == (200, {})


def test_how_big_object_info_is(comfyui: ComfyUI) -> None:
    comfyui.start()
    data = json.dumps(comfyui.ask("/object_info").body)
    assert 750_000 < len(data) < 820_000
    assert 300 < len(json.dumps(comfyui.ask("/object_info/KSampler").body)) < 2000
    (name,) = comfyui.ask("/object_info/StandIn%20Filter%200007").body
    assert name == "StandIn Filter 0007"


def test_both_styles_of_choices(target: Target, model: Callable[[str], str]) -> None:
    old, new = model(f"vae/{fresh()}.safetensors"), model(f"upscale_models/{fresh()}.pth")
    vae = target.ask("/object_info/VAELoader").body["VAELoader"]["input"]["required"]["vae_name"]
    assert old in vae[0]
    upscale = target.ask("/object_info/UpscaleModelLoader").body["UpscaleModelLoader"]
    kind, options = upscale["input"]["required"]["model_name"]
    assert kind == "COMBO"
    assert new in options["options"]
    remote = target.ask("/object_info/LoadImageOutput").body["LoadImageOutput"]["input"]["required"]["image"]
    assert (remote[0], "remote" in remote[1], "options" in remote[1]) == ("COMBO", True, False)
    types = target.ask("/object_info/CLIPLoader").body["CLIPLoader"]["input"]["required"]["type"][0]
    assert "qwen_image" in types


def test_a_new_style_value_fails_while_it_runs(target: Target) -> None:
    name = f"{fresh()}.pth"
    graph = {"1": node("UpscaleModelLoader", model_name=name), "2": node("PreviewAny", source=["1", 0])}
    error = events(target.run(graph))["execution_error"]
    assert (error["node_id"], error["node_type"]) == ("1", "UpscaleModelLoader")
    assert name in error["exception_message"]


# --- the cache -----------------------------------------------------------------------------------------------


def test_the_same_graph_names_the_old_file_even_if_it_is_gone(comfyui: ComfyUI) -> None:
    comfyui.start(workflow_seconds=0.3)
    graph = picture()
    first = comfyui.run(graph)
    (comfyui.directory / "output" / files(first)[0]).unlink()
    since = time.monotonic()
    again = comfyui.run(graph)
    assert time.monotonic() - since < 0.25
    assert again["outputs"] == first["outputs"]
    assert sorted(events(again)["execution_cached"]["nodes"]) == ["1", "2"]
    assert comfyui.ask(f"/view?filename={files(again)[0]}&subfolder=&type=output").status == 404
    assert comfyui.ask("/free", {"free_memory": True, "unload_models": True}).status == 200
    third = comfyui.run(graph)
    assert events(third)["execution_cached"]["nodes"] == []
    assert size(comfyui.ask(f"/view?filename={files(third)[0]}&subfolder=&type=output")) == (64, 48)


def test_a_value_that_counts_forces_a_run(target: Target) -> None:
    prefix = fresh()
    assert files(target.run(picture(prefix=prefix))) == [f"{prefix}_00001_.png"]
    assert files(target.run(picture(prefix=prefix))) == [f"{prefix}_00001_.png"]
    other = target.run(picture(width=66, prefix=prefix))
    assert files(other) == [f"{prefix}_00002_.png"]
    # Only what the last graph had is remembered.
    assert files(target.run(picture(prefix=prefix))) == [f"{prefix}_00003_.png"]


def test_a_loader_holds_what_it_has_loaded(comfyui: ComfyUI) -> None:
    comfyui.start()
    file = comfyui.directory / "models" / "vae" / "one.safetensors"
    file.parent.mkdir(parents=True)

    def loaded(content: bytes, **more: Any) -> str:
        file.write_bytes(content)
        graph = {"1": node("VAELoader", vae_name="one.safetensors"), "2": node("PreviewAny", source=["1", 0]), **more}
        return str(comfyui.run(graph)["outputs"]["2"]["text"][0])

    first = loaded(b"old")
    assert loaded(b"new", x=node("PreviewAny", source=["1", 0])) == first
    comfyui.ask("/free", {"unload_models": True})
    assert loaded(b"new") != first


def test_an_input_image_that_changes(comfyui: ComfyUI) -> None:
    comfyui.start()
    made = files(comfyui.run(picture(30, 20)))[0]
    target = comfyui.directory / "input" / "in.png"
    target.parent.mkdir()
    target.write_bytes((comfyui.directory / "output" / made).read_bytes())
    graph = {"1": node("LoadImage", image="in.png"), "2": node("SaveImage", images=["1", 0], filename_prefix="copy")}
    first = comfyui.run(graph)
    assert size(comfyui.ask(f"/view?filename={files(first)[0]}")) == (30, 20)
    target.write_bytes((comfyui.directory / "output" / files(comfyui.run(picture(31, 21)))[0]).read_bytes())
    assert size(comfyui.ask(f"/view?filename={files(comfyui.run(graph))[0]}")) == (31, 21)


# --- the queue -----------------------------------------------------------------------------------------------


def test_queue(comfyui: ComfyUI) -> None:
    comfyui.start()
    graphs = [picture(width) for width in (10, 11, 12)]
    ids = held(comfyui, *graphs)
    queue = comfyui.ask("/queue").body
    assert [item[1:3] for item in queue["queue_running"]] == [[ids[0], graphs[0]]]
    assert [item[1:3] for item in queue["queue_pending"]] == [[ids[1], graphs[1]], [ids[2], graphs[2]]]
    assert comfyui.remaining() == 3
    assert comfyui.ask(f"/history/{ids[0]}").body == comfyui.ask(f"/history/{ids[1]}").body == {}
    comfyui.hold.unlink()
    for prompt_id in ids:
        assert comfyui.finished(prompt_id)["status"]["completed"] is True
    assert comfyui.remaining() == 0


def test_a_workflow_takes_its_time(comfyui: ComfyUI) -> None:
    comfyui.start(workflow_seconds=0.4)
    since = time.monotonic()
    comfyui.run(picture())
    assert 0.4 <= time.monotonic() - since < 2


def test_delete_while_pending(comfyui: ComfyUI) -> None:
    comfyui.start()
    ids = held(comfyui, picture(10), picture(11), picture(12))
    assert comfyui.ask("/queue", {"delete": [ids[1], "nobody"]}).status == 200
    assert [item[1] for item in comfyui.ask("/queue").body["queue_pending"]] == [ids[2]]
    assert comfyui.ask("/queue", {"delete": [ids[0]]}).status == 200  # it runs: nothing to delete
    comfyui.hold.unlink()
    assert comfyui.finished(ids[0])["status"]["completed"] is True
    comfyui.finished(ids[2])
    assert comfyui.ask(f"/history/{ids[1]}").body == {}
    held(comfyui, picture(20), picture(21))
    comfyui.ask("/queue", {"clear": True})
    assert comfyui.remaining() == 1


@pytest.mark.parametrize("body", [None, {}], ids=["no body", "no id"])
def test_interrupt_whatever_runs(comfyui: ComfyUI, body: Any) -> None:
    comfyui.start()
    ids = held(comfyui, picture(10), picture(11))
    answer = comfyui.get("/interrupt", "POST") if body is None else comfyui.ask("/interrupt", body)
    assert answer.status == 200
    done = comfyui.finished(ids[0])
    assert (done["status"]["status_str"], done["status"]["completed"]) == ("error", False)
    assert "execution_error" not in events(done)
    assert events(done)["execution_interrupted"]["node_id"] == "1"
    comfyui.hold.unlink()
    assert comfyui.finished(ids[1])["status"]["completed"] is True


def test_interrupt_only_ours(comfyui: ComfyUI) -> None:
    comfyui.start()
    theirs, ours = held(comfyui, picture(10), picture(11))
    comfyui.ask("/interrupt", {"prompt_id": ours})
    time.sleep(0.1)
    assert comfyui.remaining() == 2
    comfyui.ask("/interrupt", {"prompt_id": theirs})
    assert "execution_interrupted" in events(comfyui.finished(theirs))
    comfyui.hold.unlink()
    assert comfyui.finished(ours)["status"]["completed"] is True
    # With nothing running it has no effect on what comes next.
    comfyui.ask("/interrupt", {})
    assert comfyui.run(picture(12))["status"]["completed"] is True


def test_a_restart_loses_history_and_queue(comfyui: ComfyUI) -> None:
    comfyui.start()
    finished = comfyui.submit(picture(9))
    comfyui.finished(finished)
    ids = held(comfyui, picture(10), picture(11))
    comfyui.stop()
    comfyui.hold.unlink()
    comfyui.start()
    assert comfyui.ask("/history").body == {}
    assert comfyui.ask("/queue").body == {"queue_running": [], "queue_pending": []}
    assert {str(comfyui.ask(f"/history/{prompt_id}").body) for prompt_id in (finished, *ids)} == {"{}"}


# --- models --------------------------------------------------------------------------------------------------


def listed(target: Target, folder: str) -> list[str]:
    found: list[str] = target.ask(f"/models/{folder}").body
    return found


def test_models_show_at_the_next_request(target: Target, model: Callable[[str], str]) -> None:
    assert {"checkpoints", "diffusion_models", "text_encoders", "vae"} <= set(target.ask("/models").body)
    name = model(f"checkpoints/{fresh('folder')}/one.safetensors")
    file = target.directory / "models" / "checkpoints" / name
    assert name in listed(target, "checkpoints")
    info = target.ask("/object_info/CheckpointLoaderSimple").body["CheckpointLoaderSimple"]
    assert name in info["input"]["required"]["ckpt_name"][0]
    file.rename(file.with_name("two.safetensors"))
    other = name.replace("one.", "two.")
    assert [name in listed(target, "checkpoints"), other in listed(target, "checkpoints")] == [False, True]
    file.with_name("two.safetensors").unlink()
    assert other not in listed(target, "checkpoints")
    file.parent.rmdir()


def test_listed_endings(target: Target, model: Callable[[str], str]) -> None:
    right = {model(f"vae/{fresh()}.{end}") for end in ("safetensors", "sft", "ckpt", "pt", "pth", "bin", "pkl")}
    wrong = {model(f"vae/{fresh()}.{end}") for end in ("part", "tmp", "safetensors.part", "txt")}
    found = set(listed(target, "vae"))
    assert right <= found
    assert not wrong & found


def test_half_written_hidden_and_dangling_files_are_listed_and_valid(
    target: Target, model: Callable[[str], str]
) -> None:
    half, hidden = model(f"vae/{fresh()}.safetensors"), model(f"vae/.{fresh()}.safetensors")
    dangling = f"{fresh()}.safetensors"
    link = target.directory / "models" / "vae" / dangling
    link.symlink_to("nowhere")
    try:
        assert {half, hidden, dangling} <= set(listed(target, "vae"))
        graph = {"1": node("VAELoader", vae_name=dangling), "2": node("PreviewAny", source=["1", 0])}
        error = events(target.run(graph))["execution_error"]  # it was taken, and fails only now
        assert (error["node_id"], error["node_type"]) == ("1", "VAELoader")
    finally:
        link.unlink()


def test_old_names_of_folders(target: Target, model: Callable[[str], str]) -> None:
    unet, clip = model(f"unet/{fresh()}.safetensors"), model(f"clip/{fresh()}.safetensors")
    assert unet in listed(target, "diffusion_models")
    assert clip in listed(target, "text_encoders")
    info = target.ask("/object_info/UNETLoader").body["UNETLoader"]["input"]["required"]
    assert unet in info["unet_name"][0]
    assert target.ask("/models/unheard-of").status == 404


def test_model_files_with_sizes(target: Target, model: Callable[[str], str]) -> None:
    name = model(f"vae/{fresh()}.safetensors")
    (file,) = [file for file in target.ask("/experiment/models/vae").body if file["name"] == name]
    assert set(file) == {"name", "pathIndex", "modified", "created", "size"}
    path = target.directory / "models" / "vae" / name
    assert (file["size"], file["modified"]) == (8, pytest.approx(path.stat().st_mtime))
    folders = {folder["name"]: folder["folders"] for folder in target.ask("/experiment/models").body}
    assert folders["vae"][file["pathIndex"]].endswith("/models/vae")
    assert [path.rpartition("/")[2] for path in folders["diffusion_models"]] == ["unet", "diffusion_models"]


EXTRA = """\
# where the big disk is
disk:
    base_path: {base}
    is_default: {default}
    checkpoints: sd/checkpoints   # one path
    unet: |
        one
        two
    ipadapter: "ip"
other:
    vae: {base}/elsewhere
"""


@pytest.mark.parametrize("default", ["true", "false"])
def test_extra_model_paths_are_read_at_the_start(comfyui: ComfyUI, tmp_path: Path, default: str) -> None:
    base, extra = tmp_path / "disk", comfyui.directory / "extra_model_paths.yaml"
    for name in ("sd/checkpoints/a.ckpt", "one/b.sft", "two/c.sft", "ip/d.bin", "elsewhere/e.pt"):
        (base / name).parent.mkdir(parents=True)
        (base / name).touch()
    comfyui.start()
    extra.write_text(EXTRA.format(base=base, default=default))
    assert listed(comfyui, "checkpoints") == []
    assert comfyui.ask("/models/ipadapter").status == 404
    comfyui.stop()
    comfyui.start()
    extra.unlink()
    found = {folder: listed(comfyui, folder) for folder in ("checkpoints", "diffusion_models", "ipadapter", "vae")}
    assert found == {
        "checkpoints": ["a.ckpt"],
        "diffusion_models": ["b.sft", "c.sft"],
        "ipadapter": ["d.bin"],
        "vae": ["e.pt"],
    }
    folders = {folder["name"]: folder["folders"] for folder in comfyui.ask("/experiment/models").body}
    assert folders["checkpoints"].index(str(base / "sd/checkpoints")) == (0 if default == "true" else 1)


# --- all of it -----------------------------------------------------------------------------------------------


def test_a_qwen_workflow(comfyui: ComfyUI) -> None:
    comfyui.start()
    loaders = {
        "1": node("UNETLoader", unet_name="qwen_image_fp8_e4m3fn.safetensors", weight_dtype="default"),
        "2": node("CLIPLoader", clip_name="qwen_2.5_vl_7b_fp8_scaled.safetensors", type="qwen_image"),
        "3": node("VAELoader", vae_name="qwen_image_vae.safetensors"),
    }
    sampler = {"seed": 7, "steps": 20, "cfg": 2.5, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    sampler |= {"model": ["5", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["4", 0]}
    graph = {
        **loaders,
        "4": node("EmptySD3LatentImage", width=320, height=208, batch_size=1),
        "5": node("ModelSamplingAuraFlow", model=["1", 0], shift=3.1),
        "6": node("CLIPTextEncode", text="a trip", clip=["2", 0]),
        "7": node("CLIPTextEncode", text="", clip=["2", 0]),
        "8": node("KSampler", **sampler),
        "9": node("VAEDecode", samples=["8", 0], vae=["3", 0]),
        "10": node("SaveImage", images=["9", 0], filename_prefix="qwen"),
    }
    assert set(refused(comfyui, graph)[1]) == {"1", "2", "3"}
    for folder, name in (("diffusion_models", "1"), ("text_encoders", "2"), ("vae", "3")):
        (file,) = [value for key, value in loaders[name]["inputs"].items() if key.endswith("_name")]
        (comfyui.directory / "models" / folder).mkdir(parents=True)
        (comfyui.directory / "models" / folder / file).write_bytes(b"no model")
    done = comfyui.run(graph)
    assert size(comfyui.ask(f"/view?filename={quote(files(done)[0])}&subfolder=&type=output")) == (320, 208)
    sampler["seed"] = 8
    graph["8"] = node("KSampler", **sampler)
    assert files(comfyui.run(graph)) == ["qwen_00002_.png"]
