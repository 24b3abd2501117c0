#!/bin/sh
# Writes a backup of the venue to standard output while the venue trades: one file, a snapshot of one
# moment. From the host:
#   docker compose exec -T redis sh /etc/tapewire/redis-backup.sh > venue.rdb
set -eu
secret="${SECRET_DIR:-/run/tapewire}"
timeout_s="${BACKUP_TIMEOUT_S:-600}"
REDISCLI_AUTH=$(cat "$secret/redis-password")
export REDISCLI_AUTH

redis() {
  redis-cli -p "${REDIS_PORT:-6379}" --user tapewire --no-auth-warning -e "$@"
}

field() {
  redis INFO persistence | tr -d '\r' | sed -n "s/^$1://p"
}

fail() {
  echo "no backup: $1" >&2
  exit 1
}

# SCHEDULE waits for a rewrite of the append-only log that is running.
saves=$(field rdb_saves)
redis BGSAVE SCHEDULE > /dev/null || fail "Redis refused BGSAVE"
waited_s=0
while [ "$(field rdb_saves)" = "$saves" ] || [ "$(field rdb_bgsave_in_progress)" = 1 ]; do
  [ "$waited_s" -lt "$timeout_s" ] || fail "the snapshot was not ready within $timeout_s s"
  sleep 1
  waited_s=$((waited_s + 1))
done
[ "$(field rdb_last_bgsave_status)" = ok ] || fail "Redis could not write its snapshot; see its log"
cat "${DATA_DIR:-/data}/dump.rdb"
rm -f "${DATA_DIR:-/data}/dump.rdb"
