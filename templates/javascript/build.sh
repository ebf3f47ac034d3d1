#!/bin/sh
# Builds {{name}}.wasm. Ends with status 69 if componentize-qjs cannot be installed here; standard error then says why.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
componentize=$tools/js/node_modules/.bin/componentize-qjs
if ! [ -x "$componentize" ]; then
    # The directory gets its final name when it is complete, because another build may install it at the same time.
    new=$tools/js.$$
    if ! npm install --prefix "$new" --no-audit --no-fund componentize-qjs@0.4.5 >&2; then
        echo "componentize-qjs 0.4.5 cannot be installed: Node.js with npm, and its registry, are needed" >&2
        exit 69
    fi
    node -e 'fs.renameSync(...process.argv.slice(1))' "$new" "$tools/js" 2>/dev/null || rm -rf "$new"
fi
# The component has no WASI, because a plugin has no clock, no files and no randomness.
"$componentize" --wit wit --world {{kind}} --js {{interface}}.js --sync --stub-wasi -o {{name}}.wasm >/dev/null
