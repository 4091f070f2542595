# A JDK with JUnit 5 and Mockito, in a sandbox. Built by `tester worker --build-images`, which
# makes the context: harness/ and the tester executable.
ARG BASE=debian:trixie-slim

# What runs in the end: the JDK, for tests are compiled there, without what links other programs.
FROM ${BASE} AS runtime
# A slim base has no folder for manuals, without which the JDK's packages can't be set up.
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && apt-get install -y --no-install-recommends openjdk-21-jdk-headless \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc /usr/share/man \
    /usr/lib/jvm/*/jmods /usr/lib/jvm/*/lib/src.zip /usr/lib/jvm/*/include /usr/lib/jvm/*/man \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && mkdir -p /opt/tester /work

# The class archive that is made here holds the path of the jars and their time: both survive COPY.
FROM runtime AS packages
COPY harness/debian-packages.txt /tmp/
RUN apt-get update && xargs apt-get install -y --no-install-recommends </tmp/debian-packages.txt
COPY harness /tmp/harness
RUN sh /tmp/harness/prepare.sh /usr/share/java /opt/tester/java

FROM runtime
COPY --from=packages /opt/tester/java /opt/tester/java
COPY tester /opt/tester/tester
RUN /opt/tester/tester --version
USER 65534:65534
WORKDIR /work
ENTRYPOINT ["/opt/tester/tester"]
