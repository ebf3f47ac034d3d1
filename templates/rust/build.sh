#!/bin/sh
# Builds {{name}}.wasm. Ends with status 69 if there is no compiler for it here; standard error then says which one to install.
set -eu
cd "$(dirname "$0")"
target=wasm32-unknown-unknown
std=$(rustc --print target-libdir --target $target)
if ls "$std"/*.rlib >/dev/null 2>&1; then
    cargo build --release --target $target
elif [ -x /usr/bin/rustc ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std" ]; then
    # Debian's rustc builds the standard library from its source. The linker comes from rustup's toolchain.
    tools=$(dirname "$(rustc --print target-libdir)")/bin
    PATH="$tools:$PATH" RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        cargo build --release --target $target -Zbuild-std=std,panic_abort
else
    echo "no $target here: \`rustup target add $target\`, or Debian's packages rustc-web and rust-web-src" >&2
    exit 69
fi
cp "${CARGO_TARGET_DIR:-target}/$target/release/{{file}}.wasm" {{name}}.wasm
