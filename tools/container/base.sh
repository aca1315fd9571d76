#!/usr/bin/env bash
# Makes the two base images of service/Dockerfile without a registry, from Debian's packages and npm's `node`:
#   skykv-base    a trimmed Debian with the Node of node_modules/: what the service runs on
#   skykv-build   the same with this machine's npm and certificates: what installs the service's dependencies
# Needs root, debootstrap, a Docker engine and `npm ci` of the repository. The mirror is the argument, if given.
set -euo pipefail
mirror=${1:-http://deb.debian.org/debian}
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The log is shown only when something fails: it is long and says nothing otherwise.
debootstrap --variant=minbase --include=libstdc++6 bookworm "$work/root" "$mirror" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; exit 1; }
rm -rf "$work"/root/usr/share/{doc,man,info,locale,lintian,zoneinfo,bash-completion}/* \
  "$work"/root/var/cache/* "$work"/root/var/lib/apt/lists/* "$work"/root/var/log/* "$work"/root/dev/*
install -D node_modules/node/bin/node "$work/root/usr/local/bin/node"
tar --directory "$work/root" --create --sort=name --numeric-owner . | docker import --message "Debian with Node" - skykv-base

mkdir "$work/build"
npm=$(realpath "$(command -v npm)")
cp --recursive "${npm%/bin/npm-cli.js}" "$work/build/npm"
cp /etc/ssl/certs/ca-certificates.crt "$work/build/"
docker build --quiet --tag skykv-build --file - "$work/build" <<'DOCKERFILE'
FROM skykv-base
COPY npm /usr/local/lib/npm
COPY ca-certificates.crt /etc/ssl/certs/
RUN ln -s ../lib/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
DOCKERFILE
