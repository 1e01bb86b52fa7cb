# The container's image with Ray: for gateways, head and workers alike, since a Ray cluster wants one
# Python and one Ray everywhere. From the repository's root, after deploy/container.Dockerfile:
#   docker build -f deploy/ray.Dockerfile -t friendli-ray .
ARG BASE=friendli-container:latest
# hadolint ignore=DL3006
FROM ${BASE}
USER 0
COPY constraints.txt /tmp/constraints.txt
# `default` has the agent whose health KubeRay asks for, and the autoscaler; `client` the gateways' way in.
RUN /opt/friendli/bin/pip install --no-cache-dir -c /tmp/constraints.txt "ray[default,client]==2.60.0" \
    && rm /tmp/constraints.txt
USER 10001
