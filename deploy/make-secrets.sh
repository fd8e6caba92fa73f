#!/bin/sh
# Makes the files of deploy/secrets, each once: what is there stays, so that it may run again.
# The provider's token comes from the environment (AUTH_TOKEN), or is asked for.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"

# Readable by every user of a container that gets the file; the folder itself is readable by you alone.
keep() {
    if [ -e "$folder/$1" ]; then
        echo "$folder/$1 is there already" >&2
    else
        printf '%s\n' "$2" > "$folder/$1"
        chmod 444 "$folder/$1"
    fi
}

keep sealing "1:$(openssl rand -base64 32)"
keep fingerprint "$(openssl rand -base64 32)"
keep code "$(openssl rand -base64 32)"
keep database-password "$(openssl rand -hex 24)"
keep database-url "postgresql://poundkey:$(cat "$folder/database-password")@postgres/poundkey"
keep grafana-password "$(openssl rand -hex 12)"
if [ ! -e "$folder/auth-token" ]; then
    if [ -z "${AUTH_TOKEN:-}" ]; then
        printf 'The auth token of your account at the provider: ' >&2
        read -r AUTH_TOKEN
    fi
    keep auth-token "$AUTH_TOKEN"
fi
