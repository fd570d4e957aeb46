# Stands in for supabase/postgres where that cannot be pulled: Debian's PostgreSQL, started as that image is.
# Our engine reads with pgoutput, which comes with PostgreSQL, so wal2json is not in it.
ARG BASE
FROM ${BASE}
COPY postgres.sh /usr/local/bin/docker-entrypoint.sh
COPY postgresql.conf /etc/postgresql/postgresql.conf
RUN echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' >>/etc/passwd \
 && echo 'postgres:x:999:' >>/etc/group \
 && install -d -o 999 -g 999 -m 700 /var/lib/postgresql/data \
 && install -d -o 999 -g 999 /var/run/postgresql /docker-entrypoint-initdb.d \
 && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
LABEL io.realtime-harness.stand-in="true"
ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
USER postgres
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
CMD ["postgres", "-c", "config_file=/etc/postgresql/postgresql.conf"]
