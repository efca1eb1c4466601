# One image for all of the project's own processes; docker-compose.yml says which of them a container runs.

FROM node:24-bookworm-slim AS packages
# SQLite is compiled where its prebuilt binary cannot be fetched; Node's headers are in the image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 make g++ \
    && rm -rf /var/lib/apt/lists/*
ENV npm_config_nodedir=/usr/local
WORKDIR /banyan
COPY package.json package-lock.json ./
COPY contracts/package.json contracts/
COPY kit/package.json kit/
COPY cdc/package.json cdc/
COPY cdc/kafka/package.json cdc/kafka/
COPY service/package.json service/
COPY control/package.json control/
COPY strangler-proxy/package.json strangler-proxy/
COPY cli/package.json cli/
COPY postgres/package.json postgres/
COPY monolith/package.json monolith/
COPY extracted/shop-frame/package.json extracted/shop-frame/
COPY extracted/reviews/package.json extracted/reviews/
# npm wants every workspace that the lockfile names; these two are not in the image.
COPY regression/package.json regression/
COPY bench/package.json bench/
# Without PostgreSQL's own binaries, which are optional: the database is a container of its own.
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund \
      --workspace contracts --workspace kit --workspace cdc --workspace cdc/kafka --workspace service --workspace control \
      --workspace strangler-proxy --workspace cli --workspace postgres --workspace monolith \
      --workspace extracted/shop-frame --workspace extracted/reviews \
    && rm -rf node_modules/sqlite3/deps node_modules/sqlite3/build/Release/obj* \
      regression bench

FROM node:24-bookworm-slim
# A process cannot end while the C library looks up a name: two seconds at a name server that is away, not ten.
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=ExperimentalWarning RES_OPTIONS="timeout:1 attempts:2"
WORKDIR /banyan
COPY --from=packages /banyan ./
COPY . .
# A named volume takes its first owner from the folder that it covers.
RUN rm -rf regression bench \
    && ln -s /banyan/cli/bin/banyan.js /usr/local/bin/banyan \
    && install -d -o node -g node -m 0700 \
      /var/lib/banyan/bus /var/lib/banyan/reviews /var/lib/banyan/proxy \
      /var/lib/banyan/control /var/lib/banyan/control/secrets
# The image's user node, by number, so that an orchestrator sees that it is not root.
USER 1000:1000
