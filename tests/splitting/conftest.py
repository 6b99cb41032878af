from collections.abc import Iterator

import pytest

from instrumentarium.splitting import search, stratified


@pytest.fixture(scope="module")
def short_search() -> Iterator[None]:
    """Let the search of this module's tests take few steps, where they do not ask how well it balances."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "MOST_STEPS", 500)
        patch.setattr(stratified, "RUNS", 1)
        yield
