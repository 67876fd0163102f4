from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.clients import browser, packages, wheels
from tests.clients.certificates import Certificate, new_certificate
from tests.clients.live import IntakeService, Sender, event
from tests.servers import Missing, wait_for
from tests.service import PATIENT


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeService]:
    service = IntakeService(tmp_path_factory.mktemp("clients"), workers=1, **PATIENT)
    # On a busy machine the first event may get a 503, while the worker opens its connections; most SDKs send it once.
    first = service.new_sender()
    wait_for(lambda: service.send(first, event()).status == 200, "the first event")
    yield service
    service.stop()


@pytest.fixture
def sender(service: IntakeService) -> Sender:
    return service.new_sender()


@pytest.fixture(scope="session")
def node() -> str:
    """Return the path of Node, after installing the clients."""
    try:
        packages.install()
        return packages.node()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def chromium(node: str) -> str:
    try:
        return browser.chromium()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], wheels.Python]:
    """Return a function that installs a client by the name of its requirements, and returns a Python that has it.

    Without a name it is the Python of the virtual environment.
    """

    def named(name: str) -> wheels.Python:
        try:
            return wheels.python(wheels.install(name) if name else None)
        except Missing as missing:
            pytest.skip(str(missing))

    return named


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    try:
        return new_certificate(tmp_path_factory.mktemp("certificate"))
    except Missing as missing:
        pytest.skip(str(missing))
