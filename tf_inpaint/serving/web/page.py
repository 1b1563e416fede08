"""The page: what is where, in Gradio. Whatever it does is in `workbench`.

Gradio is imported when the page is made: it is an extra (`pip install 'tf_inpaint[web]'`).
"""

import functools
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tf_inpaint import pictures
from tf_inpaint import weights as stored_weights
from tf_inpaint.errors import ConfigError, TfInpaintError
from tf_inpaint.serving.hole_options import HoleOptions
from tf_inpaint.serving.inpainter import STRATEGIES
from tf_inpaint.serving.web import examples
from tf_inpaint.serving.web.repaired import Repaired
from tf_inpaint.serving.web.workbench import SHOWN_SIDE, Workbench

ADDRESS = "127.0.0.1"
DEFAULT_WEIGHTS = "three_stage.faces_128"
MAX_FILE_SIZE = "64mb"
_WIDEST = 64  # pixels, of the sliders
_MAX_WAITING = 16  # people, or impatient clicks
_TERMINATED = 128 + signal.SIGTERM  # the shells' number for a process ended by this signal
_SUFFIXES = list(pictures.SUFFIXES)
_STRATEGY_WORDS = {
    "crop": "crop: around the holes",
    "resize": "resize: all of it, made smaller",
    "tile": "tile: all of it, in tiles",
    "original": "original: all of it at full size",
}
_INTRODUCTION = f"""# Repair a photograph
Choose a photograph, paint over what shall go, press **Repair**. Everything stays on this computer; pixels that you do not paint over
stay as they are. PNG, JPEG, WebP, BMP and TIFF files up to 64 MB. Photographs of more than {SHOWN_SIDE} pixels a side are painted on at a
smaller size and repaired at their own."""
_STYLE = """
footer {display: none !important}
.gradio-container {max-width: 1400px !important; margin: auto}
"""
_SHOW_RESULT = "() => document.getElementById('result').scrollIntoView({behavior: 'smooth', block: 'nearest'})"


def check_gradio() -> None:
    """Checks that the page can be made.

    Raises:
        ConfigError: if Gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ConfigError("The page needs Gradio: `pip install 'tf_inpaint[web]'`.")


def serve(
    bench: Workbench,
    *,
    ready: Callable[[str], Any],
    weights: str | os.PathLike | None = None,
    port: int | None = None,
    wait: bool = True,
):
    """Serves the page to this computer, and to no other.

    Args:
        bench: does the work.
        ready: called with the page's address as soon as it can be opened.
        weights: name of shipped weights or path of a run folder, chosen at the start. The user may choose the shipped ones, too.
        port: `None` for the first free one from 7860 on.
        wait: whether to wait until the process is interrupted or terminated; needs the main thread.

    Returns:
        The running `gradio.Blocks`, which `close()` ends; with `wait` it has ended.

    Raises:
        ConfigError: if Gradio is not installed.
        WeightsError: if there are no such weights.
        OSError: if the port is taken.
    """
    check_gradio()
    names = _choices(weights)
    # Uploaded photographs lie here, and are gone at the end. Nothing is reported to anybody.
    os.environ.update(GRADIO_TEMP_DIR=os.fspath(bench.folder / "uploads"), GRADIO_ANALYTICS_ENABLED="False")
    import gradio as gr

    page = make(bench, weights=names)
    _, url, _ = page.queue(max_size=_MAX_WAITING, default_concurrency_limit=1, api_open=False).launch(
        server_name=ADDRESS,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        max_file_size=MAX_FILE_SIZE,
        ssr_mode=False,
        footer_links=[],
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),  # no fonts from elsewhere
        css=_STYLE,
    )
    ready(url)
    if wait:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # so that the workbench removes the user's photographs
        page.block_thread()
    return page


def make(bench: Workbench, *, weights: Sequence[str]):
    """Makes the page.

    Args:
        bench: does the work.
        weights: names among which the user chooses.

    Returns:
        A `gradio.Blocks`.
    """
    import gradio as gr

    shown_examples = examples.make(bench.folder / "examples")
    strategies = [(_STRATEGY_WORDS.get(name, name), name) for name in STRATEGIES]
    with gr.Blocks(title="Repair a photograph", analytics_enabled=False) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column():
                photo = gr.File(label="1. Photograph", file_types=_SUFFIXES, height=160, elem_id="photo")
                sample = gr.Dataset(
                    components=["image"],
                    samples=[[os.fspath(example.thumbnail)] for example in shown_examples],
                    label="or an example",
                    type="index",
                    elem_id="examples",
                )
                brush = gr.ImageMask(
                    label="2. Paint",
                    height=480,
                    sources=(),
                    transforms=(),
                    layers=False,
                    format="png",
                    brush=gr.Brush(colors=["#ff2d95"], color_mode="fixed", default_size=16),
                    eraser=gr.Eraser(default_size=16),
                    buttons=["fullscreen"],
                    elem_id="brush",
                )
                mask = gr.File(label="or upload a mask: white is repaired", file_types=_SUFFIXES, height=160, elem_id="mask")
            with gr.Column():
                chosen = gr.Dropdown(list(weights), value=weights[0], label="Weights", elem_id="weights")
                strategy = gr.Dropdown(strategies, value=strategies[0][1], label="How", elem_id="strategy")
                with gr.Accordion("More about the hole", open=False, elem_id="more"):
                    hole_options = _hole_options(gr)
                to_png = gr.Checkbox(label="Result as PNG (keeps every known pixel; a JPEG changes all a little)", elem_id="png")
                button = gr.Button("3. Repair", variant="primary", elem_id="repair")
                result = gr.ImageSlider(
                    label="Before and after: move the line", format="png", interactive=False, buttons=["fullscreen"], elem_id="result"
                )
                notes = gr.Markdown(elem_id="notes")
                with gr.Row():
                    download = gr.DownloadButton("Download the result", interactive=False, elem_id="download")
                    download_mask = gr.DownloadButton("Download the mask", interactive=False, elem_id="download-mask")
        # What the browser sends are files; they are opened by `pictures`, with its limits, and not by Gradio.
        brush.preprocess = functools.partial(_layers, brush)
        outputs = [result, notes, download, download_mask]
        hidden = {"api_visibility": "private", "show_progress": "minimal"}
        clear = functools.partial(_nothing_yet, gr)
        show = functools.partial(_show, gr, bench)
        invert_mask = hole_options["invert_mask"]
        inputs = [photo, mask, invert_mask]
        gr.on([photo.upload, mask.upload, mask.clear], show, inputs, brush, **hidden).then(clear, None, outputs, **hidden)
        invert_mask.input(functools.partial(_show_inverted, gr, bench), inputs, brush, **hidden)
        photo.clear(lambda: (None, None), None, [brush, mask], **hidden).then(clear, None, outputs, **hidden)
        load = functools.partial(_load_example, gr, bench, shown_examples)
        sample.click(load, sample, [photo, mask, invert_mask, brush], **hidden).then(clear, None, outputs, **hidden)
        inputs = [photo, brush, mask, chosen, strategy, to_png, *hole_options.values()]
        repair = functools.partial(_repair, gr, bench, tuple(hole_options))
        button.click(repair, inputs, outputs, api_visibility="private").success(None, js=_SHOW_RESULT, **hidden)
    return page


def _choices(first: str | os.PathLike | None) -> list[str]:
    if first is not None:
        stored_weights.find(first)
    first = os.fspath(first or DEFAULT_WEIGHTS)
    return [first, *(name for name in stored_weights.available() if name != first)]


def _layers(brush, payload) -> list[bytes]:
    """The files of the painted layers, as they came."""
    if payload is None:
        return []
    if payload.id is not None:
        payload = brush.blob_storage.pop(payload.id, None)
    layers = [] if payload is None else [layer for layer in payload.layers if layer is not None]
    return [layer if isinstance(layer, bytes) else Path(layer.path).read_bytes() for layer in layers]


def _hole_options(gr) -> dict:
    """The components by the names of `HoleOptions`."""

    def pixels(label, info, name):
        return gr.Slider(label=f"{label}, in pixels", info=info, minimum=0, maximum=_WIDEST, step=1, value=0, elem_id=name)

    return {
        "invert_mask": gr.Checkbox(label="In the uploaded mask black is repaired, not white", elem_id="invert-mask"),
        "dilate": pixels("Widen the hole", "if a rim of what shall go is left", "dilate"),
        "erode": pixels("Narrow the hole", "before it is widened", "erode"),
        "feather": pixels("Blend along the border", "inside the hole only, if it is wider than what shall go", "feather"),
        "match_colour": gr.Checkbox(label="Match colour and contrast with what is around the hole", elem_id="match-colour"),
    }


def _show(gr, bench, photo, mask, invert_mask):
    if photo is None:
        return None
    return _or_message(gr, lambda: bench.show(photo, mask, invert_mask=invert_mask))


def _show_inverted(gr, bench, photo, mask, invert_mask):
    """Strokes are not inverted, so without a mask they stay as they are."""
    return gr.skip() if mask is None else _show(gr, bench, photo, mask, invert_mask)


def _load_example(gr, bench, shown_examples, index):
    example = shown_examples[index]
    photo, mask = os.fspath(example.photo), os.fspath(example.mask)
    return photo, mask, False, _or_message(gr, lambda: bench.show(photo, mask))


def _repair(gr, bench, names, photo, strokes, mask, weights, strategy, to_png, *options):
    if photo is None:
        raise gr.Error("Choose a photograph first.", print_exception=False)

    def repair():
        asked = {name: value if isinstance(value, bool) else int(value or 0) for name, value in zip(names, options, strict=True)}
        return bench.repair(photo, strokes, mask, weights=weights, strategy=strategy, hole_options=HoleOptions(**asked), to_png=to_png)

    return _presented(gr, _or_message(gr, repair))


def _presented(gr, repaired: Repaired):
    width, height = repaired.after.size
    # The command's advice, in the words of the page.
    notes = "\n".join(f"* {note.replace('Choose a name that ends in .png', 'Ask for a PNG above')}" for note in repaired.notes)
    return (
        (repaired.before, repaired.after),
        f"**Repaired:** {repaired.file.name}\n{notes}" if notes else f"**Repaired:** {repaired.file.name}",
        gr.DownloadButton(value=os.fspath(repaired.file), interactive=True),
        gr.DownloadButton(value=os.fspath(repaired.mask), interactive=True),
    )


def _nothing_yet(gr):
    return None, "", gr.DownloadButton(value=None, interactive=False), gr.DownloadButton(value=None, interactive=False)


def _or_message(gr, work):
    """An error that is made for people is shown as its sentence, until it is closed."""
    try:
        return work()
    except (TfInpaintError, OSError) as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error
