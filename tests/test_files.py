"""Files and folders appear whole or not at all, whatever ends the process."""

import hashlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from tf_inpaint.files import atomic_directory, atomic_write, sha256


def test_the_file_appears_only_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "a.bin"
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_text_is_written_as_utf8_with_its_line_ends_kept(tmp_path):
    with atomic_write(tmp_path / "a.txt", "w") as file:
        file.write("grün\r\nrot\n")
    assert (tmp_path / "a.txt").read_bytes() == "grün\r\nrot\n".encode()


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file_and_no_rest(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error):
        with atomic_write(path) as file:
            file.write(b"new")
            raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("mode", ["r", "a", "ab", "r+b", "x"])
def test_a_mode_that_does_not_make_a_whole_new_file_is_refused(tmp_path, mode):
    with pytest.raises(ValueError, match="mode"):
        with atomic_write(tmp_path / "a.bin", mode):
            pass


def test_a_missing_folder_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        with atomic_write(tmp_path / "nowhere" / "a.bin"):
            pass


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    program = (
        "import os, signal, sys\n"
        "from tf_inpaint.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'new'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, path])
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_an_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    program = (  # a limit on the size of files fails as a full disk does: in write or in flush, with an OSError
        "import resource, sys\n"
        "from tf_inpaint.files import atomic_write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with atomic_write(sys.argv[1]) as file:\n"
        "        file.write(bytes(5000))\n"
        "except OSError:\n"
        "    sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, path]).returncode == 7
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_threads_that_write_the_same_file_leave_one_whole_content(tmp_path):
    path = tmp_path / "a.bin"
    contents = [bytes([number]) * 100_000 for number in range(8)]

    def write(content):
        with atomic_write(path) as file:
            file.write(content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["a.bin"]


def test_the_folder_appears_only_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "model"
    with atomic_directory(path) as folder:
        (folder / "variables").mkdir()
        (folder / "variables" / "data").write_bytes(b"1")
        assert not path.exists()
    assert (path / "variables" / "data").read_bytes() == b"1"
    assert os.listdir(tmp_path) == ["model"]


def test_an_existing_folder_is_kept_unless_overwriting_is_asked_for(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(FileExistsError, match="model"):
        with atomic_directory(path):
            pass
    assert os.listdir(path) == ["old"]
    with atomic_directory(path, overwrite=True) as folder:
        (folder / "new").touch()
        assert os.listdir(path) == ["old"]
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path) == ["model"]


def test_an_error_leaves_the_old_folder_and_no_rest(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(ZeroDivisionError):
        with atomic_directory(path, overwrite=True) as folder:
            (folder / "new").touch()
            raise ZeroDivisionError
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_sha256_equals_that_of_the_whole_content(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "a.bin"
    path.write_bytes(content[:size])
    assert sha256(path) == hashlib.sha256(content[:size]).hexdigest()
