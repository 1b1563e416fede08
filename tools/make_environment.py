"""Makes a virtual environment with the package (editable) and all that its demo and its tests need; does nothing when up to date.

    python3.11 tools/make_environment.py .venv

Called by `make setup`. It may be started several times at once: the first one works, the others wait for it.
"""

import fcntl
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUTS = ("setup.cfg", "pyproject.toml")
STAMP = "installed"


def main(folder: str) -> None:
    environment = ROOT / folder
    stamp = environment / STAMP
    wanted = "".join((ROOT / name).read_text(encoding="utf-8") for name in INPUTS)
    # One lock for the whole checkout: two stacks installed at once would write the same egg-info.
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            stamp.touch()  # make compares times only
            return
        print(f"Setting up {folder} with Python {sys.version.split()[0]}; this takes some minutes.", flush=True)
        if not stamp.exists():  # new, or what an interrupted run left
            venv.create(environment, clear=True, with_pip=True)
        stamp.unlink(missing_ok=True)
        python = environment / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[dev]"], check=True)
        subprocess.run([python, "-m", "pip", "check"], check=True)
        stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(f"Setting up the environment failed: {error}")
