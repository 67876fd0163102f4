# The service, for production. It starts only if `manage.py check --deploy` has nothing to say
# (statsapi/start/container.py). tests/test_containers.py runs these commands in a folder of its own, so they write only
# under /opt, /srv and /var/lib/statsapi, and none needs root.

FROM python:3.13-slim AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /srv/statsapi

FROM base AS build
RUN python -m venv /opt/venv
COPY requirements.txt ./
# Only wheels: this image has no compiler, and the pinned packages need none.
RUN python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.txt
# No program needs pip once the service is built.
RUN python -m pip uninstall --quiet --yes pip
RUN mkdir -p /var/lib/statsapi
COPY . ./
# The user that serves cannot write here, so without this each start would compile everything again.
RUN python -m compileall -q manage.py projects statsapi tsdb

FROM base
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/statsapi /srv/statsapi
# A number, not a name, so that the owner of a volume is the same on every machine.
COPY --from=build --chown=10001:10001 /var/lib/statsapi /var/lib/statsapi
LABEL org.opencontainers.image.title="statsapi" \
    org.opencontainers.image.version="0.9.0" \
    org.opencontainers.image.licenses="MIT"
ENV HOST=0.0.0.0 \
    PORT=8000 \
    VAR_DIR=/var/lib/statsapi
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["python", "-m", "statsapi.start.container"]
