#!/bin/sh
# Builds {{name}}.wasm. Exit status 69: there are no tools for it here, and standard error says what would be.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
unavailable() {
    echo "$1" >&2
    exit 69
}
mkdir -p build
core=build/{{name}}.wasm

# The module: by a clang that has a C library for WebAssembly, or by one that is WebAssembly itself.
flags="-mexec-model=reactor -O2 -Wall -s"
if clang --target=wasm32-wasi $flags -x c /dev/null -o "$core" 2>/dev/null; then
    clang --target=wasm32-wasi $flags ./*.c -o "$core"
else
    clang=$tools/c/node_modules/@yowasp/clang
    if ! [ -d "$clang" ]; then
        # Renamed when it is whole: another build may install it at the same time.
        new=$tools/c.$$
        npm install --prefix "$new" --no-audit --no-fund @yowasp/clang@22.0.0-git20542-10 >&2 ||
            unavailable "no C compiler: Debian's clang, lld, wasi-libc and libclang-rt-14-dev-wasm32, or Node.js with npm, are needed"
        node -e 'fs.renameSync(...process.argv.slice(1))' "$new" "$tools/c" 2>/dev/null || rm -rf "$new"
    fi
    node cc.mjs "$clang" "$core" $flags
fi

# The component. Without WASI: a plugin has no clock, no files and no randomness.
ld=$(command -v wasm-component-ld || echo "$(rustc --print target-libdir)/../bin/wasm-component-ld")
[ -x "$ld" ] || unavailable "no wasm-component-ld: it comes with rustup's toolchains, and as a crate"
# It calls a linker, for which there is nothing left to do.
cat >build/linker <<'END'
#!/bin/sh
while [ "$1" != -o ]; do shift; done
cp "$LINKED" "$2"
END
chmod +x build/linker
LINKED=$core "$ld" --wasm-ld-path build/linker --wasi-adapter none --component-type wit -o {{name}}.wasm
