#!/bin/sh
# Builds {{name}}.wasm. Ends with status 69 if componentize-py cannot be installed here; standard error then says why.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
python=$tools/py/bin/python
if ! [ -x "$python" ]; then
    # The directory gets its final name when it is complete, because another build may install it at the same time.
    new=$tools/py.$$
    if ! { python3 -m venv "$new" && "$new/bin/pip" install -q componentize-py==0.25.1; } >&2; then
        echo "componentize-py 0.25.1 cannot be installed: python3 with venv, and PyPI, are needed" >&2
        exit 69
    fi
    python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$new" "$tools/py" 2>/dev/null || rm -rf "$new"
fi
# The component has no WASI, because a plugin has no clock, no files and no randomness.
# Python calls the module, because its script contains the path where it was first installed.
"$python" -c 'import componentize_py; componentize_py.script()' -q -d wit -w {{kind}} componentize --stub-wasi {{interface}} -o {{name}}.wasm
