#!/bin/sh
# Builds {{name}}.wasm. Ends with status 69 if the tools are missing here; standard error then says which ones to install.
set -eu
cd "$(dirname "$0")"
tools=${SMELT_TOOLS:-.tools}
unavailable() {
    echo "$1" >&2
    exit 69
}
mkdir -p build
core=build/{{name}}.wasm

# This part makes the module, with a clang that has a C library for WebAssembly, or with a clang that is WebAssembly itself.
flags="-mexec-model=reactor -O2 -Wall -s"
if clang --target=wasm32-wasi $flags -x c /dev/null -o "$core" 2>/dev/null; then
    clang --target=wasm32-wasi $flags ./*.c -o "$core"
else
    clang=$tools/c/node_modules/@yowasp/clang
    if ! [ -d "$clang" ]; then
        # The directory gets its final name when it is complete, because another build may install it at the same time.
        new=$tools/c.$$
        npm install --prefix "$new" --no-audit --no-fund @yowasp/clang@22.0.0-git20542-10 >&2 ||
            unavailable "no C compiler: Debian's clang, lld, wasi-libc and libclang-rt-14-dev-wasm32, or Node.js with npm, are needed"
        node -e 'fs.renameSync(...process.argv.slice(1))' "$new" "$tools/c" 2>/dev/null || rm -rf "$new"
    fi
    node cc.mjs "$clang" "$core" $flags
fi

# This part makes the component. It has no WASI, because a plugin has no clock, no files and no randomness.
ld=$(command -v wasm-component-ld || echo "$(rustc --print target-libdir)/../bin/wasm-component-ld")
[ -x "$ld" ] || unavailable "no wasm-component-ld: it comes with rustup's toolchains, and as a crate"
# `wasm-component-ld` calls a linker, but the module is linked already. This linker only copies it.
cat >build/linker <<'END'
#!/bin/sh
while [ "$1" != -o ]; do shift; done
cp "$LINKED" "$2"
END
chmod +x build/linker
LINKED=$core "$ld" --wasm-ld-path build/linker --wasi-adapter none --component-type wit -o {{name}}.wasm
