# The example of examples/better-auth: Better Auth, and a page that uses the Task API. Built from the root of the project,
# since its types come from docs/openapi.json.

FROM docker.io/library/node:22-bookworm-slim AS build
WORKDIR /src/examples/better-auth
# Packages are a layer of their own: only a change of the lock file fetches them again.
COPY examples/better-auth/package.json examples/better-auth/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY docs/openapi.json /src/docs/openapi.json
COPY examples/better-auth ./
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM gcr.io/distroless/nodejs22-debian12:nonroot
WORKDIR /app
COPY --from=build /src/examples/better-auth/package.json ./
COPY --from=build /src/examples/better-auth/node_modules ./node_modules
COPY --from=build /src/examples/better-auth/public ./public
COPY --from=build /src/examples/better-auth/dist ./dist
USER 65532:65532
# The entrypoint of the image is Node.js.
ENV NODE_ENV=production HOST=0.0.0.0
EXPOSE 3000
CMD ["dist/server.js"]
