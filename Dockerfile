# syntax=docker/dockerfile:1
# One image for all services: the smelt command, the components and the pipeline, and nothing else, not even a shell.

FROM rust:1.95-bookworm AS build
# Pinned here; without it rust-toolchain.toml would fetch the newest.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo xtask plugins \
    && cargo build --release --locked --package smelt \
    && mkdir -p /smelt/target/components /empty \
    && cp target/release/smelt /usr/local/bin/ \
    && cp target/components/*.wasm /smelt/target/components/ \
    && cp -r pipelines /smelt/

# With glibc, the certificates of public authorities and a user `nonroot`.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /usr/local/bin/smelt /usr/local/bin/smelt
COPY --from=build /smelt /smelt
# What volumes are mounted on belongs to the user, so they do as well.
COPY --from=build --chown=nonroot:nonroot /empty /var/cache/smelt
COPY --from=build --chown=nonroot:nonroot /empty /var/lib/smelt
# The pipeline's default place is relative to it.
WORKDIR /smelt
ENV SMELT_CACHE_DIR=/var/cache/smelt TMPDIR=/var/cache/smelt XDG_CONFIG_HOME=/var/lib SMELT_HEARTBEAT=/tmp/smelt-heartbeat
ENTRYPOINT ["smelt"]
CMD ["up"]
# A tick that reached the lake in the last minute.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["smelt", "health"]
