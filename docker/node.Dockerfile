# Node with Jest's parts, in a sandbox. Built by `tester worker --build-images`, which makes the
# context: harness/, the tester executable, and the certificate authorities the host trusts.
ARG BASE=debian:trixie-slim

# What runs in the end: the interpreter and nothing that could install another.
FROM ${BASE} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends nodejs \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc /usr/share/man \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && mkdir -p /opt/tester /work

# npm works here and stays here.
FROM runtime AS packages
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates npm
COPY certificates.crt /usr/local/share/tester/
RUN cat /usr/local/share/tester/certificates.crt >> /etc/ssl/certs/ca-certificates.crt
COPY harness/package.json harness/package-lock.json /opt/tester/node/
ARG NPM_CONFIG_REGISTRY
RUN cd /opt/tester/node \
    && NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier
COPY harness /opt/tester/node
# Everything into one file and its code cache; what was only needed for that goes.
RUN cd /opt/tester/node && node prepare.js --prune

FROM runtime
COPY --from=packages /opt/tester/node /opt/tester/node
COPY tester /opt/tester/tester
RUN /opt/tester/tester --version
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["/opt/tester/tester"]
