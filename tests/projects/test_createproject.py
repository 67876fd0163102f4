"""The command createproject: what it creates, what it prints, and what it refuses."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from projects import services
from projects.models import Organization, Project, ProjectKey

pytestmark = pytest.mark.usefixtures("db")


def createproject(*arguments: str) -> str:
    output = StringIO()
    call_command("createproject", *arguments, stdout=output)
    return output.getvalue()


def test_it_makes_organization_project_and_key_and_prints_the_dsn_alone() -> None:
    output = createproject("acme", "my-web")
    project, key = Project.objects.get(), ProjectKey.objects.get()
    assert output == f"http://{key.public}@127.0.0.1:8000/{project.pk}\n"
    assert (project.organization.slug, project.organization.name) == ("acme", "Acme")
    assert (project.slug, project.name) == ("my-web", "My Web")


def test_it_adds_a_project_to_an_organization_that_is_there(organization: Organization) -> None:
    createproject("acme", "web", "--name", "The Web")
    assert [(project.slug, project.name) for project in organization.projects.all()] == [("web", "The Web")]
    assert Organization.objects.get() == organization


def test_running_it_again_makes_nothing_and_prints_the_same() -> None:
    assert createproject("acme", "web") == createproject("acme", "web", "--name", "Another")
    assert [Organization.objects.count(), Project.objects.count(), ProjectKey.objects.count()] == [1, 1, 1]
    assert Project.objects.get().name == "Web"


def test_it_prints_the_first_key_that_is_active(project: Project) -> None:
    second, third = (services.create_key(project=project) for _ in range(2))
    project.keys.exclude(pk__in=[second.pk, third.pk]).update(active=False)
    assert second.public in createproject("acme", "web")


def test_it_makes_a_key_where_none_is_active(project: Project) -> None:
    old = project.keys.get()
    project.keys.update(active=False)
    output = createproject("acme", "web")
    assert old.public not in output
    assert project.keys.get(active=True).public in output


def test_a_project_of_the_same_slug_elsewhere_is_another_project(project: Project) -> None:
    output = createproject("other", "web")
    assert project.keys.get().public not in output
    assert Project.objects.filter(slug="web").count() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Acme", "web"], "'Acme' cannot be made: Use 1 to 100 of a-z"),
        (["acme", "a b"], "'a b' cannot be made: Use 1 to 100 of a-z"),
        (["acme", "123"], "'123' cannot be made"),
        (["acme", "w" * 101], "cannot be made"),
        (["acme", "web", "--name", "n" * 101], "at most 100 characters"),
    ],
)
def test_it_refuses_what_cannot_be_and_makes_nothing(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        createproject(*arguments)
    assert message in str(refused.value)
    assert not Organization.objects.exists()
