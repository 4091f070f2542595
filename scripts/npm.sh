# shellcheck shell=bash
# Sourced by other scripts, after bounded.sh: `install_locked FROM INTO SECONDS` installs with npm what
# FROM/package-lock.json names, in exactly those versions and checked by its sums, into INTO. What is
# there is kept until that changes.
install_locked() {
    local from=$1 into=$2 limit=$3
    if cmp --quiet "$from/package-lock.json" "$into/installed"; then
        return
    fi
    rm -rf "$into"
    mkdir -p "$into"
    cp "$from/package-lock.json" "$from/package.json" "$into"
    # No package that is installed this way needs a script to be built.
    bounded "$limit" npm ci --prefix "$into" \
        --cache "$PWD/target/tmp/npm" --ignore-scripts --no-audit --no-fund
    cp "$from/package-lock.json" "$into/installed"
}
