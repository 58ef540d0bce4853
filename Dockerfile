# Builds the program, then puts it alone into an image without shell and package manager, in which an unprivileged user
# runs it. `docker run IMAGE` serves; `docker run IMAGE migrate run` brings the database's schema up to date.
#
# The program is linked against the C library of Debian 12, as the one that the tests and the measurements run, and the
# image has that library: a static one on musl would be another program, with another allocator, which nobody has tested.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
# The allocator is compiled with make, which this image lacks. Its version is not pinned: the archive keeps only the newest.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# What was fetched and compiled is kept between builds, so that a change of ours compiles only ours. What is kept is not
# part of a layer, which is why the program is taken out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package task-api \
    && cp target/release/task-api /task-api

# Certificate authorities, the C library, and the user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /task-api /usr/local/bin/task-api
USER 65532:65532
# A container is reached from outside, and the safe environment is the one that nobody had to choose.
ENV ENVIRONMENT=production HOST=0.0.0.0
EXPOSE 8080
# Asks /health/live, which never touches the database: an outage of the database is no reason to replace the container.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/task-api", "health"]
ENTRYPOINT ["/usr/local/bin/task-api"]
