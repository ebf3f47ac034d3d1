#!/bin/sh
# Builds {{name}}.wasm. Exit status 69: componentize-qjs cannot be had here, and standard error says why.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
componentize=$tools/js/node_modules/.bin/componentize-qjs
if ! [ -x "$componentize" ]; then
    if ! npm install --prefix "$tools/js" --no-audit --no-fund componentize-qjs@0.4.5 >&2; then
        echo "componentize-qjs 0.4.5 cannot be installed: Node.js with npm, and its registry, are needed" >&2
        exit 69
    fi
fi
# Without WASI: a plugin has no clock, no files and no randomness.
"$componentize" --wit wit --world {{kind}} --js {{interface}}.js --sync --stub-wasi -o {{name}}.wasm >/dev/null
