# An image with the executable and nothing else that can be run, not even a shell:
#   docker build -t asyncpkt .
#   docker run --rm -p 2707:2707 -e ASYNCPKT_TOKEN asyncpkt

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /asyncpkt
COPY . .
RUN deno task compile

# Has glibc and libgcc, which Deno needs, and a user without rights.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /asyncpkt/LICENSE /usr/share/doc/asyncpkt/
COPY --from=build /asyncpkt/asyncpkt /usr/local/bin/
EXPOSE 2707
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["asyncpkt", "health", "--url", "ws://127.0.0.1:2707", "--timeout", "2s"]
ENTRYPOINT ["asyncpkt"]
CMD ["serve", "--hostname", "0.0.0.0"]
