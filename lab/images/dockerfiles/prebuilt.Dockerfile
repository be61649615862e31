# An image of a service, with a program that cargo has already built and the runtime of deploy/Dockerfile.
FROM order-saga-lab/runtime:1
ARG SERVICE
COPY program /usr/local/bin
ARG VERSION=lab
ARG REVISION=unknown
LABEL org.opencontainers.image.title="${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
