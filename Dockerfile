FROM debian:bookworm-slim AS build
WORKDIR /src
# The packages come first: a change of the sources does not install them again.
COPY packages.txt .
RUN apt-get update \
  && sed -n '/^# build:/,/^$/{/^[^#]/p}' packages.txt | xargs apt-get install -y --no-install-recommends \
  && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DJOBD_TESTS=OFF -DJOBD_EXAMPLES=OFF -DJOBD_BENCH=OFF \
  && cmake --build /build \
  && install -s /build/app/jobd /usr/local/bin/

FROM debian:bookworm-slim
COPY packages.txt /tmp/
RUN apt-get update \
  && sed -n '/^# run:/,/^$/{/^[^#]/p}' /tmp/packages.txt | xargs apt-get install -y --no-install-recommends \
  && rm -rf /var/lib/apt/lists/* /tmp/packages.txt \
  && useradd --system --uid 10001 --user-group --no-create-home jobd
COPY --from=build /usr/local/bin/jobd /usr/local/bin/
USER jobd
WORKDIR /tmp
# Whoever publishes the port decides who may reach it.
ENV HTTP_HOST=0.0.0.0
EXPOSE 3000
# Start it with an init (docker run --init): it reaps what the jobs leave behind.
ENTRYPOINT ["jobd"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["jobd", "health"]
