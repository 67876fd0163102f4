"""What to paste into a program so that it counts into a project, or reads from it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings


class Snippet(NamedTuple):
    """Lines to paste. `install` is the command that comes before, and may be empty."""

    name: str
    title: str
    install: str
    code: str

    @property
    def install_id(self) -> str:
        """The id of the command in a page."""
        return f"install-{self.name}"

    @property
    def code_id(self) -> str:
        """The id of the lines in a page."""
        return f"code-{self.name}"


_OF_PLATFORM = {"node": "javascript"}
"""Platforms whose snippet has another name."""


def sending(dsn: str, public: str, project: int) -> list[Snippet]:
    """Return how to count with this DSN. `public` is the key in it, `project` the project's id."""
    return [
        Snippet("python", "Python", "pip install sentry-sdk", _PYTHON.replace("DSN", dsn)),
        Snippet("javascript", "JavaScript", "npm install @sentry/browser", _JAVASCRIPT.replace("DSN", dsn)),
        Snippet("go", "Go", "go get github.com/getsentry/sentry-go", _GO.replace("DSN", dsn)),
        Snippet("ruby", "Ruby", "gem install sentry-ruby", _RUBY.replace("DSN", dsn)),
        Snippet("php", "PHP", "composer require sentry/sentry", _PHP.replace("DSN", dsn)),
        Snippet("java", "Java", "", _JAVA.replace("DSN", dsn)),
        Snippet("curl", "curl", "", _CURL.format(url=settings.PUBLIC_URL, project=project, key=public)),
    ]


def reading(organization: str) -> list[Snippet]:
    """Return how Grafana and Prometheus read. `organization` is the slug."""
    parts = urlsplit(settings.PUBLIC_URL)
    prometheus = _PROMETHEUS.format(scheme=parts.scheme, host=parts.netloc, path=f"{parts.path}/metrics")
    grafana = _GRAFANA.format(url=settings.PUBLIC_URL, organization=organization)
    return [
        Snippet("grafana", "Grafana", "grafana-cli plugins install grafana-sentry-datasource", grafana),
        Snippet("prometheus", "Prometheus", "", prometheus),
    ]


def snippet_of(platform: str) -> str:
    """Return the name of the snippet that fits a project's platform best."""
    word = platform.lower().partition("-")[0]  # Sentry's words are such as python-django
    return _OF_PLATFORM.get(word, word)


_PYTHON = """\
import sentry_sdk

sentry_sdk.init(
    dsn="DSN",
    environment="production",
)
sentry_sdk.capture_message("counted")
"""

_JAVASCRIPT = """\
import * as Sentry from "@sentry/browser"; // or "@sentry/node"

Sentry.init({
  dsn: "DSN",
  environment: "production",
});
Sentry.captureException(new Error("counted"));
"""

_GO = """\
package main

import (
	"log"
	"time"

	"github.com/getsentry/sentry-go"
)

func main() {
	err := sentry.Init(sentry.ClientOptions{
		Dsn:         "DSN",
		Environment: "production",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer sentry.Flush(2 * time.Second)
	sentry.CaptureMessage("counted")
}
"""

_RUBY = """\
require "sentry-ruby"

Sentry.init do |config|
  config.dsn = "DSN"
  config.environment = "production"
end
Sentry.capture_message("counted")
"""

_PHP = """\
<?php
require "vendor/autoload.php";

\\Sentry\\init([
    "dsn" => "DSN",
    "environment" => "production",
]);
\\Sentry\\captureMessage("counted");
"""

_JAVA = """\
// Gradle: implementation("io.sentry:sentry:8.0.0"), or a later one
import io.sentry.Sentry;

public class Main {
    public static void main(String[] args) {
        Sentry.init(options -> {
            options.setDsn("DSN");
            options.setEnvironment("production");
        });
        Sentry.captureMessage("counted");
        Sentry.close();
    }
}
"""

_CURL = """\
curl {url}/api/{project}/store/ \\
  -H 'X-Sentry-Auth: Sentry sentry_key={key}, sentry_version=7' \\
  -H 'Content-Type: application/json' \\
  -d '{{"message": "counted", "environment": "production"}}'
"""

_GRAFANA = """\
apiVersion: 1
datasources:
  - name: Event counts
    type: grafana-sentry-datasource
    jsonData:
      url: {url}
      orgSlug: {organization}
    secureJsonData:
      authToken: <token>
"""

_PROMETHEUS = """\
scrape_configs:
  - job_name: event-counts
    scheme: {scheme}
    metrics_path: {path}
    authorization:
      credentials: <METRICS_TOKEN>
    static_configs:
      - targets: ["{host}"]
"""
