#!/bin/sh
# Makes the secrets of compose.yaml in secrets/, once; what is there stays as it is.
#
# The folder is closed to others. The files in it are not, because containers read them under users of their own.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets

random() { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'; }

put() {
  [ -s "secrets/$1" ] && return
  printf '%s' "$2" >"secrets/$1.new"
  chmod 0444 "secrets/$1.new"
  mv -f "secrets/$1.new" "secrets/$1"
}

for name in postgres_password gatetrail_password auditor_password gatetrail_jwt gatetrail_redaction gatetrail_state forward_shared_key; do
  put "$name" "$(random)"
done
put gatetrail_dsn "postgresql://gatetrail:$(cat secrets/gatetrail_password)@postgres:5432/gatetrail"
