# TESTER, both halves in one image: `docker run tester serve` and `docker run tester worker`.
#
#     docker build --tag tester .
#
# What runs is the executable, the parts of the C library that it is linked with, and the
# certificate authorities; there is no shell and no package. It writes nothing, so the root may be
# read-only, and it is nobody in particular: uid 10001, no capability.
#
# Every step is understood by BuildKit and by the builder before it.

# Debian 12, although 13 is out: what is built on the older C library runs on both, and sandbox
# images, which hold a copy of the executable, are Debian 13.
ARG BUILD_BASE=rust:1.95-bookworm

FROM ${BUILD_BASE} AS build
# Authorities as new as the build, whatever the base was made with.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# An executable in the context that is taken instead of compiling one: for who has it already, and
# wants exactly that one in the image.
ARG EXECUTABLE=
RUN if [ -z "$EXECUTABLE" ]; then cargo build --locked --release --bin tester; fi \
    && install -D -m 755 "${EXECUTABLE:-target/release/tester}" /image/usr/local/bin/tester
# The libraries go where the loader looks without a cache. glibc resolves names itself, by
# nsswitch.conf.
RUN ldd /image/usr/local/bin/tester >/tmp/linked \
    && grep -o '/[^ ]*' /tmp/linked >/tmp/libraries \
    && while read -r library; do \
        install -D -m 755 "$library" "/image$library"; \
    done </tmp/libraries \
    && install -D -m 644 -t /image/etc/ssl/certs /etc/ssl/certs/ca-certificates.crt \
    && echo 'tester:x:10001:10001::/:/nonexistent' >/image/etc/passwd \
    && echo 'tester:x:10001:' >/image/etc/group \
    && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
    && install -d -m 1777 /image/tmp

FROM scratch
LABEL org.opencontainers.image.title="TESTER" \
      org.opencontainers.image.description="Writes unit tests and runs them in sandboxes" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /image /
# By number, so that whoever wants proof that it is not root can read it off.
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# A worker listens once each of its sandboxes has run a test.
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["/usr/local/bin/tester", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/tester"]
CMD ["serve"]
