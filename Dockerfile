# The gateway on plain workerd, as `npm run serve` runs it. How to use it: docs/deploy.md.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY wrangler.toml tsconfig.json .dev.vars.example ./
COPY src src
COPY providers providers
# The sandbox, and what of the tests it is built with.
COPY test test
RUN node -- src/cli/serve/run.ts --build dist

# workerd needs glibc 2.35 or later; Debian 12 has 2.36.
FROM debian:bookworm-slim
# Whom workerd trusts when it calls a provider.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home chasqui && install --directory --owner chasqui --mode 700 /data
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build /app/package.json package.json
COPY --from=build /app/src/cli src/cli
COPY --from=build /app/dist dist
USER chasqui
VOLUME /data
EXPOSE 8787
HEALTHCHECK --start-period=20s --start-interval=1s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--", "src/cli/serve/run.ts", "--built", "dist", "--host", "0.0.0.0", "--state", "/data"]
