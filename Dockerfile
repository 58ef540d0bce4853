# Builds the program, then puts it, with certificate authorities, into a small image in which an unprivileged user runs it.
# `docker run IMAGE` serves; `docker run IMAGE migrate run` brings the database's schema up to date.

FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package task-api

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin task-api
COPY --from=build /src/target/release/task-api /usr/local/bin/task-api
USER task-api
# A container is reached from outside, and the safe environment is the one that nobody had to choose.
ENV ENVIRONMENT=production HOST=0.0.0.0
EXPOSE 8080
ENTRYPOINT ["task-api"]
