# One image for all of the project's own processes; docker-compose.yml says which of them a container runs.

# SERVICES: folders of the monolith and of the services, with a package.json each; STORES: names of the services. Both follow
# from banyan.config.ts: `npx banyan config render` writes them into docker-compose.yml.

# npm wants every workspace that the lockfile names; this stage's files stay the same while no package.json changes.
FROM node:24-bookworm-slim AS manifests
WORKDIR /banyan
COPY . .
RUN mkdir /manifests \
    && find . -name node_modules -prune -o -name 'package*.json' -exec cp --parents --target-directory /manifests {} +

FROM node:24-bookworm-slim AS packages
# SQLite is compiled where its prebuilt binary cannot be fetched; Node's headers are in the image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 make g++ \
    && rm -rf /var/lib/apt/lists/*
ENV npm_config_nodedir=/usr/local
WORKDIR /banyan
COPY --from=manifests /manifests ./
ARG SERVICES=""
# Without PostgreSQL's own binaries, which are optional: the database is a container of its own.
RUN for each in contracts kit cdc cdc/kafka service control strangler-proxy cli postgres ${SERVICES}; do \
      echo "--workspace=${each}"; \
    done | xargs npm ci --omit=dev --omit=optional --no-audit --no-fund \
    && rm -rf node_modules/sqlite3/deps node_modules/sqlite3/build/Release/obj* \
      regression bench

FROM node:24-bookworm-slim
# A process cannot end while the C library looks up a name: two seconds at a name server that is away, not ten.
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=ExperimentalWarning RES_OPTIONS="timeout:1 attempts:2"
WORKDIR /banyan
COPY --from=packages /banyan ./
COPY . .
ARG STORES=""
# A named volume takes its first owner from the folder that it covers.
RUN rm -rf regression bench \
    && ln -s /banyan/cli/bin/banyan.js /usr/local/bin/banyan \
    && for each in bus proxy control control/secrets ${STORES}; do \
      install -d -o node -g node -m 0700 "/var/lib/banyan/${each}"; \
    done
# The image's user node, by number, so that an orchestrator sees that it is not root.
USER 1000:1000
