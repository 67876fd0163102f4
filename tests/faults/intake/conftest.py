from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.live import IntakeService, Sender
from tests.faults.stage import Stage
from tests.service import PATIENT


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeService]:
    service = IntakeService(tmp_path_factory.mktemp("intake"), workers=2, **PATIENT)
    yield service
    service.stop()


@pytest.fixture
def sender(service: IntakeService) -> Sender:
    return service.new_sender()


@pytest.fixture
def web(stage: Stage) -> Sender:
    """Return a sender for the project `web` of the stage's service."""
    source = 'web = Project.objects.get(slug="web"); key = web.keys.get(); answer = [web.pk, key.public, key.secret]'
    return Sender("web", *stage.service.run(source))
