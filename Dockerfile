# Builds the program, then puts it alone, with certificate authorities and the C library, into an image without a shell.
# `docker run IMAGE` serves; `docker run IMAGE migrate run` brings the database's schema up to date.

FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package task-api

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/task-api /usr/local/bin/task-api
# A container is reached from outside, and the safe environment is the one that nobody had to choose.
ENV ENVIRONMENT=production HOST=0.0.0.0
EXPOSE 8080
ENTRYPOINT ["task-api"]
