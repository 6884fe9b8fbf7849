# Two images. `docker build --target verifier .` is the local verifier. Without a target it is the one below.
# One image for the API and the worker: `node src/main.ts` unless told `node workers/main.ts`.
# Node.js runs the TypeScript as it is, so there is nothing to build but the portal's pages.

FROM node:26-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No install scripts: what we keep comes with its native code or does without (argon2 ships prebuilt binaries).
# Optional packages are the embedded Postgres, which a container has beside it instead, and gRPC of the local verifier.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:26-bookworm-slim AS portal
WORKDIR /portal
COPY portal/package.json portal/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY portal ./
RUN npm run build

# Node.js, and the one library of it that the base of the image lacks.
FROM node:26-bookworm-slim AS runtime
RUN mkdir -p /runtime/usr/local/bin /runtime/usr/lib && cp /usr/local/bin/node /runtime/usr/local/bin/ \
  && for library in $(ldd /usr/local/bin/node | grep -o '/[^ ]*/libatomic[^ ]*'); do cp "$library" /runtime/usr/lib/; done

# The package @flowplate/verifier: one file and Envoy's messages, with everything in it.
FROM node:26-bookworm-slim AS verifier-package
WORKDIR /app
COPY package.json package-lock.json LICENSE ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY src src
COPY scripts scripts
COPY packages packages
RUN node scripts/build.ts verifier

# The local verifier beside a gateway: `docker run … --listen unix:/run/flowplate/verifier.sock --broker https://…`.
# No health check: only the one who runs it knows where it listens (deploy/compose/local-verifier.yml has one).
FROM gcr.io/distroless/cc-debian12 AS verifier
ENV NODE_ENV=production
WORKDIR /app
COPY --from=runtime /runtime /
COPY --from=verifier-package /app/packages/verifier/dist ./
COPY --from=verifier-package /app/packages/verifier/LICENSE ./
USER 65532:65532
ENTRYPOINT ["node", "/app/flowplate-verifier.mjs"]

# The C and C++ libraries, certificates and an account without rights: no shell, no package manager, no npm.
FROM gcr.io/distroless/cc-debian12
ENV NODE_ENV=production
# Inside a container the network is the container's own; what is published is decided outside.
ENV HOST=0.0.0.0
WORKDIR /app
COPY --from=runtime /runtime /
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY workers workers
# The API document, which the API serves.
COPY docs/openapi.json docs/
COPY --from=portal /portal/dist portal/dist
# The administrator's tools: docker compose exec api node scripts/master-keys.ts list
COPY scripts/admin scripts/admin
COPY scripts/migrate.ts scripts/master-keys.ts scripts/organizations.ts scripts/recover.ts scripts/usage-flushes.ts scripts/
# Owned by root and not writable by the account that runs it, distroless' "nonroot". By number, so that Kubernetes'
# runAsNonRoot can tell.
USER 65532:65532
EXPOSE 9123 9124 9125
# Whether it can verify: without Postgres its lease still does for a while, and nothing may take it away then.
# By node, because the image has no curl. The worker overrides it: its health is on its metrics port.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --start-interval=1s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 9123}/health/verify`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
