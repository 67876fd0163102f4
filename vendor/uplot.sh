#!/bin/sh
# Bring uPlot, which draws the charts of the pages, from the npm registry into the static files. `make vendor` runs this.
# The files are committed, so nobody needs npm or a network to run the service.
#
# Another version: change VERSION and INTEGRITY (`npm view uplot@<version> dist.integrity`) and run it. It names the
# files whose hash is another one; write their new hashes below.
set -eu
cd "$(dirname "$0")/.."

VERSION=1.6.32
INTEGRITY=sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
FOLDER=statsapi/pages/static/pages/vendor/uplot
HASHES='
8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd  LICENSE
19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f  uPlot.iife.min.js
df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04  uPlot.min.css
'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "uplot@$VERSION" >/dev/null
archive=$work/uplot-$VERSION.tgz
found=sha512-$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
if [ "$found" != "$INTEGRITY" ]; then
  echo "uplot@$VERSION is not what was expected: its hash is $found" >&2
  exit 1
fi
tar -xzf "$archive" -C "$work"
mkdir -p "$FOLDER"
cp "$work/package/LICENSE" "$work/package/dist/uPlot.iife.min.js" "$work/package/dist/uPlot.min.css" "$FOLDER"
chmod 644 "$FOLDER"/*
printf '%s' "$HASHES" | sed '/^$/d' | (cd "$FOLDER" && sha256sum --check --quiet)
