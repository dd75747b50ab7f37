# One image for every role: the command says which. Everything that is installed is held to the hashes of a lock file.
#   docker build --tag civitai-archive .
#   docker build --tag civitai-archive-sandbox --build-arg LOCK=requirements.lock .     (with the stand-in for Civitai)
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS wheel
RUN python3 -m venv /build
COPY requirements-build.lock /tmp/
RUN /build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements-build.lock
COPY . /source
WORKDIR /source
RUN /build/bin/hatchling build --target wheel --directory /wheel

FROM ${BASE} AS installed
ARG LOCK=requirements-server.lock
RUN python3 -m venv /opt/civitai-archive
COPY ${LOCK} /tmp/requirements.lock
RUN /opt/civitai-archive/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r /tmp/requirements.lock
COPY --from=wheel /wheel /wheel
RUN /opt/civitai-archive/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps /wheel/*.whl \
    && /opt/civitai-archive/bin/pip uninstall --quiet --yes pip setuptools

FROM ${BASE}
LABEL org.opencontainers.image.title="civitai-archive" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /archive --shell /usr/sbin/nologin archive \
    && install --directory --owner archive --group archive --mode 0700 /archive
COPY --from=installed /opt/civitai-archive /opt/civitai-archive
ENV PATH=/opt/civitai-archive/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ALEMBIC_CONFIG=/opt/civitai-archive/share/civitai-archive/alembic.ini \
    ARCHIVE_HOME=/archive \
    HEALTHCHECK_URL=http://127.0.0.1:8000/health
USER 10001:10001
WORKDIR /archive
# The only place that is written to, beside /tmp: the root file system may be read-only.
VOLUME /archive
EXPOSE 8000 8080 9090
# What answers there is alive. A worker has its metrics: HEALTHCHECK_URL=http://127.0.0.1:9465/metrics.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(os.environ['HEALTHCHECK_URL'], timeout=4)"]
CMD ["civitai-archive", "receiver", "--host", "0.0.0.0"]
