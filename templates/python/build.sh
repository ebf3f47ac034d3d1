#!/bin/sh
# Builds {{name}}.wasm. Exit status 69: componentize-py cannot be had here, and standard error says why.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
componentize=$tools/py/bin/componentize-py
if ! [ -x "$componentize" ]; then
    if ! { python3 -m venv "$tools/py" && "$tools/py/bin/pip" install -q componentize-py==0.25.1; } >&2; then
        echo "componentize-py 0.25.1 cannot be installed: python3 with venv, and PyPI, are needed" >&2
        exit 69
    fi
fi
# Without WASI: a plugin has no clock, no files and no randomness.
"$componentize" -q -d wit -w {{kind}} componentize --stub-wasi {{interface}} -o {{name}}.wasm
