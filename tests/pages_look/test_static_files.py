"""The style sheets and scripts: named by their content, small, at home in both directions, and all of them used."""

import re
from hashlib import sha256

import pytest
from pages_look.specimens import specimens

SIDES = re.compile(r"^\s*(?:(?:margin|padding|border|inset)-(?:left|right)|left|right|float)\s*:", re.MULTILINE)


def test_a_version_is_the_hash_of_the_content(pages):
    for name, file in pages.static_files.items():
        assert file.version == sha256(file.content).hexdigest()[: len(file.version)]
        assert pages.static_url(name) == f"/portal/static/{name}?v={file.version}"


def test_an_unknown_name_has_no_address(pages):
    with pytest.raises(KeyError):
        pages.static_url("../brand.py")


def test_pages_use_every_file_and_no_other(pages):
    html = "".join(pages.render(model) for model in specimens().values())
    assert set(re.findall(r"/portal/static/([\w.-]+)\?v=", html)) == set(pages.static_files)


def test_scripts_are_short_and_make_no_markup_of_their_own(pages):
    for name, file in pages.static_files.items():
        if name.endswith(".js"):
            source = file.content.decode()
            assert source.count("\n") < 200
            assert not re.search(r"\beval\b|document\.write|insertAdjacentHTML|setAttribute\(\"style", source)


def test_style_sheets_know_beginnings_and_ends_not_left_and_right(pages):
    for name, file in pages.static_files.items():
        if name.endswith(".css"):
            assert SIDES.findall(file.content.decode()) == []
            assert "url(" not in file.content.decode()
