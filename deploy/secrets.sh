#!/bin/sh
# Make the files of secrets/ that docker-compose.yml mounts; what is there already stays as it is.
# Civitai's token is the one thing that nobody can make up: put it into secrets/civitai_api_token.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
# Other users of this machine do not get past the directory; the users inside the containers do not pass by it.
chmod 700 secrets

make_up() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep() {
    [ -e "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"
    chmod 444 "secrets/$1"
}

keep callback_secrets "main:$(make_up)"
keep database_password "$(make_up)"
keep database_url "postgresql://archive:$(cat secrets/database_password)@postgres:5432/archive"
keep gateway_signing_secret "$(make_up)"
keep grafana_password "$(make_up)"
keep reader_password "$(make_up)"
keep s3_access_key "ARCHIVE$(make_up | cut -c 1-13)"
keep s3_secret_key "$(make_up)"
if [ ! -s secrets/civitai_api_token ]; then
    echo "Now put your Civitai token into secrets/civitai_api_token, and chmod 444 it."
fi
