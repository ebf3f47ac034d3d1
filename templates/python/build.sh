#!/bin/sh
# Builds {{name}}.wasm. Exit status 69: componentize-py cannot be had here, and standard error says why.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
python=$tools/py/bin/python
if ! [ -x "$python" ]; then
    # Renamed when it is whole: another build may install it at the same time.
    new=$tools/py.$$
    if ! { python3 -m venv "$new" && "$new/bin/pip" install -q componentize-py==0.25.1; } >&2; then
        echo "componentize-py 0.25.1 cannot be installed: python3 with venv, and PyPI, are needed" >&2
        exit 69
    fi
    python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$new" "$tools/py" 2>/dev/null || rm -rf "$new"
fi
# Without WASI: a plugin has no clock, no files and no randomness.
# Not by its script, which names the place where it was installed.
"$python" -c 'import componentize_py; componentize_py.script()' -q -d wit -w {{kind}} componentize --stub-wasi {{interface}} -o {{name}}.wasm
