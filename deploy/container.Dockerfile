# A container that serves pictures. Build from the repository's root:
#   docker build -f deploy/container.Dockerfile -t friendli-container .
# For a GPU: --build-arg TORCH_BACKEND=auto, or cu128 and the like (the wheels carry CUDA; the host
# brings the driver).
FROM python:3.12-slim AS build
ARG TORCH_BACKEND=cpu
WORKDIR /src
# hadolint ignore=DL3013
RUN python -m venv /opt/friendli && /opt/friendli/bin/pip install --no-cache-dir uv
COPY constraints.txt constraints.txt
COPY packages packages
RUN /opt/friendli/bin/uv pip install --python /opt/friendli/bin/python --no-cache --compile-bytecode \
      --torch-backend "${TORCH_BACKEND}" -c constraints.txt \
      packages/wire packages/engine packages/postcard 'packages/server[otel]'

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 friendli
COPY --from=build /opt/friendli /opt/friendli
# One arena for each core and thread would keep freed memory of large pictures for ever.
ENV PATH=/opt/friendli/bin:$PATH \
    MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1 \
    FRIENDLI_HOST=0.0.0.0
USER 10001
WORKDIR /home/friendli
EXPOSE 8000 8281
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s CMD \
  ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["friendli-server", "serve"]
