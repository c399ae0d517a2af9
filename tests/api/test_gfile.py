"""Files and folders through `tf.gfile`: what they do, and the class of each failure."""

from __future__ import annotations

from pathlib import Path

import pytest

import weft as tf
from weft import errors, gfile


def test_text_goes_out_and_comes_back(tmp_path: Path) -> None:
    path = str(tmp_path / "a.txt")
    with gfile.GFile(path, "w") as file:
        file.write("first\n")
        file.write("zweite ü\n")
    with tf.gfile.Open(path) as file:
        assert file.readline() == "first\n"
        assert list(file) == ["zweite ü\n"]
        file.seek(0)
        assert file.read(3) == "fir"
        assert file.size() == 16
    with gfile.FastGFile(path, "rb") as file:
        assert file.read() == "first\nzweite ü\n".encode()
    with gfile.GFile(path, "a") as file:
        file.write("more")
    assert gfile.GFile(path).readlines()[-1] == "more"


def test_an_empty_file_is_written_on_close(tmp_path: Path) -> None:
    gfile.GFile(str(tmp_path / "empty"), "w").close()
    assert gfile.Stat(str(tmp_path / "empty")).length == 0


def test_folders(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    gfile.MakeDirs(str(deep))
    gfile.MakeDirs(str(deep))
    for name in ("y", "x"):
        (deep / name).write_bytes(b"1")
    assert gfile.Exists(str(deep)) and gfile.IsDirectory(str(deep))
    assert gfile.ListDirectory(str(deep)) == ["x", "y"]
    assert gfile.Glob(str(deep / "*")) == [str(deep / "x"), str(deep / "y")]
    assert gfile.Glob([str(deep / "y"), str(deep / "x")]) == [str(deep / "y"), str(deep / "x")]
    assert list(gfile.Walk(str(tmp_path))) == [
        (str(tmp_path), ["a"], []),
        (str(tmp_path / "a"), ["b"], []),
        (str(deep), [], ["x", "y"]),
    ]
    assert next(row[0] for row in gfile.Walk(str(tmp_path), in_order=False)) == str(deep)
    gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not gfile.Exists(str(tmp_path / "a"))


def test_copies_and_moves(tmp_path: Path) -> None:
    one, two, three = (str(tmp_path / n) for n in ("1", "2", "3"))
    Path(one).write_text("one", encoding="utf-8")
    Path(two).write_text("two", encoding="utf-8")
    with pytest.raises(errors.AlreadyExistsError, match="2"):
        gfile.Copy(one, two)
    gfile.Copy(one, two, overwrite=True)
    gfile.Rename(two, three)
    assert Path(three).read_text(encoding="utf-8") == "one"
    assert not gfile.Exists(two)
    gfile.Remove(three)
    assert not gfile.Exists(three)


def test_failures_are_tensorflows(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    for call in (gfile.Remove, gfile.DeleteRecursively, gfile.Stat, gfile.ListDirectory):
        with pytest.raises(errors.NotFoundError, match="gone"):
            call(gone)
    with pytest.raises(errors.NotFoundError, match="gone"):
        gfile.GFile(gone).read()
    with pytest.raises(errors.NotFoundError):
        gfile.Copy(gone, str(tmp_path / "x"))
    with pytest.raises(errors.NotFoundError):
        gfile.MkDir(str(tmp_path / "no" / "folder"))
    with pytest.raises(errors.AlreadyExistsError):
        gfile.MkDir(str(tmp_path))
    with pytest.raises(errors.FailedPreconditionError):
        gfile.GFile(str(tmp_path)).read()
    with pytest.raises(errors.InvalidArgumentError, match="mode"):
        gfile.GFile(gone, "x")
    file = gfile.GFile(gone, "w")
    with pytest.raises(errors.PermissionDeniedError, match="writing"):
        file.read()
    file.close()
    with pytest.raises(errors.PermissionDeniedError, match="reading"):
        gfile.GFile(gone).write("x")


def test_the_names_of_both_kinds_agree() -> None:
    assert (gfile.exists, gfile.rmtree, gfile.glob) == (gfile.Exists, gfile.DeleteRecursively, gfile.Glob)
