#!/bin/sh
# Starts Redis for the venue: arguments are those of redis-server. Only the user `tapewire` can log
# in, with what redis-users.acl (beside this file) allows. Its password is REDIS_PASSWORD; without
# one it is made at the first start. The services read it from SECRET_DIR, a volume that they share.
# The default user is off and yet may do everything: Redis 7 replays its append-only log as that user
# and would drop, in silence, what scripts wrote.
set -eu
here=$(dirname "$0")
secret="${SECRET_DIR:-/run/tapewire}"

umask 022
if [ -n "${REDIS_PASSWORD:-}" ]; then
  printf '%s' "$REDIS_PASSWORD" > "$secret/redis-password"
elif [ ! -s "$secret/redis-password" ]; then
  head -c 32 /dev/urandom | sha256sum | cut -c 1-64 | tr -d '\n' > "$secret/redis-password"
fi
unset REDIS_PASSWORD

# Redis keeps the digest only, and so does its file.
digest=$(sha256sum < "$secret/redis-password" | cut -c 1-64)
sed "s/^user tapewire on/& #$digest/" "$here/redis-users.acl" > "$secret/users.acl"

# The image's own entry gives up root, and only for a command that begins with redis-server.
entry=$(command -v docker-entrypoint.sh || true)
exec $entry redis-server --aclfile "$secret/users.acl" "$@"
