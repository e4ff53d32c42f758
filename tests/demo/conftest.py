from datetime import date

import pytest

from config.demo.places import Places
from config.demo.samples import make_sample_data

TODAY = date(2026, 11, 20)  # a Friday


@pytest.fixture(scope="session")
def pristine_places(tmp_path_factory) -> Places:
    places = Places(tmp_path_factory.mktemp("pristine"))
    make_sample_data(places, today=TODAY)
    return places


@pytest.fixture
def places(pristine_places, tmp_path) -> Places:
    """The demo company as it is on its first day, in folders of the test's own."""
    import shutil

    shutil.copytree(pristine_places.root, tmp_path / "demo")
    return Places(tmp_path / "demo")
