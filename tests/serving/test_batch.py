"""Plans for files and folders: which mask, which result name, what is refused before anything is done."""

from pathlib import Path

import pytest

from tf_inpaint.errors import ConfigError, PictureError
from tf_inpaint.serving.batch import Job, plan


@pytest.fixture
def touch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

    return make


def planned(*arguments, **options):
    """Picture -> (mask, result), as text."""
    jobs = plan(*arguments, **options)
    assert len({job.output for job in jobs}) == len(jobs)
    return {str(job.image): (job.mask and str(job.mask), str(job.output)) for job in jobs}


def test_one_picture_is_written_under_the_given_name(touch):
    touch("a.jpg", "m.png")
    assert plan("a.jpg", "m.png", "new/b.png") == [Job(Path("a.jpg"), Path("m.png"), Path("new/b.png"))]


@pytest.mark.parametrize(("file_format", "result"), [(None, "out/a.jpg"), ("PNG", "out/a.png"), ("TIFF", "out/a.tif")])
def test_one_picture_is_written_into_a_folder_under_its_own_name(touch, file_format, result):
    touch("a.jpg", "m.png")
    assert planned("a.jpg", "m.png", "out/", file_format=file_format) == {"a.jpg": ("m.png", result)}
    Path("out").mkdir()
    assert planned("a.jpg", "m.png", "out", file_format=file_format) == {"a.jpg": ("m.png", result)}


def test_one_mask_serves_a_folder(touch):
    touch("in/a.jpg", "in/deep/b.png", "in/notes.txt", "m.png")
    assert planned("in", "m.png", "out") == {"in/a.jpg": ("m.png", "out/a.jpg"), "in/deep/b.png": ("m.png", "out/deep/b.png")}


def test_masks_are_found_by_name_stem_or_suffix(touch):
    touch("in/a.jpg", "in/b.jpg", "in/c.jpg", "in/deep/a.jpg", "in/none.jpg", "in/two.jpg", "in/same.png")
    touch("masks/a.png", "masks/b_mask.png", "masks/c.jpg", "masks/c.png", "masks/deep/a.png")
    touch("masks/two.png", "masks/two.bmp", "masks/same.png", "masks/same_mask.png")
    masks = {name: mask for name, (mask, _) in planned("in", "masks", "out").items()}
    assert masks == {
        "in/a.jpg": "masks/a.png",
        "in/b.jpg": "masks/b_mask.png",
        "in/c.jpg": "masks/c.jpg",
        "in/deep/a.jpg": "masks/deep/a.png",
        "in/none.jpg": None,
        "in/same.png": "masks/same.png",
        "in/two.jpg": None,
    }


def test_pictures_and_masks_may_lie_side_by_side(touch):
    touch("in/a.jpg", "in/a_mask.png", "in/b.png")
    assert planned("in", "in", "out") == {"in/a.jpg": ("in/a_mask.png", "out/a.jpg"), "in/b.png": (None, "out/b.png")}


def test_masks_below_the_pictures_are_no_pictures(touch):
    touch("in/a.jpg", "in/masks/a.png", "in/mask.png")
    assert planned("in", "in/masks", "out").keys() == {"in/a.jpg", "in/mask.png"}
    assert planned("in", "in/mask.png", "out").keys() == {"in/a.jpg", "in/masks/a.png"}


def test_pictures_of_one_stem_do_not_overwrite_each_other(touch):
    touch("in/a.jpg", "in/a.png", "in/b.bmp", "m.png")
    assert [result for _, result in planned("in", "m.png", "out").values()] == ["out/a.jpg", "out/a.png", "out/b.bmp"]
    as_png = planned("in", "m.png", "out", file_format="PNG")
    assert [result for _, result in as_png.values()] == ["out/a.jpg.png", "out/a.png.png", "out/b.png"]


def test_results_that_would_still_collide_are_refused(touch):
    touch("in/a.jpg", "in/a.bmp", "in/a.jpg.png", "m.png")
    with pytest.raises(ConfigError, match="same name"):
        plan("in", "m.png", "out", file_format="PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.png", "m.png", "out.png"), "picture 'missing.png' does not exist"),
        (("a.png", "missing.png", "out.png"), "mask 'missing.png' does not exist"),
        (("a.png", "masks", "out.png"), "is a folder, but there is one picture"),
        (("a.png", "m.png", "a.png"), "one of the inputs"),
        (("a.png", "m.png", "in/../m.png"), "one of the inputs"),
        (("in", "m.png", "m.png"), "must be a folder"),
        (("in", "m.png", "in"), "inside the pictures' folder"),
        (("in", "m.png", "in/results"), "inside the pictures' folder"),
        (("in", "masks", "masks"), "one of the inputs"),
        (("empty", "m.png", "out"), "holds no pictures"),
    ],
)
def test_what_does_not_go_together_is_refused(touch, arguments, message):
    touch("a.png", "m.png", "in/a.png", "masks/a.png", "empty/notes.txt")
    with pytest.raises(ConfigError, match=message):
        plan(*arguments)


@pytest.mark.parametrize(("output", "file_format"), [("out.gif", None), ("out", None), ("out.jpg", "PNG")])
def test_a_result_name_without_a_supported_format_is_refused(touch, output, file_format):
    touch("a.png", "m.png")
    with pytest.raises((ConfigError, PictureError), match=r"supported picture format|\.png"):
        plan("a.png", "m.png", output, file_format=file_format)


def test_sheets_are_named_after_the_results(touch):
    touch("in/a.jpg", "in/deep/b.png", "m.png")
    sheets = [str(job.sheet) for job in plan("in", "m.png", "out", sheets="sheets")]
    assert sheets == ["sheets/a.jpg.png", "sheets/deep/b.png.png"]
    assert [str(job.sheet) for job in plan("in/a.jpg", "m.png", "b.png", sheets="sheets")] == ["sheets/b.png.png"]
    with pytest.raises(ConfigError, match="must not lie among the results"):
        plan("in", "m.png", "out", sheets="out")


def test_a_link_out_of_the_folder_is_not_followed_and_one_within_it_is(touch):
    touch("in/a.png", "secret/b.png", "m.png", "elsewhere/c.png")
    Path("in/inside.png").symlink_to("a.png")
    Path("in/outside.png").symlink_to(Path("secret/b.png").resolve())
    Path("in/deep").symlink_to(Path("secret").resolve())  # folders behind links are not read at all
    problems = {str(job.image): job.problem for job in plan("in", "m.png", "out")}
    assert problems == {
        "in/a.png": None,
        "in/inside.png": None,
        "in/outside.png": "is a link that leads out of the pictures' folder.",
    }


def test_no_result_goes_through_a_link_out_of_the_output_folder(touch):
    touch("in/deep/a.png", "m.png", "elsewhere/c.png", "out/d.png")
    Path("out/deep").symlink_to(Path("elsewhere").resolve())
    (job,) = plan("in", "m.png", "out")
    assert job.problem == "its result would lie outside the output folder, behind a link."
