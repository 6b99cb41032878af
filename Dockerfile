# One image for the server and the pipeline; docs/serving.md says how to build and run it.
#
#   docker build --tag instrumentarium --build-arg PIP_EXTRA_INDEX_URL=<PyTorch's index of CPU builds> .
#   docker build --tag instrumentarium:gpu --build-arg DEVICE=gpu .

FROM python:3.11-slim-bookworm AS build
# cpu: PyTorch's builds without CUDA, several GB smaller, from the index that PyTorch names; gpu: those of pip's own index
ARG DEVICE=cpu
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /source
COPY constraints.txt ./
RUN python -m venv /opt/venv
RUN case "$DEVICE" in \
      cpu) sed -E 's/^(torch|torchaudio|torchvision)==([0-9.]+)$/\1==\2+cpu/' constraints.txt ;; \
      gpu) cat constraints.txt ;; \
      *) echo "DEVICE is cpu or gpu, found $DEVICE" >&2; exit 1 ;; \
    esac > pinned.txt
RUN /opt/venv/bin/pip install --constraint pinned.txt torch torchaudio torchvision \
    || { echo "DEVICE=$DEVICE: for cpu, PIP_EXTRA_INDEX_URL must name PyTorch's index of CPU builds" >&2; exit 1; }
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/venv/bin/pip install --constraint pinned.txt '.[serve,onnx]' \
    && /opt/venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
# Git is DVC's; the version is Debian's, which changes with each of its fixes
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home instrumentarium
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000
WORKDIR /workspace
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["instrumentarium", "serve", "--host", "0.0.0.0", "--model", "/model"]
