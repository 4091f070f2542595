#!/bin/sh
# Makes the Java harness ready to run, in a folder that must already be visible at the path where it runs later
# (/opt/tester/java): the JVM's class archive holds that path.
#
#     prepare.sh JARS [TARGET]
#
# JARS    a folder with the jars of debian-packages.txt, such as /usr/share/java
# TARGET  where to put harness.jar, mocks.jar, harness.jsa, java.args; default /opt/tester/java
#
# JAVA_HOME says which JDK; without it, the one on the PATH. It must be the one that runs the harness later.
# At run time nothing but TARGET is needed, and it may be read-only.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
jars=$1
target=${2:-/opt/tester/java}
bin=${JAVA_HOME:+$JAVA_HOME/bin/}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

version() { # the version of a jar, from the name that Debian gives it beside the plain one
    for named in "$jars/$1"-[0-9]*.jar; do
        if [ -e "$named" ]; then
            basename "$named" .jar | sed "s/^$1-//"
            return
        fi
    done
    echo unknown
}

mkdir -p "$target" "$work/module" "$work/mocks" "$work/generated"
while read -r part jar; do
    if [ ! -e "$jars/$jar" ]; then
        echo "prepare.sh: $jars/$jar is missing; see debian-packages.txt" >&2
        exit 1
    fi
    (cd "$work/$part" && "${bin}jar" xf "$(readlink -f "$jars/$jar")" && rm -f META-INF/MANIFEST.MF module-info.class)
    # The newer forms of multi-release classes; every JDK that can run this is new enough for those up to 9.
    if [ -d "$work/$part/META-INF/versions/9" ]; then
        rm -f "$work/$part/META-INF/versions/9/module-info.class"
        cp -R "$work/$part/META-INF/versions/9/." "$work/$part/"
    fi
    rm -rf "$work/$part/META-INF/versions" "$work/$part/META-INF/services" "$work/$part/META-INF/maven"
done <"$here/jars.txt"

# Exported is what tests are written against, not JUnit's inside.
(cd "$work/module" && find org/junit/jupiter/api org/junit/jupiter/params org/junit/platform/commons/annotation \
    org/junit/platform/commons/support org/junit/platform/commons/function org/opentest4j org/apiguardian/api \
    -name '*.class' ! -path '*/shadow/*') |
    sed -e 's,/[^/]*$,,' -e 's,/,.,g' -e 's,.*,exports &;,' | sort -u >"$work/exports"
sed -e "/@EXPORTS@/{
r $work/exports
d
}" "$here/module-info.java.in" >"$work/generated/module-info.java"

find "$here/src" "$work/generated" -name '*.java' >"$work/sources"
"${bin}javac" -nowarn -proc:none -g -d "$work/module" --add-exports jdk.compiler/com.sun.tools.javac.api=tester.harness \
    "@$work/sources"
cp "$here"/src/tester/harness/*.txt "$work/module/tester/harness/"
printf '{"junit":"%s","mockito":"%s"}\n' "$(version junit-jupiter-api)" "$(version mockito-core)" \
    >"$work/module/tester/harness/versions.json"
find "$here/mocks" -name '*.java' >"$work/sources"
"${bin}javac" -nowarn -proc:none -g -d "$work/mocks" -cp "$work/mocks" --module-path "$work/module" \
    --add-modules tester.harness "@$work/sources"
if [ -d "$here/mocks/mockito-extensions" ]; then
    cp -R "$here/mocks/mockito-extensions" "$work/mocks/"
fi

rm -f "$target/harness.jar" "$target/mocks.jar" "$target/harness.jsa"
# Not compressed: the JVM and javac read them faster, and the archive holds most classes anyway.
"${bin}jar" --create --no-compress --file "$target/harness.jar" -C "$work/module" .
printf 'Agent-Class: net.bytebuddy.agent.Installer\nCan-Redefine-Classes: true\nCan-Retransform-Classes: true\n' \
    >"$work/manifest"
"${bin}jar" --create --no-compress --file "$target/mocks.jar" --manifest "$work/manifest" -C "$work/mocks" .

sed "s,@TARGET@,$target,g" "$here/java.args.in" >"$target/java.args"
cd /
"${bin}java" "@$target/java.args" -XX:ArchiveClassesAtExit="$target/harness.jsa" \
    -m tester.harness/tester.harness.Main --train "$here/train/Source.java" "$here/train/Tests.java" >"$work/train.log" 2>&1 || {
    cat "$work/train.log" >&2
    exit 1
}
chmod -R a+rX "$target"
