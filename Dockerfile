# Our Realtime engine as an image that can stand where supabase/realtime stands: same port, same environment
# (docs/compose.md). Any base with Python 3.11 or newer will do; it needs `venv`, and apt-get unless it has curl.
#
#   docker build -t realtime-harness/engine .
#
# Where no registry of Python packages is reachable, put wheels into docker/wheels first: docker/stand_ins.sh does.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
COPY requirements.lock docker/engine.in docker/wheels/ /build/
# The lock says which versions, engine.in which few of its packages the engine needs.
RUN python3 -m venv /opt/engine \
 && if ls /build/*.whl >/dev/null 2>&1; then offline="--no-index --find-links /build"; fi \
 && /opt/engine/bin/pip install -q --no-cache-dir --disable-pip-version-check --only-binary :all: $offline \
      -c /build/requirements.lock -r /build/engine.in \
 && /opt/engine/bin/pip uninstall -q -y setuptools pip
COPY harness /opt/engine/app/harness
RUN /opt/engine/bin/python -m compileall -q /opt/engine/app /opt/engine/lib

FROM ${BASE}
# Health checks of compose files that were written for the real image call curl inside the container.
RUN command -v curl >/dev/null \
 || { apt-get -qq update && apt-get -qq install -y --no-install-recommends curl >/dev/null && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /opt/engine /opt/engine
LABEL io.realtime-harness.stand-in="true" \
      org.opencontainers.image.title="Realtime engine of realtime-harness, standing in for supabase/realtime" \
      org.opencontainers.image.licenses="Apache-2.0"
# Inside a container every address is the container's own; what is published is for the compose file to say.
ENV HARNESS_BIND_HOST=0.0.0.0 PORT=4000 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/engine/app
USER 10001:10001
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD curl -fsS -o /dev/null -H "Host: ${SELF_HOST_TENANT_NAME:-realtime-dev}" "http://127.0.0.1:${PORT}/api/ping"
CMD ["/opt/engine/bin/python", "-m", "harness.realtime"]
