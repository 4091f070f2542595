# Python with pytest, in a sandbox. Built by `tester worker --build-images`, which makes the
# context: harness/, the tester executable, and the certificate authorities the host trusts.
ARG BASE=debian:trixie-slim

# What runs in the end: the interpreter and nothing that could install another.
FROM ${BASE} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc /usr/share/man \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && mkdir -p /opt/tester /work

# pip works here and stays here.
FROM runtime AS packages
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3-pip
COPY certificates.crt /usr/local/share/tester/
RUN cat /usr/local/share/tester/certificates.crt >> /etc/ssl/certs/ca-certificates.crt
COPY harness/requirements.txt /tmp/
ARG PIP_INDEX_URL
RUN PIP_CERT=/etc/ssl/certs/ca-certificates.crt python3 -m pip install \
    --no-cache-dir --no-compile --no-deps --only-binary=:all: --disable-pip-version-check \
    --root-user-action=ignore --target /opt/tester/python/lib -r /tmp/requirements.txt \
    && rm -rf /opt/tester/python/lib/bin

FROM runtime
COPY --from=packages /opt/tester/python/lib /opt/tester/python/lib
COPY harness /opt/tester/python
RUN python3 -I /opt/tester/python/prepare.py
COPY tester /opt/tester/tester
RUN /opt/tester/tester --version
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["/opt/tester/tester"]
