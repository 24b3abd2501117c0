#!/bin/sh
# Reads a backup (redis-backup.sh) from standard input into an empty data directory, for the next
# start of Redis. From the host, with the venue stopped:
#   docker compose run --rm -T --no-deps redis sh /etc/tapewire/redis-restore.sh < venue.rdb
set -eu
data="${DATA_DIR:-/data}"

fail() {
  echo "nothing was restored: $1" >&2
  exit 1
}

[ ! -e "$data/appendonlydir" ] || fail "$data holds a venue already; remove the volume first"
# The first file of an append-only log may be a snapshot. The folder appears when it is complete.
draft="$data/appendonlydir.new"
rm -rf "$draft"
mkdir "$draft"
cat > "$draft/appendonly.aof.1.base.rdb"
case $(head -c 5 "$draft/appendonly.aof.1.base.rdb") in
  REDIS | VALKE) ;;
  *) rm -rf "$draft"; fail "standard input is not a snapshot of Redis or Valkey" ;;
esac
echo "file appendonly.aof.1.base.rdb seq 1 type b" > "$draft/appendonly.aof.manifest"
sync
mv "$draft" "$data/appendonlydir"
